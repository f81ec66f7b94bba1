"""What is known of an agent's rhythm: whether they are on a break, what they promised, and how the desk is set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.contact.places import places_of, zone_info
from ops.db import db
from ops.phrases import time_words
from ops.practices.models import Patient, Practice
from ops.queue.models import Task
from ops.referrals.models import Referral
from ops.rhythm.models import Break, BreakKind, DeskSettings, WrapUp
from ops.work.kinds import Kind
from ops.work.states import TaskState

CALLBACKS = 10
"""Promises listed at most."""


SOON = timedelta(hours=1)
"""Promises this near are named to whoever goes on a break."""


BREAK_WORDS = {
    BreakKind.BREAK: "On a break",
    BreakKind.LUNCH: "At lunch",
    BreakKind.TRAINING: "In training",
    BreakKind.DONE: "Done for the day",
}


WRAP_UP_SECONDS = 60


IDLE_SECONDS = 120
UNUSED_NUMBERS = 12
NUMBERS_AN_HOUR = 90


@dataclass(frozen=True)
class Callback:
    """A call an agent promised. `zone` is the first of the person's possible zones, else the practice's."""

    task_id: int
    at: datetime
    practice: str
    kind: Kind
    zone: str
    today: bool
    """It is promised for today's date in that zone, or for a day before."""

    @property
    def when(self) -> str:
        """ "3:00 PM EDT", in their zone."""
        return time_words(self.at.astimezone(zone_info(self.zone)))

    @property
    def overdue(self) -> bool:
        return self.at < clock.now()


def open_break(user_id: int) -> Break | None:
    """The break this person is on, also when they are done for the day; None when they work."""
    return db.session.scalars(sa.select(Break).where(Break.user_id == user_id, Break.ended_at.is_(None))).first()


def on_break(user_id: int) -> bool:
    """Whether they are on a break, or done for the day: no task is claimed for them then."""
    return bool(db.session.scalar(sa.select(sa.exists().where(Break.user_id == user_id, Break.ended_at.is_(None)))))


def callbacks(user_id: int, limit: int = CALLBACKS) -> list[Callback]:
    """The calls this agent promised to make themself and has not made yet, earliest first; one statement."""
    rows = db.session.execute(
        sa.select(Task, Practice.name, Practice.zone, Patient, Referral.friend_phone)
        .join(Practice, Practice.id == Task.practice_id)
        .join(Patient, Patient.id == Task.patient_id)
        .outerjoin(Referral, Referral.id == Task.referral_id)
        .where(Task.owner_id == user_id, Task.state == TaskState.WAITING, Task.promised_at.is_not(None))
        .order_by(Task.promised_at, Task.id)
        .limit(limit)
    )
    return [_callback(task, name, _zone(task, zone, patient, phone)) for task, name, zone, patient, phone in rows]


def _callback(task: Task, practice: str, zone: str) -> Callback:
    assert task.promised_at
    today = task.promised_at.astimezone(zone_info(zone)).date() <= clock.today(zone)
    return Callback(task.id, task.promised_at, practice, task.kind, zone, today)


def _zone(task: Task, practice_zone: str, patient: Patient, friend_phone: str | None) -> str:
    """Where whom the call reaches most likely is, as the card shows it."""
    where = (
        (None, None, friend_phone, None)
        if task.referral_id
        else (patient.state, patient.zip, patient.phone, patient.stated_zone)
    )
    places = places_of(*where)
    return places[0].zone if places else practice_zone


def due_soon(user_id: int) -> list[Callback]:
    """Their promises of the next hour, and those that are overdue."""
    until = clock.now() + SOON
    return [one for one in callbacks(user_id) if one.at <= until]


def due_today(user_id: int) -> list[Callback]:
    """Their promises up to the end of today where the person is."""
    return [one for one in callbacks(user_id, limit=200) if one.today]


def desk_settings() -> DeskSettings:
    """How leads set everybody's desk: as long as it takes after a call, two minutes until nobody is there, unless they
    said otherwise."""
    return db.session.get(DeskSettings, 1) or DeskSettings(
        id=1,
        wrap_up=WrapUp.OPEN,
        wrap_up_seconds=WRAP_UP_SECONDS,
        idle_seconds=IDLE_SECONDS,
        unused_numbers=UNUSED_NUMBERS,
        numbers_an_hour=NUMBERS_AN_HOUR,
    )
