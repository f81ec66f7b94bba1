"""Emails to people with an account, as leads and admins see them: who was to get what, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from ops.accounts.links import MAIL_KINDS
from ops.accounts.models import Role, User
from ops.accounts.roles import may_manage
from ops.db import db
from ops.mail import queries
from ops.mail.models import MailKind, MailState, StaffMail
from ops.mail.words import KIND_WORDS, STATE_WORDS, why

SHOWN = 100
LATEST = 30
LINKS = frozenset(MAIL_KINDS.values())


@dataclass(frozen=True)
class Line:
    """One email in words. `decidable`: whether the reader may have it sent again or say that it is dealt with."""

    mail: StaffMail
    user: User | None
    kind: str
    state: str
    why: str
    decidable: bool


def waiting_for_a_person(reader: Role) -> list[Line]:
    """Failed or unknown and not dealt with, latest first, `SHOWN` at most."""
    return _lines(queries.unsettled(SHOWN), reader)


def latest(reader: Role) -> list[Line]:
    """The last emails, whatever became of them."""
    return _lines(queries.latest(LATEST), reader)


def went_wrong(user: User) -> Line | None:
    """The latest email with a link for this person, when it failed or nobody can tell, and it is not dealt with."""
    which = sa.select(StaffMail).where(StaffMail.user_id == user.id, StaffMail.kind.in_(LINKS))
    mail = db.session.scalar(which.order_by(StaffMail.id.desc()).limit(1))
    return next(iter(_lines([mail], user.role)), None) if mail and _is_open(mail) else None


def decidable(mail_id: int, reader: Role) -> bool:
    """Whether the reader may decide about this email: of links, those of accounts they look after."""
    mail = db.session.get(StaffMail, mail_id, populate_existing=True)
    return mail is not None and all(line.decidable for line in _lines([mail], reader))


def _is_open(mail: StaffMail) -> bool:
    return mail.state in (MailState.UNKNOWN, MailState.FAILED) and mail.settled_at is None


def _lines(mails: Iterable[StaffMail], reader: Role) -> list[Line]:
    mails = list(mails)
    ids = {mail.user_id for mail in mails}
    users = {user.id: user for user in db.session.scalars(sa.select(User).where(User.id.in_(ids)))}
    return [_line(mail, users.get(mail.user_id or 0), reader) for mail in mails]


def _line(mail: StaffMail, user: User | None, reader: Role) -> Line:
    may = mail.kind not in LINKS or (user is not None and may_manage(reader, user.role))
    return Line(mail, user, KIND_WORDS[MailKind(mail.kind)], STATE_WORDS[mail.state], why(mail), may)
