"""Builders for tests, through the product's own actions, so that a test starts from what can really come about.

Each may be called inside a `transaction(...)` or outside one (then it makes its own). Everybody is invented.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count

import sqlalchemy as sa

from ops import clock
from ops.accounts import actions as accounts
from ops.accounts import sessions
from ops.accounts.models import AuthSession, Role, User
from ops.accounts.roles import AT_WORK
from ops.crypto import token_hash
from ops.db import db, transaction
from ops.practices import actions
from ops.practices.models import Contract, Milestone, MilestoneKind, Patient, Practice, PracticeStatus, TreatmentType

FIRST_NUMBER = 200  # with an area code that no test writes out: who is made up is never somebody a test names
_numbers = count(FIRST_NUMBER)
WHOLE = {
    "callback_number": "+13125550199",
    "website": "https://lake.example.com",
    "shareable": "They explain every step.",
    "sender_email": "hello@lake.example.com",
}
"""What a practice must have told us to go live, beside what `make_practice` gives it."""


def start_over() -> None:
    """Count from the beginning: a test makes up the same people whichever tests ran before it."""
    global _numbers
    _numbers = count(FIRST_NUMBER)


@contextmanager
def edge() -> Iterator[None]:
    """The transaction going on, or one of our own."""
    if db.session().info.get("actor"):
        yield
        return
    with transaction("test"):
        yield


def make_practice(
    slug: str | None = None,
    name: str | None = None,
    zone: str = "America/Chicago",
    state: str = "IL",
    baa_on: date | None = date(2026, 1, 2),
    hours: float | None = 20,
    starts_on: date | None = None,
    **details: str,
) -> Practice:
    """A live practice with the default treatments and a contract since January 2, 2026 (hours=None: without). It may
    lack what it needs to go live: something that was live before is."""
    slug = slug or f"practice-{next(_numbers)}"
    with edge():
        practice = actions.add_practice(
            slug,
            name or slug.replace("-", " ").title(),
            zone,
            state,
            baa_on,
            hours=hours,
            starts_on=starts_on or date(2026, 1, 2),
            **details,
        )
        practice.status = PracticeStatus.ACTIVE
        return practice


def make_user(
    role: Role | str = Role.AGENT,
    practice: Practice | None = None,
    *,
    email: str | None = None,
    name: str | None = None,
    password: str | None = None,
    present: bool = True,
) -> User:
    """Somebody who signs in. A member is given `practice`. Without `password` they come in by the `sign_in` fixture
    only. `present`: who takes tasks is at their desk, in a browser they never leave (`at_desk`).
    """
    number = next(_numbers)
    role = Role(role)
    with edge():
        user = accounts.add_user(
            email or f"{role}-{number}@example.com",
            name=name or f"{role.title()} Number {number}",
            role=role,
            practice_ids=[practice.id] if practice and role == Role.MEMBER else [],
        )
        if password:
            accounts.set_password(user, password)
        if present and role in AT_WORK:
            at_desk(user)
    return user


def at_desk(user: User) -> AuthSession:
    """A sign-in in which they are always just doing something, until it is ended."""
    with edge():
        token = sessions.begin(user, address=None, browser="always there")
        here = sa.update(AuthSession).where(AuthSession.token_hash == token_hash(token))
        here = here.values(last_seen_at=clock.now() + timedelta(days=400)).returning(AuthSession)
        session = db.session.scalars(here).one()
    return session


def make_contract(practice: Practice, hours: float, starts_on: date, ends_on: date | None = None) -> Contract:
    """`ends_on` is the first day without it."""
    with edge():
        return actions.set_contract(practice, hours, starts_on, ends_on)


def make_patient(
    practice: Practice,
    first_name: str = "Ada",
    last_name: str = "Lane",
    *,
    external_id: str | None = None,
    birth_date: date | None = date(1985, 5, 5),
    phone: str | None = "",
    email: str | None = None,
    state: str | None = "",
    **person: str | None,
) -> Patient:
    """A grown-up who can be called. phone="" makes up one in Chicago, None is none; state="" is the practice's."""
    number = next(_numbers)
    if phone == "":
        phone = f"+1{('312', '773', '872')[number // 100 % 3]}55501{number % 100:02}"
    with edge():
        return actions.add_patient(
            practice,
            external_id or f"P{number}",
            first_name,
            last_name,
            birth_date,
            phone=phone,
            email=email,
            state=practice.state if state == "" else state,
            **person,
        )


def make_milestone(
    patient: Patient,
    treatment: str | None = "Toxin",
    *,
    kind: MilestoneKind = MilestoneKind.TREATMENT_COMPLETED,
    days_ago: int = 14,
    happened_on: date | None = None,
) -> Milestone:
    """Something that happened to the patient `days_ago` (or on a day); `treatment` is the name of a treatment type."""
    with edge():
        practice = db.session.get_one(Practice, patient.practice_id)
        which = sa.select(TreatmentType).where(
            TreatmentType.practice_id == practice.id, TreatmentType.name == treatment
        )
        return actions.record_milestone(
            practice,
            patient,
            kind,
            happened_on or clock.today(practice.zone) - timedelta(days=days_ago),
            db.session.scalars(which).one() if treatment else None,
        )
