"""Whether a call that is promised can be made then: the gate, its hours and caps, asked for that moment.

The desk asks before an agent says a time, the outcome before it is saved, and the upkeep as the time comes near.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from ops.config import settings
from ops.contact.asking import Person
from ops.contact.facts import Channel, Reason
from ops.contact.openings import CLOCK_ENDS, Foreseen, first_open
from ops.contact.queries import cap_frees
from ops.db import Moment, db
from ops.messages.permission import foresee
from ops.practices.models import Practice
from ops.queue.models import Task
from ops.work.reasons import Waits

SOMEBODY_ENDS = frozenset({Reason.UNREAD_REPLY, Reason.PRACTICE_PAUSED, Reason.NO_BAA})
"""What somebody is expected to put right before the time comes: no reason to refuse it."""
PASSES = CLOCK_ENDS | {Waits.PERSON_LIMIT}


class Possible(NamedTuple):
    """`at`: the first moment from the one that was asked about at which the call can be made; None: none in sight.
    `against`: what stands against the asked one; empty: it can be made then. `zone`: the person's."""

    at: datetime | None
    against: tuple[str, ...]
    zone: str


def possible(task: Task, practice: Practice, person: Person, asked: datetime, *, in_progress: bool = False) -> Possible:
    """When a call about this task can be made, from `asked` on. `in_progress`: the call that is going on counts too."""
    if not person.phone or not person.phone_key:
        return Possible(None, (Waits.NO_NUMBER,), practice.zone)
    but_task = None if in_progress else task.id
    zones: list[str] = []

    def ask(moment: datetime) -> Foreseen:
        decision = foresee(person, practice, Channel.CALL, moment, but_task=but_task)
        zones.extend(place.zone for place in decision.places)
        against = {str(reason) for reason in decision.reasons} - SOMEBODY_ENDS
        if _calls(task, moment, but_task) >= settings().attempts_per_person:
            against.add(Waits.PERSON_LIMIT)
        return Foreseen(frozenset(against), decision.opens_at)

    against = ask(asked).against
    if not against:
        return Possible(asked, (), zones[0] if zones else practice.zone)
    frees = [*cap_frees(practice.id, person, asked, but_task), *_month_frees(task, asked, but_task)]
    at = first_open(ask, asked, frees, PASSES)
    return Possible(at, tuple(sorted(against)), zones[0] if zones else practice.zone)


def _calls(task: Task, at: datetime, but_task: int | None) -> int:
    """What counts toward the calls a month to whom the task is about."""
    return db.session.scalar(CALLS, _given(task, at, but_task)) or 0


def _month_frees(task: Task, at: datetime, but_task: int | None) -> list[datetime]:
    return list(db.session.scalars(MONTH_FREES, _given(task, at, but_task)))


def _given(task: Task, at: datetime, but_task: int | None) -> dict[str, object]:
    whose = {"patient": task.patient_id, "referral": task.referral_id, "person": task.person_key}
    return whose | {"at": at, "task": but_task}


def _of_month(statement: str) -> sa.TextClause:
    return sa.text(f"{statement} FROM month_uses(:patient, :referral, :person, :at, :task) u").bindparams(
        *(sa.bindparam(name, type_=sa.BigInteger) for name in ("patient", "referral", "task")),
        sa.bindparam("person", type_=sa.LargeBinary),
        sa.bindparam("at", type_=Moment),
    )


CALLS = _of_month("SELECT count(*) FILTER (WHERE u.counts_from <= :at AND u.counts_until > :at)")
MONTH_FREES = _of_month("SELECT u.counts_until")
