"""What the cadence pages read: a practice's cadences with what starts them, and how many patients are on their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from ops import clock
from ops.cadences.models import Cadence, CadenceStep, Trigger
from ops.db import db
from ops.practices.humans import human_of, merged_at
from ops.practices.models import Practice
from ops.queue.models import CadenceRun
from ops.scripts.models import Script, ScriptVersion, VersionState
from ops.work.endings import EndReason
from ops.work.states import RunState

UNSENT_SHOWN = timedelta(days=30)


@dataclass(frozen=True)
class CadenceLine:
    """A cadence with its triggers. `running`: patients on their way; `silent`: steps without a published script;
    `unsent`: what was missing when it could not be sent in the last 30 days, and to how many patients."""

    cadence: Cadence
    triggers: list[Trigger]
    running: int
    silent: list[CadenceStep]
    unsent: list[tuple[str, int]]


def cadences_of(practice: Practice) -> list[CadenceLine]:
    """All cadences of the practice by name, the active first."""
    found = db.session.scalars(
        sa.select(Cadence)
        .where(Cadence.practice_id == practice.id)
        .options(selectinload(Cadence.steps))
        .order_by(Cadence.active.desc(), sa.func.lower(Cadence.name), Cadence.id)
    ).all()
    return _with_all(practice, found)


def a_cadence(practice: Practice, cadence_id: int) -> CadenceLine | None:
    """One cadence of this practice; None for another practice's or none."""
    own = sa.select(Cadence).where(Cadence.practice_id == practice.id, Cadence.id == cadence_id)
    found = db.session.scalars(own.options(selectinload(Cadence.steps))).all()
    return next(iter(_with_all(practice, found)), None)


def _with_all(practice: Practice, found: Sequence[Cadence]) -> list[CadenceLine]:
    ids = [cadence.id for cadence in found]
    triggers = db.session.scalars(sa.select(Trigger).where(Trigger.cadence_id.in_(ids)).order_by(Trigger.id)).all()
    running = dict(
        db.session.execute(
            sa.select(CadenceRun.cadence_id, sa.func.count())
            .where(CadenceRun.cadence_id.in_(ids), CadenceRun.state == RunState.RUNNING)
            .group_by(CadenceRun.cadence_id)
        ).all()
    )
    said, unsent = _published(practice), _unsent(practice)
    return [
        CadenceLine(
            cadence,
            [trigger for trigger in triggers if trigger.cadence_id == cadence.id],
            running.get(cadence.id, 0),
            [step for step in cadence.steps if (str(cadence.kind), str(step.mode)) not in said],
            [(words, patients) for cadence_id, words, patients in unsent if cadence_id == cadence.id],
        )
        for cadence in found
    ]


def _unsent(practice: Practice) -> list[tuple[int, str, int]]:
    """(cadence, what was missing, how many patients), the most patients first."""
    merged = merged_at(clock.now())
    many = sa.func.count(human_of(CadenceRun.patient_id, merged).distinct())
    rows = db.session.execute(
        sa.select(CadenceRun.cadence_id, CadenceRun.end_words, many)
        .outerjoin(merged, merged.c.patient_id == CadenceRun.patient_id)
        .where(
            CadenceRun.practice_id == practice.id,
            CadenceRun.end_reason == EndReason.NOT_SENT,
            CadenceRun.ended_at > clock.now() - UNSENT_SHOWN,
        )
        .group_by(CadenceRun.cadence_id, CadenceRun.end_words)
        .order_by(many.desc(), CadenceRun.end_words)
    )
    return [(cadence_id, words or "", patients) for cadence_id, words, patients in rows]


def _published(practice: Practice) -> set[tuple[str, str]]:
    """(kind, medium) the practice or the agency has a published script for."""
    query = (
        sa.select(Script.kind, Script.medium)
        .join(ScriptVersion)
        .where(
            sa.or_(Script.practice_id == practice.id, Script.practice_id.is_(None)),
            ScriptVersion.state == VersionState.PUBLISHED,
        )
    )
    return {(kind, str(medium)) for kind, medium in db.session.execute(query)}


def standing(cadence: Cadence) -> dict[int, tuple[int, int]]:
    """Patients on their way by place: (waiting for the step, with its call in the queue)."""
    waiting = sa.func.count().filter(CadenceRun.next_at.is_not(None))
    in_work = sa.func.count().filter(CadenceRun.next_at.is_(None))
    query = (
        sa.select(CadenceRun.position, waiting, in_work)
        .where(CadenceRun.cadence_id == cadence.id, CadenceRun.state == RunState.RUNNING)
        .group_by(CadenceRun.position)
    )
    return {place: (due, called) for place, due, called in db.session.execute(query)}
