"""Friends as leads and practices read them: one definition for each count and for the list behind it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import aliased, selectinload

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.practices import checks
from ops.practices.models import Patient, Practice
from ops.referrals.models import Referral, ReferralEvent
from ops.referrals.steps import Step, steps_from
from ops.work.answers import ReferralState

PAGE = 25
NO_DAY_FOR = timedelta(days=14)
"""A booking of which nobody knows the day is asked about after this long."""


class Shelf(StrEnum):
    """The lists a friend stands on."""

    MATCH = "is_this_them"
    ASK = "did_they_come"
    BOOKED = "booked"
    CAME = "came"
    UNDER_WAY = "under_way"
    TREATED = "treated"
    LOST = "lost"
    ALL = "all"


SHELF_WORDS = {
    Shelf.MATCH: "Is this them?",
    Shelf.ASK: "Did they come?",
    Shelf.BOOKED: "Booked",
    Shelf.CAME: "Came, not treated yet",
    Shelf.UNDER_WAY: "Not booked yet",
    Shelf.TREATED: "Treated",
    Shelf.LOST: "Not going on",
    Shelf.ALL: "All",
}
STATES_OF = {
    Shelf.BOOKED: (ReferralState.BOOKED,),
    Shelf.CAME: (ReferralState.SHOWED,),
    Shelf.UNDER_WAY: (
        ReferralState.RECEIVED,
        ReferralState.CONTACTED,
        ReferralState.CONNECTED,
        ReferralState.NO_SHOW,
    ),
    Shelf.TREATED: (ReferralState.TREATED,),
    Shelf.LOST: (ReferralState.LOST,),
    Shelf.ALL: tuple(ReferralState),
}


@dataclass(frozen=True)
class FriendLine:
    """One friend with what a reader needs. `asked`: their day has passed and nobody said whether they came. `patient`:
    whom they became, or who is asked about (`maybe`). `joined`: the other patients who sent them too."""

    referral: Referral
    practice: Practice
    referrer: Patient
    asked: bool
    patient: Patient | None = None
    joined: tuple[str, ...] = ()

    @property
    def steps(self) -> list[Step]:
        return steps_from(self.referral.state)

    @property
    def maybe(self) -> bool:
        return self.referral.maybe_patient_id is not None

    @property
    def last(self) -> ReferralEvent | None:
        """The newest step, if it can be taken back."""
        newest = self.referral.events[-1] if self.referral.events else None
        return newest if newest and newest.was is not None else None


def day_passed() -> sa.ColumnElement[bool]:
    """Whether a booked friend's day has passed (by the calendar of Practice) and nobody said whether they came."""
    today = sa.cast(sa.func.timezone(Practice.zone, clock.now()), sa.Date)
    booked_at = (
        sa.select(sa.func.max(ReferralEvent.at))
        .where(ReferralEvent.referral_id == Referral.id, ReferralEvent.state == ReferralState.BOOKED)
        .scalar_subquery()
    )
    no_day = booked_at < clock.now() - NO_DAY_FOR
    passed = sa.func.coalesce(Referral.visit_on < today, no_day)
    return sa.and_(Referral.state == ReferralState.BOOKED, passed)


def on_shelf(shelf: Shelf) -> sa.ColumnElement[bool]:
    """Which friends (Referral, with their Practice) stand there; who is joined to another stands nowhere."""
    match shelf:
        case Shelf.ASK:
            which = day_passed()
        case Shelf.MATCH:
            which = Referral.maybe_patient_id.is_not(None)
        case _:
            which = Referral.state.in_(STATES_OF[shelf])
    return sa.and_(Referral.joined_id.is_(None), which)


def _found(practice_id: int | None, wanted: str) -> list[sa.ColumnElement[bool]]:
    only = [] if practice_id is None else [Referral.practice_id == practice_id]
    wanted = wanted.strip()[:100]
    if wanted:
        ways = [Referral.friend_name.icontains(wanted, autoescape=True)]
        if phone := _phone_or_none(wanted):
            ways.append(Referral.friend_phone == phone)
        only.append(sa.or_(*ways))
    return only


def _phone_or_none(wanted: str) -> str | None:
    try:
        return checks.phone(wanted) or None
    except Refused:
        return None


def shelf_counts(practice_id: int | None, wanted: str = "") -> dict[Shelf, int]:
    """How many friends each list has, over all practices or of one."""
    counted = (sa.func.count().filter(on_shelf(shelf)) for shelf in Shelf)
    row = db.session.execute(
        sa.select(*counted)
        .select_from(Referral)
        .join(Practice, Practice.id == Referral.practice_id)
        .where(*_found(practice_id, wanted))
    ).one()
    return dict(zip(Shelf, row, strict=True))


def asked_about() -> tuple[int, int]:
    """How many friends' days have passed without a word, and of how many it is asked whether a patient is them, over
    all practices; counted up to 100."""
    is_match = on_shelf(Shelf.MATCH)
    some = (
        sa.select(is_match)
        .join_from(Referral, Practice, Practice.id == Referral.practice_id)
        .where(sa.or_(on_shelf(Shelf.ASK), is_match))
        .limit(100)
    )
    matches = db.session.scalars(some).all()
    return matches.count(False), matches.count(True)


def friends(
    practice_id: int | None, shelf: Shelf = Shelf.ALL, wanted: str = "", page: int = 1
) -> tuple[list[FriendLine], bool]:
    """One page of a list, and whether there is another: whose day has passed first, then the newest."""
    asked, became = day_passed(), aliased(Patient)
    rows = db.session.execute(
        sa.select(Referral, Practice, Patient, asked, became)
        .join(Practice, Practice.id == Referral.practice_id)
        .join(Patient, Patient.id == Referral.referrer_id)
        .outerjoin(became, became.id == sa.func.coalesce(Referral.patient_id, Referral.maybe_patient_id))
        .options(selectinload(Referral.events))
        .where(on_shelf(shelf), *_found(practice_id, wanted))
        .order_by(asked.desc(), Referral.received_at.desc(), Referral.id.desc())
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
    ).all()
    joined = _joined([row[0].id for row in rows])
    return [FriendLine(*row, joined=tuple(joined[row[0].id])) for row in rows[:PAGE]], len(rows) > PAGE


def _joined(ids: Sequence[int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    query = sa.select(Referral.joined_id, Patient).join(Patient, Patient.id == Referral.referrer_id)
    for referral_id, patient in db.session.execute(query.where(Referral.joined_id.in_(ids)).order_by(Referral.id)):
        names[referral_id or 0].append(patient.name)
    return names


def friend(practice: Practice, referral_id: int) -> Referral | None:
    return db.session.scalar(sa.select(Referral).where(Referral.practice_id == practice.id, Referral.id == referral_id))


def patient_numbered(practice: Practice, number: str) -> Patient | None:
    """The patient with the practice's own number for them."""
    which = (Patient.practice_id == practice.id, Patient.external_id == number.strip())
    return db.session.scalar(sa.select(Patient).where(*which))
