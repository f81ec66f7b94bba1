"""A claim, asked again from its record: the same order and the same answer of the gate, years later.

The order is replayed from the candidates the record kept, by the pure rule in `order.py`; the gate from the facts kept
beside it. Where the rules have a newer edition the gate's answer may differ, and the replay says so.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops.contact import asking
from ops.contact.facts import Decision
from ops.contact.models import GateDecision
from ops.db import db
from ops.queue.models import TaskEvent
from ops.queue.order import Band, Candidate, first
from ops.work.states import EventKind


class Replayed(NamedTuple):
    """What asking again gave. `gate` None: the record of the gate's answer is not there."""

    same_task: bool
    gate: Decision | None
    allowed: bool
    """What the gate said then: a no where a card was handed out for what they wrote to be read."""
    same_rules: bool

    @property
    def same(self) -> bool:
        """Whether the claim would be made again just so."""
        return self.same_task and self.gate is not None and self.gate.allow is self.allowed


def replay(claim: TaskEvent) -> Replayed:
    """Ask again what was asked when this claim was made. Raises ValueError for an event that is no claim, or one from
    before its record was kept whole."""
    chosen = claim.facts.get("chosen") if claim.kind is EventKind.CLAIMED else None
    if not chosen or "lane_id" not in chosen:
        raise ValueError("this event keeps no whole record of a claim")
    kept = _gate_record(claim)
    return Replayed(
        same_task=first(candidates_of(claim.facts)).task_id == claim.task_id,
        gate=asking.replay(kept) if kept else None,
        allowed=bool(kept and kept.allow),
        same_rules=bool(kept and asking.replay(kept).rules_version == kept.rules_version),
    )


def candidates_of(facts: dict[str, Any]) -> list[Candidate]:
    """The candidates a claim's record names: the one that was taken, the next best of its practice, the next
    practice."""
    found = [_candidate(facts["chosen"])]
    if second := facts.get("second"):
        found.append(_candidate(second))
    if behind := facts.get("next_practice"):
        found.append(Candidate(Band.FAIR, behind["practice_id"], None, 0.0, behind["virtual_time"]))
    return found[::-1]  # the order in the record must not decide


def _candidate(kept: dict[str, Any]) -> Candidate:
    at = datetime.fromisoformat(kept["at"]) if "at" in kept else None
    return Candidate(
        Band(kept["band"]), kept["practice_id"], kept["task_id"], kept["rank"], kept.get("virtual_time"), at
    )


def _gate_record(claim: TaskEvent) -> GateDecision | None:
    return db.session.scalars(
        sa.select(GateDecision)
        .where(GateDecision.subject == f"task:{claim.task_id}", GateDecision.at == claim.at)
        .order_by(GateDecision.id.desc())
        .limit(1)
    ).first()
