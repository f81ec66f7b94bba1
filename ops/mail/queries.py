"""What became of emails to people with an account."""

from collections.abc import Collection

import sqlalchemy as sa

from ops.db import db
from ops.mail.models import MailKind, MailState, StaffMail

BAD = StaffMail.state.in_((MailState.UNKNOWN, MailState.FAILED)) & StaffMail.settled_at.is_(None)
"""Waits for a person."""


def about(kind: MailKind, about_ids: Collection[int]) -> dict[int, list[StaffMail]]:
    """The emails of each row, by `about_id`, for a kind with one to each of several people."""
    found: dict[int, list[StaffMail]] = {number: [] for number in about_ids}
    which = sa.select(StaffMail).where(StaffMail.kind == kind, StaffMail.about_id.in_(about_ids))
    for mail in db.session.scalars(which.order_by(StaffMail.id)):
        found[mail.about_id].append(mail)
    return found


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
