"""The outbox of emails to people with an account: one reason, one email, sent at most once unless a person says again.

The order is the same for every kind: `claim` is committed, then the email is sent with no transaction open, then
`settle` says what became of it (ops/mail/jobs.py does the three). What certainly did not leave is tried again for a
day. What may have left is unknown and waits for a person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.background import Job, ring
from ops.config import settings
from ops.db import db
from ops.isolated import awake
from ops.mail.client import MaybeLeft, NotLeft
from ops.mail.models import MailKind, MailState, StaffMail
from ops.mail.problems import Problem

TRIED_FOR = timedelta(hours=24)
AT_ONCE = 100
RUNG_WITHIN = timedelta(minutes=1)
"""After this its doorbell was lost."""
LONGEST_PAUSE = timedelta(hours=1)
LOST_AFTER = timedelta(minutes=4)
"""A claim without an answer after this has lost its worker: a job may take three minutes."""


@dataclass(frozen=True)
class Letter:
    """What an email says, and to which addresses it goes."""

    to: tuple[str, ...]
    subject: str
    words: str


class CannotGo(Exception):
    """Raised by who writes a letter: nobody may get it, for this reason."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


Writer = Callable[[StaffMail], Letter | None]
_writers: dict[MailKind, Writer] = {}


def written_by(kind: MailKind, writer: Writer) -> None:
    """Say who writes emails of a kind. `writer` is called inside the transaction of the claim, and may change its own
    rows there (a link gets its token). It returns None when the email is of no use any more, and raises CannotGo."""
    _writers[kind] = writer


@dataclass(frozen=True)
class Claimed:
    """An email claimed by one worker, ready to be sent."""

    id: int
    mail: EmailMessage

    @property
    def message_id(self) -> str:
        """Of this claim and no other."""
        return str(self.mail["Message-ID"])


def queue(kind: MailKind, about_id: int, to: str, user_id: int | None = None) -> int | None:
    """Have an email sent, once for this reason: its id, or None when there is one already. Rings after the commit."""
    now = clock.now()
    new = insert(StaffMail).values(
        kind=kind,
        about_id=about_id,
        user_id=user_id,
        to_address=to,
        state=MailState.QUEUED,
        queued_at=now,
        due_at=now + RUNG_WITHIN,
        tries=0,
        late=False,
    )
    mail_id = db.session.scalar(new.on_conflict_do_nothing().returning(StaffMail.id))
    if mail_id is not None:
        ring(Job.MAIL_STAFF, mail_id)
    return mail_id


def claim(mail_id: int) -> Claimed | None:
    """Claim an email to send it; None when somebody else has it, it is not its time, or it is not to go at all."""
    now, message_id = clock.now(), make_msgid(domain="loopkeeper.invalid")
    is_time = sa.or_(StaffMail.tries == 0, StaffMail.due_at <= now)
    values = {"state": MailState.CLAIMED, "claimed_at": now, "message_id": message_id, "tries": StaffMail.tries + 1}
    if not _move(mail_id, MailState.QUEUED, is_time, **values):
        return None
    mail = db.session.get_one(StaffMail, mail_id, populate_existing=True)
    try:
        letter = _writers[mail.kind](mail)
    except CannotGo as problem:
        _give_up(mail_id, problem=problem.problem)
        return None
    if letter is None:
        db.session.delete(mail)
        db.session.flush()
        return None
    if now - mail.queued_at > TRIED_FOR:
        _give_up(mail_id, late=True)
        return None
    mail.to_address = ", ".join(letter.to)
    db.session.flush()
    try:
        return Claimed(mail_id, _compose(letter, message_id))
    except (ValueError, IndexError):  # the library's two ways of not liking an address
        _give_up(mail_id, problem=Problem.NOT_WRITTEN)
        return None


def _give_up(mail_id: int, **why: Any) -> None:
    _move(mail_id, MailState.CLAIMED, state=MailState.FAILED, claimed_at=None, **why)


def _compose(letter: Letter, message_id: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = settings().mail_from
    mail["To"] = ", ".join(letter.to)
    mail["Subject"] = " ".join(letter.subject.split())
    mail["Date"] = clock.now()
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.words)
    return mail


Result = Mapping[str, int] | NotLeft | MaybeLeft
"""What the client said: the addresses that were refused while others were taken, or why it did not take it."""


