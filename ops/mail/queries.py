"""What became of emails to people with an account."""

from collections.abc import Collection

import sqlalchemy as sa

from ops.db import db
from ops.mail.models import MailKind, MailState, StaffMail

BAD = StaffMail.state.in_((MailState.UNKNOWN, MailState.FAILED)) & StaffMail.settled_at.is_(None)
"""Waits for a person."""


def about(kinds: Collection[MailKind], about_ids: Collection[int]) -> dict[int, StaffMail]:
    """The email of each row it is about, by `about_id`, for kinds with one email for each."""
    which = sa.select(StaffMail).where(StaffMail.kind.in_(kinds), StaffMail.about_id.in_(about_ids))
    return {mail.about_id: mail for mail in db.session.scalars(which)}


def unsettled(limit: int) -> list[StaffMail]:
    """Failed or unknown and not dealt with, latest first."""
    return list(db.session.scalars(sa.select(StaffMail).where(BAD).order_by(StaffMail.id.desc()).limit(limit)))


def unsettled_count(limit: int = 100) -> int:
    """How many those are, counted up to `limit`."""
    some = sa.select(StaffMail.id).where(BAD).limit(limit).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def latest(limit: int) -> list[StaffMail]:
    """The last emails of any state, latest first."""
    return list(db.session.scalars(sa.select(StaffMail).order_by(StaffMail.id.desc()).limit(limit)))
