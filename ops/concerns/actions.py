"""Somebody was not happy. Leads and the practice are told in the transaction that heard it; a lead settles it.

Telling is an email to each of them (`ops/mail` sends it) and the pages, which show it at once. As
long as no email was claimed and nobody looked, the outcome can still be taken back: `concern_told` says which, and
holds the rows so that neither happens meanwhile.
"""

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import Membership, PatientRead, Role, User
from ops.concerns.models import Concern
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.mail import outbox
from ops.mail.models import MailKind, StaffMail
from ops.queue.models import Attempt, Task
from ops.work.reads import ReadOf

LONGEST_WORDS = 20_000
"""Characters of what was done about it, and of what the practice writes back."""


def raise_concern(task: Task, attempt: Attempt, words: str, actor: str) -> Concern:
    """Keep that the person of this call was not happy, in the agent's `words`, and tell leads and the practice."""
    concern = Concern(
        practice_id=task.practice_id,
        patient_id=task.patient_id,
        task_id=task.id,
        attempt_id=attempt.id,
        words=words.strip(),
        raised_at=clock.now(),
        raised_by=actor,
    )
    db.session.add(concern)
    db.session.flush()
    told = sa.select(User).where(User.active, to_be_told(task.practice_id)).order_by(User.id)
    for person in db.session.scalars(told).all():
        outbox.queue(MailKind.CONCERN, concern.id, person.email, person.id)
    return concern


def to_be_told(practice_id: int) -> sa.ColumnElement[bool]:
    """Who hears of this practice's concerns: every lead, and its members. Asked again when an email leaves."""
    member = sa.exists().where(Membership.user_id == User.id, Membership.practice_id == practice_id)
    return sa.or_(User.role == Role.LEAD, sa.and_(User.role == Role.MEMBER, member))


def concern_told(attempt_id: int) -> bool:
    """Whether the concern of this attempt is out: an email has left (or may have), or somebody has seen it.

    False where there is none. Until the transaction ends no email about it is claimed and no lead takes it up, so that
    who then deletes the attempt takes back something nobody knows of.
    """
    concern = db.session.scalar(sa.select(Concern).where(Concern.attempt_id == attempt_id).with_for_update())
    if concern is None:
        return False
    its_own = sa.and_(StaffMail.kind == MailKind.CONCERN, StaffMail.about_id == concern.id)
    mails = db.session.scalars(
        sa.select(StaffMail)
        .where(its_own)
        .order_by(StaffMail.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    looked = sa.exists().where(
        PatientRead.practice_id == concern.practice_id,
        PatientRead.patient_id == concern.patient_id,
        PatientRead.shows(ReadOf.CONCERN, concern.id),
    )
    return (
        any(mail.claimed_at for mail in mails)
        or concern.seen_at is not None
        or concern.answered_at is not None
        or bool(db.session.scalar(sa.select(looked)))
    )


def forget_mails(attempt_id: int) -> None:
    """The concern of this attempt is taken back, of which nobody was told: nor will they be."""
    ids = db.session.scalars(sa.select(Concern.id).where(Concern.attempt_id == attempt_id)).all()
    if ids:
        outbox.withdraw((MailKind.CONCERN,), list(ids), "taken back")


def see(concern_id: int, actor: str) -> bool:
    """A lead has it. The first one counts; False when there is no such concern."""
    db.session.execute(
        sa.update(Concern)
        .where(Concern.id == concern_id, Concern.seen_at.is_(None))
        .values(seen_at=clock.now(), seen_by=actor)
    )
    return _there(concern_id)


def _there(concern_id: int, *which: sa.ColumnElement[bool]) -> bool:
    return bool(db.session.scalar(sa.select(sa.exists().where(Concern.id == concern_id, *which))))


def settle(concern_id: int, done: str, actor: str) -> bool:
    """It is settled, by what was `done`; the same again is a double press. False when there is no such concern. Raises
    Refused without words, and when somebody settled it before."""
    if not see(concern_id, actor):
        return False
    done = _said(done, "Please write what was done about it.")
    settled = db.session.execute(
        sa.update(Concern)
        .where(Concern.id == concern_id, Concern.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=actor, done=done)
    )
    if not rows_changed(settled) and not _there(concern_id, Concern.settled_by == actor, Concern.done == done):
        raise Refused("Somebody settled it just before you. What you wrote was not saved.")
    return True


def answer(practice_id: int, concern_id: int, words: str, actor: str) -> bool:
    """The practice writes back what it did; the same again is a double press. False when it has no such concern. Raises
    Refused without words, and when a colleague wrote before."""
    own = Concern.practice_id == practice_id
    if not _there(concern_id, own):
        return False
    words = _said(words, "Please write what you did.")
    answered = db.session.execute(
        sa.update(Concern)
        .where(Concern.id == concern_id, own, Concern.answered_at.is_(None))
        .values(answer=words, answered_at=clock.now(), answered_by=actor)
    )
    if not rows_changed(answered) and not _there(concern_id, Concern.answered_by == actor, Concern.answer == words):
        raise Refused("A colleague wrote back just before you. What you wrote was not saved.")
    return True


def _said(words: str, otherwise: str) -> str:
    if not words.strip():
        raise Refused(otherwise)
    if len(words) > LONGEST_WORDS:
        raise Refused(f"Please say it in at most {LONGEST_WORDS:,} characters.")
    return words.strip()