def settle(claimed: Claimed, result: Result) -> bool:
    """Keep what became of a claim. False when a person has decided about it meanwhile: it was called lost before its
    answer came."""
    mine = sa.and_(StaffMail.message_id == claimed.message_id, StaffMail.settled_at.is_(None))
    values = _outcome(claimed.id, result)
    return any(_move(claimed.id, was, mine, **values) for was in (MailState.CLAIMED, MailState.UNKNOWN))


def _outcome(mail_id: int, result: Result) -> dict[str, Any]:
    now = clock.now()
    if isinstance(result, Mapping):
        code = next(iter(result.values()), None)
        some = {"problem": Problem.ADDRESS if result else None, "reply_code": code}
        return {"state": MailState.SENT, "sent_at": now} | some
    if isinstance(result, MaybeLeft):
        return {"state": MailState.UNKNOWN, "problem": Problem.CUT_AFTER, "reply_code": None}
    why = {"problem": result.problem, "reply_code": result.code, "claimed_at": None}
    mail = db.session.get_one(StaffMail, mail_id, populate_existing=True)
    due = now + min(timedelta(minutes=2 ** min(mail.tries - 1, 10)), LONGEST_PAUSE)
    if result.again and due - mail.queued_at <= TRIED_FOR:
        return {"state": MailState.QUEUED, "due_at": due} | why
    return {"state": MailState.FAILED, "late": result.again} | why


def call_lost() -> int:
    """Claims whose worker was never heard of again become unknown; how many."""
    lost = (
        sa.update(StaffMail)
        .where(StaffMail.state == MailState.CLAIMED, StaffMail.claimed_at < clock.now() - LOST_AFTER)
        .values(state=MailState.UNKNOWN, problem=Problem.LOST, reply_code=None)
    )
    lost = lost.returning(StaffMail.id).execution_options(synchronize_session=False)
    return len(db.session.scalars(lost).all())


def due(limit: int = AT_ONCE) -> list[int]:
    """Emails the tick takes up, longest due first."""
    waits = (StaffMail.state == MailState.QUEUED, StaffMail.due_at <= clock.now(), awake("email staff", StaffMail.id))
    which = sa.select(StaffMail.id).where(*waits)
    return list(db.session.scalars(which.order_by(StaffMail.due_at, StaffMail.id).limit(limit)))


def send_again(mail_id: int) -> bool:
    """A person decides that a failed or unknown email is sent once more; False when it is neither any more."""
    now: datetime = clock.now()
    again = {
        "state": MailState.QUEUED,
        "queued_at": now,
        "due_at": now + RUNG_WITHIN,
        "tries": 0,
        "claimed_at": None,
        "message_id": None,
        "late": False,
        "settled_at": None,
        "settled_by": None,
    }
    done = any(_move(mail_id, was, **again) for was in (MailState.UNKNOWN, MailState.FAILED))
    if done:
        ring(Job.MAIL_STAFF, mail_id)
    return done


def leave(mail_id: int, actor: str) -> bool:
    """A person says that a failed or unknown email is dealt with; False when it is neither any more."""
    open_ = StaffMail.settled_at.is_(None)
    values = {"settled_at": clock.now(), "settled_by": actor}
    return any(_move(mail_id, was, open_, **values) for was in (MailState.UNKNOWN, MailState.FAILED))


def withdraw(kinds: tuple[MailKind, ...], about_ids: list[int], actor: str) -> None:
    """Their reason is gone: those that wait are not sent, and nobody is asked about those that went wrong."""
    ours = sa.and_(StaffMail.kind.in_(kinds), StaffMail.about_id.in_(about_ids))
    bad = StaffMail.state.in_((MailState.UNKNOWN, MailState.FAILED))
    db.session.execute(sa.delete(StaffMail).where(ours, StaffMail.state == MailState.QUEUED))
    db.session.execute(
        sa.update(StaffMail)
        .where(ours, bad, StaffMail.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=actor)
    )


def _move(mail_id: int, was: MailState, *which: sa.ColumnElement[bool], **values: Any) -> bool:
    """Compare and set: whether the email was in that state, and is changed now."""
    moved = sa.update(StaffMail).where(StaffMail.id == mail_id, StaffMail.state == was, *which).values(**values)
    moved = moved.returning(StaffMail.id).execution_options(synchronize_session=False)
    return db.session.scalar(moved) is not None
