"""A referral goes a step further, and a step that was a slip is taken back."""

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.practices import checks
from ops.practices.models import Practice
from ops.referrals import states
from ops.referrals.models import Referral, ReferralEvent
from ops.referrals.words import STATE_WORDS
from ops.work.answers import ReferralState, Source

LONGEST_AHEAD = timedelta(days=365)
"""How far ahead a visit is booked, and how far back it can have been."""
HIGHEST_VALUE = Decimal(1_000_000)
LONGEST_WORDS = 200
"""Characters of the days that suit, of what they come for, and of why they were lost."""


class Told(NamedTuple):
    """What was said with a step; None and "" are nothing. Days and hours are the practice's own."""

    visit_on: date | None = None
    visit_time: time | None = None
    visit_days: str = ""
    comes_for: str = ""
    happened_on: date | None = None
    value: Decimal | None = None
    """Dollars."""
    why: str = ""


NOTHING = Told()


def move_referral(
    referral: Referral, becomes: ReferralState, *, actor: str, source: Source = Source.CALL, told: Told = NOTHING
) -> ReferralEvent:
    """Take a referral one step further. Raises Refused for a step that cannot follow, or a day that cannot be.

    What happens to the friend after we have their name is the friend's own affair: the referrer is not told
    (docs/rules.md decision 7).
    """
    db.session.refresh(referral, with_for_update=True)
    if referral.joined_id is not None:
        raise Refused("We knew this friend already, from another patient: what becomes of them is noted there.")
    if not states.may_follow(referral.state, becomes):
        was, then = (STATE_WORDS[state].lower() for state in (referral.state, becomes))
        raise Refused(f"It says “{was}” already; “{then}” cannot follow. Take a slip back first.")
    told = _checked(told, becomes, clock.today(db.session.get_one(Practice, referral.practice_id).zone))
    before = change(referral, {"state": becomes} | _columns(becomes, told))
    event = add_event(
        referral, becomes, actor, source, tell=False, happened_on=told.happened_on, why=told.why, was=before
    )
    ring(Job.FRIENDS_MOVED)
    return event


def _checked(told: Told, becomes: ReferralState, today: date) -> Told:
    for day, what in ((told.visit_on, "The day of the visit"), (told.happened_on, "That day")):
        if day and abs(day - today) > LONGEST_AHEAD:
            raise Refused(f"{what} is more than a year away.")
    if told.happened_on and told.happened_on > today:
        raise Refused("That day is still to come.")
    if told.visit_time and not told.visit_on:
        raise Refused("Please say the day of the visit as well as the hour.")
    if told.value is not None and not (told.value.is_finite() and 0 <= told.value < HIGHEST_VALUE):
        raise Refused("The value is in dollars, from 0 up to below 1,000,000.")
    if becomes is ReferralState.LOST and not told.why.strip():
        raise Refused("Please say why they are lost.")
    return told._replace(
        visit_days=checks.text(told.visit_days, "What you wrote about the days", LONGEST_WORDS),
        comes_for=checks.text(told.comes_for, "What they come for", LONGEST_WORDS),
        why=checks.text(told.why, "The reason", LONGEST_WORDS),
        value=told.value.quantize(Decimal("0.01")) if told.value is not None else None,
    )


def _columns(becomes: ReferralState, told: Told) -> dict[str, Any]:
    """What the step makes of the referral. A booking is the newest one, whole; else what was not said stays."""
    said: dict[str, Any] = {"comes_for": told.comes_for} if told.comes_for else {}
    if told.value is not None:
        said["value"] = told.value
    if becomes is ReferralState.BOOKED:
        return said | {name: getattr(told, name) for name in ("visit_on", "visit_time", "visit_days")}
    return said


def change(referral: Referral, columns: dict[str, Any]) -> dict[str, Any]:
    """Set the columns; what they were, as JSON."""
    was = {name: getattr(referral, name) for name in columns}
    for name, value in columns.items():
        setattr(referral, name, value)
    return {name: None if value is None else str(value) for name, value in was.items()}


def add_event(
    referral: Referral, state: ReferralState, actor: str, source: Source, *, tell: bool, **said: Any
) -> ReferralEvent:
    """The row that says the referral is now in this state, and on whose word."""
    event = ReferralEvent(
        practice_id=referral.practice_id,
        referral_id=referral.id,
        state=state,
        at=clock.now(),
        actor=actor,
        source=source,
        tell=tell,
        **said,
    )
    db.session.add(event)
    db.session.flush()
    return event


READ: dict[str, Callable[[str], Any]] = {
    "state": ReferralState,
    "visit_on": date.fromisoformat,
    "visit_time": time.fromisoformat,
    "value": Decimal,
    "patient_id": int,
}


def take_back(referral: Referral, event_id: int, source: Source | None = None, *, decided: bool = True) -> None:
    """The last step was a slip: the referral is as it was before it. The audit log keeps what was taken back.

    `source`: of somebody who may take back steps of this source alone. `decided`: by a person, so that no visit notes
    it again. Raises Refused when it is not the last step, or
    was not theirs.
    """
    db.session.refresh(referral, with_for_update=True)
    last = db.session.scalars(
        sa.select(ReferralEvent)
        .where(ReferralEvent.referral_id == referral.id)
        .order_by(ReferralEvent.id.desc())
        .limit(1)
    ).first()
    if last is None or last.id != event_id:
        raise Refused("Something else was noted since, or it was taken back already. Please look again.")
    if last.was is None:
        raise Refused("This step cannot be taken back.")
    if source is not None and last.source is not source:
        raise Refused("The agency noted this step. Please ask them to take it back.")
    if last.says_who and referral.patient_id:  # whoever the file found would be found again
        referral.not_patients = [*referral.not_patients, referral.patient_id]
    elif last.source is Source.FILE:
        referral.follows_visits = not decided
    for name, value in last.was.items():
        setattr(referral, name, None if value is None else READ.get(name, str)(value))
    db.session.delete(last)
    db.session.flush()
    ring(Job.FRIENDS_MOVED)
