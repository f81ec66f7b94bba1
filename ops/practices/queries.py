"""What is known about practices, their patients and their imports."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import AuditEntry, Membership, Role, User
from ops.db import db
from ops.practices.models import Contract, Patient, Practice, PracticeStatus

PAGE = 50
"""Rows on a page of a list."""
LOADS = sa.table("imports", *map(sa.column, ("id", "practice_id", "state", "dry_run", "created_at", "finished_at")))
"""What a practice's page says of the loads above this package (`ops.imports`)."""


class Overview(NamedTuple):
    """A practice in the list. `hours` is what its contract of today buys a month; None: no contract."""

    practice: Practice
    hours: Decimal | None
    patients: int
    last_import: datetime | None


def by_slug(slug: str) -> Practice | None:
    return db.session.scalar(sa.select(Practice).where(Practice.slug == slug))


def is_member(user: User, practice: Practice) -> bool:
    own = sa.exists().where(Membership.user_id == user.id, Membership.practice_id == practice.id)
    return bool(db.session.scalar(sa.select(own)))


def read_by(user: User) -> list[Practice]:
    """The practices of which this person may read, by name: a member's own, everybody's for leads and admins."""
    every = sa.select(Practice).order_by(sa.func.lower(Practice.name), Practice.id)
    if user.role is Role.MEMBER:
        every = every.join(Membership, Membership.practice_id == Practice.id).where(Membership.user_id == user.id)
    return list(db.session.scalars(every))


def overview(search: str = "", status: PracticeStatus | None = None, page: int = 1) -> tuple[list[Overview], bool]:
    """One page of practices by name, and whether there is another. `search` is looked for in name and short name."""
    today = sa.cast(sa.func.timezone(Practice.zone, clock.now()), sa.Date)
    hours = sa.select(Contract.hours_per_month).where(
        Contract.practice_id == Practice.id,
        Contract.starts_on <= today,
        sa.or_(Contract.ends_on.is_(None), Contract.ends_on > today),
    )
    patients = sa.select(sa.func.count()).where(Patient.practice_id == Practice.id)
    loads = LOADS.c
    loaded = sa.select(sa.func.max(loads.finished_at)).where(
        loads.practice_id == Practice.id, loads.state == "done", loads.dry_run.is_(False)
    )
    query = sa.select(Practice, hours.scalar_subquery(), patients.scalar_subquery(), loaded.scalar_subquery())
    if search.strip():
        word = search.strip()
        query = query.where(
            sa.or_(Practice.name.icontains(word, autoescape=True), Practice.slug.icontains(word, autoescape=True))
        )
    if status:
        query = query.where(Practice.status == status)
    query = query.order_by(sa.func.lower(Practice.name), Practice.id).limit(PAGE + 1).offset((page - 1) * PAGE)
    rows = [Overview(*row) for row in db.session.execute(query)]
    return rows[:PAGE], len(rows) > PAGE


def hours_on(practice: Practice, day: date) -> Decimal | None:
    """Hours per month of the contract in force on `day`; None without one."""
    for contract in practice.contracts:
        if contract.starts_on <= day and (contract.ends_on is None or day < contract.ends_on):
            return contract.hours_per_month
    return None


def count_patients(practice: Practice) -> int:
    return db.session.scalar(sa.select(sa.func.count()).where(Patient.practice_id == practice.id)) or 0


def changes_of_practice(practice: Practice, limit: int = 20) -> Sequence[AuditEntry]:
    """What people changed about the practice itself, newest first; not what happened to its patients and referrals."""
    told = ("practices", "contracts", "treatment_types", "review_links", "saved_mappings", "cadences", "triggers")
    query = sa.select(AuditEntry).where(AuditEntry.practice_id == practice.id, AuditEntry.table_name.in_(told))
    return db.session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)).all()


def changes_of_patient(patient: Patient, limit: int = 20) -> Sequence[AuditEntry]:
    query = sa.select(AuditEntry).where(AuditEntry.table_name == "patients", AuditEntry.row_id == str(patient.id))
    return db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)).all()


def last_load(practice: Practice) -> sa.Row | None:
    """The latest import of this practice: id, created_at, state; None when there was none."""
    loads = LOADS.c
    query = sa.select(loads.id, loads.created_at, loads.state).where(loads.practice_id == practice.id)
    return db.session.execute(query.order_by(loads.id.desc()).limit(1)).first()
