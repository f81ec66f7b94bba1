"""The mails that tell leads and members of a practice that somebody was not happy.

They say the practice's name and where to sign in; neither who it was nor what was said (docs/rules.md A12). A mail is
claimed, the claim committed, and only then handed to the mail server of the accounts. What certainly did not leave is
tried again for a day; what may have left is not sent twice.
"""

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import make_msgid

import sqlalchemy as sa
import structlog

from ops import clock
from ops.accounts import mail
from ops.accounts.models import Role, User
from ops.concerns.models import Concern, ConcernMail
from ops.config import settings
from ops.db import db, transaction
from ops.isolated import awake, each
from ops.practices.models import Practice

log = structlog.get_logger()
AT_ONCE = 100
TRIED_FOR = timedelta(hours=24)
RUNG_WITHIN = timedelta(minutes=1)
"""After this the doorbell was lost, or the mail server was away."""


@dataclass(frozen=True)
class Telling:
    """What one mail needs to know."""

    email: str
    name: str
    practice: str
    address: str


def mail_concern(concern_id: int) -> None:
    """Mail everybody who is to be told of this concern and was not mailed yet."""
    _mail_all(ConcernMail.concern_id == concern_id)


def sweep() -> None:
    """For the tick: mails whose doorbell was lost, or for which the mail server was away."""
    _mail_all(ConcernMail.made_at < clock.now() - RUNG_WITHIN)


def _mail_all(which: sa.ColumnElement[bool]) -> None:
    if not mail.is_set_up():
        return
    due = sa.select(ConcernMail.id).where(which, *_due(), awake("mail concerns", ConcernMail.id)).limit(AT_ONCE)
    ids = list(db.session.scalars(due.order_by(ConcernMail.id)))
    db.session.rollback()
    each("mail concerns", ids, mail_one, limit=AT_ONCE)


def _due() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        ConcernMail.claimed_at.is_(None),
        ~ConcernMail.given_up,
        ConcernMail.made_at > clock.now() - TRIED_FOR,
    )


def mail_one(mail_id: int) -> None:
    """Send one, unless it was claimed before. The transaction that claims is over before the server is called."""
    with transaction("mail"):
        telling = claim(mail_id)
    if telling is None:
        return
    try:
        server = mail.connect()
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("concern_not_mailed", error=type(problem).__name__)
        return _note(mail_id, claimed_at=None, problem="the mail server did not answer")
    try:
        server.send_message(compose(telling))
    except smtplib.SMTPRecipientsRefused as refused:
        code = next(iter(refused.recipients.values()))[0]
        return _refused(mail_id, code, "the address")
    except smtplib.SMTPResponseException as refused:
        return _refused(mail_id, refused.smtp_code, "the mail")
    except smtplib.SMTPNotSupportedError:
        return _refused(mail_id, 550, "the address")
    except (OSError, smtplib.SMTPException) as problem:
        # it broke in the middle: the server may have it
        log.warning("concern_mail_unknown", error=type(problem).__name__)
        return _note(mail_id, problem="the connection broke while it was handed over")
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    _note(mail_id, sent_at=clock.now(), problem=None)


def _refused(mail_id: int, code: int, what: str) -> None:
    """The server said no in so many words: it did not leave. A 4xx is for now, anything else for good."""
    log.warning("concern_mail_refused", code=code)
    for_now = 400 <= code < 500
    _note(mail_id, claimed_at=None, given_up=not for_now, problem=f"the mail server refused {what} ({code})")


def _note(mail_id: int, **values: object) -> None:
    with transaction("mail"):
        db.session.execute(sa.update(ConcernMail).where(ConcernMail.id == mail_id).values(**values))


def claim(mail_id: int) -> Telling | None:
    """Claim the mail; None when somebody has it already, it is too old, or its reader's account is closed."""
    claimed = (
        sa.update(ConcernMail)
        .where(ConcernMail.id == mail_id, *_due())
        .values(claimed_at=clock.now())
        .returning(ConcernMail.concern_id, ConcernMail.user_id)
    )
    row = db.session.execute(claimed).one_or_none()
    if row is None:
        return None
    user = db.session.get_one(User, row.user_id)
    practice = db.session.get_one(Practice, db.session.get_one(Concern, row.concern_id).practice_id)
    if not user.active:
        closed = sa.update(ConcernMail).where(ConcernMail.id == mail_id)
        db.session.execute(closed.values(claimed_at=None, given_up=True, problem="the account is closed"))
        return None
    page = f"/practices/{practice.slug}/concerns" if user.role is Role.MEMBER else "/concerns"
    return Telling(user.email, user.name, practice.name, settings().address + page)


def compose(telling: Telling) -> EmailMessage:
    """The mail: that it happened and where to read it, nothing about whom or what (docs/rules.md A12)."""
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"] = telling.email
    message["Subject"] = f"{_one_line(telling.practice)}: a patient was not happy"
    message["Date"] = clock.now()
    message["Message-ID"] = make_msgid(domain="loopkeeper.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"Hello {telling.name},\n\non a call for {telling.practice} somebody said that they were not happy. What was "
        "planned for them is stopped. Sign in to read what they said and to write what was done:"
        f"\n\n{telling.address}\n"
    )
    return message


def _one_line(text: str) -> str:
    return " ".join(text.split())
