"""What workers do for scripts: mail a practice the link by which it approves."""

import smtplib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
import structlog

from ops import clock
from ops.accounts import mail
from ops.db import db, transaction
from ops.isolated import awake, each
from ops.practices.models import Practice
from ops.scripts import approvals
from ops.scripts.approvals import Standing
from ops.scripts.models import Script, ScriptApproval, ScriptVersion
from ops.scripts.words import kind_words

log = structlog.get_logger()
AT_ONCE = 100
WORDS = """Hello,

we would like to say something new in the name of {practice} ({kind}). Please read it and answer with one press; it
takes ten seconds, and you need no password:

{address}

The link works once, until {until:%-d %B %Y}.
"""


@dataclass(frozen=True)
class Letter:
    """What the mail needs to know."""

    to: tuple[str, ...]
    subject: str
    words: str


def mail_approval(approval_id: int) -> None:
    """Mail one link to the practice's people. The transaction that claims it is over before the server is called."""
    if not mail.is_set_up():
        return
    with transaction("mail"):
        letter = claim_letter(approval_id)
    if letter is None:
        return
    try:
        # one mail to all: a server takes it or it does not
        mail.deliver(mail.plain_mail(letter.to, letter.subject, letter.words))
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("approval_not_mailed", error=type(problem).__name__)
        again = _try_again(problem)
        if again is None:  # it broke in the middle: the server may have it, and nobody is asked twice
            return
        with transaction("mail"):
            put_back(approval_id, try_again=again)


def _try_again(problem: Exception) -> bool | None:
    """Whether a mail that failed so is sent again; None when nobody can say whether it left."""
    if isinstance(problem, mail.NotHandedOver):
        return True
    if isinstance(problem, smtplib.SMTPResponseException):
        return 400 <= problem.smtp_code < 500
    return False if isinstance(problem, smtplib.SMTPRecipientsRefused | smtplib.SMTPNotSupportedError) else None


def claim_letter(approval_id: int) -> Letter | None:
    """Claim the mailing; None when it was mailed before, nobody is there to get it, or it is of no use any more."""
    claimed = (
        sa.update(ScriptApproval)
        .where(ScriptApproval.id == approval_id, ScriptApproval.by_mail, ScriptApproval.mailed_at.is_(None))
        .values(mailed_at=clock.now())
        .returning(ScriptApproval.id)
    )
    if db.session.scalar(claimed) is None:
        return None
    approval = db.session.get_one(ScriptApproval, approval_id, populate_existing=True)
    version = db.session.get_one(ScriptVersion, approval.version_id)
    people = approvals.members_to_mail(approval.practice_id)
    if not people or approvals.standing_of(approval, version) is not Standing.OPEN:
        return None
    practice = db.session.get_one(Practice, approval.practice_id)
    kind = kind_words(db.session.get_one(Script, version.script_id).kind)
    words = WORDS.format(
        practice=practice.name, kind=kind, address=approvals.address(approval), until=approval.expires_at
    )
    return Letter(tuple(person.email for person in people), f"May we say this for {practice.name}?", words)


def put_back(approval_id: int, *, try_again: bool) -> None:
    """The mail could not be sent. `try_again`: later; otherwise somebody has to hand the link over."""
    approval = db.session.get_one(ScriptApproval, approval_id, populate_existing=True)
    approval.mailed_at, approval.by_mail = None, try_again
    db.session.flush()


def sweep() -> None:
    """For the tick: mail what was not mailed, because its doorbell was lost or the mail server was away."""
    if not mail.is_set_up():
        return
    waiting = db.session.scalars(
        sa.select(ScriptApproval.id)
        .where(
            ScriptApproval.by_mail,
            ScriptApproval.mailed_at.is_(None),
            ScriptApproval.answer.is_(None),
            ScriptApproval.expires_at > clock.now(),
            awake("mail approvals", ScriptApproval.id),
            ScriptApproval.asked_at < clock.now() - timedelta(minutes=1),
        )
        .order_by(ScriptApproval.id)
        .limit(AT_ONCE)
    ).all()
    db.session.rollback()
    each("mail approvals", waiting, mail_approval, owner=ScriptApproval.practice_id, limit=AT_ONCE)
