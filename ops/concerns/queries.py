"""Concerns as leads and practices read them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ops import clock
from ops.accounts.models import Role, User
from ops.concerns.models import Concern
from ops.db import db
from ops.mail.models import MailKind, MailState, StaffMail
from ops.mail.outbox import LOST_AFTER, TRIED_FOR
from ops.practices.models import Patient, Practice
from ops.queue.models import Attempt, Task
from ops.referrals.models import Referral
from ops.work.kinds import Kind

PAGE = 25
HISTORY = 8
"""Attempts shown beside a concern."""
COUNTED = 100
"""More open concerns than this are not counted."""


@dataclass(frozen=True)
class ConcernLine:
    """One concern with what a reader needs. `friend`: the first name of the friend it is about, None for the patient
    themself. `history` newest first, `told` in words."""

    concern: Concern
    practice: Practice
    patient: Patient
    kind: Kind
    friend: str | None
    history: tuple[Attempt, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """The first name of who was not happy."""
        return self.friend or self.patient.first_name


@dataclass(frozen=True)
class ConcernPage:
    """A page of concerns, open ones first, newest first; `older` is where the next one begins."""

    concerns: list[ConcernLine]
    older: tuple[bool, datetime, int] | None = None
    names: dict[str, str] = field(default_factory=dict)
    """Names of people by actor."""


def open_counts() -> tuple[int, int]:
    """How many concerns are open, and how many of them no lead has seen; counted up to `COUNTED`."""
    some = sa.select(Concern.seen_at).where(Concern.settled_at.is_(None)).limit(COUNTED).subquery()
    counts = sa.select(sa.func.count(), sa.func.count().filter(some.c.seen_at.is_(None))).select_from(some)
    open_, unseen = db.session.execute(counts).one()
    return open_, unseen


def concerns(
    *,
    shelf: str = "open",
    practice_id: int | None = None,
    before: tuple[bool, datetime, int] | None = None,
    mailing: bool = False,
) -> ConcernPage:
    """For leads. `shelf`: open, settled or all; `mailing`: whether an email server is set up."""
    which = sa.select(Concern)
    if shelf != "all":
        which = which.where(Concern.settled_at.is_(None) if shelf == "open" else Concern.settled_at.is_not(None))
    if practice_id is not None:
        which = which.where(Concern.practice_id == practice_id)
    page = _page(which, before)
    history, told = _history(page.concerns), _told(page.concerns, mailing)
    shown = [
        ConcernLine(
            each.concern,
            each.practice,
            each.patient,
            each.kind,
            each.friend,
            tuple(history[each.concern.id]),
            tuple(told[each.concern.id]),
        )
        for each in page.concerns
    ]
    return ConcernPage(shown, page.older)


def concerns_of(practice: Practice, before: tuple[bool, datetime, int] | None = None) -> ConcernPage:
    """For the practice: its own, without what the agency did to tell it."""
    return _page(sa.select(Concern).where(Concern.practice_id == practice.id), before)


def _page(which: sa.Select, before: tuple[bool, datetime, int] | None) -> ConcernPage:
    is_open = Concern.settled_at.is_(None)
    if before is not None:
        here = sa.tuple_(is_open, Concern.raised_at, Concern.id)
        which = which.where(here < sa.tuple_(sa.literal(before[0]), sa.literal(before[1]), sa.literal(before[2])))
    rows = db.session.execute(
        which.join(Practice, Practice.id == Concern.practice_id)
        .join(Patient, Patient.id == Concern.patient_id)
        .join(Task, Task.id == Concern.task_id)
        .outerjoin(Referral, Referral.id == Task.referral_id)
        .add_columns(Practice, Patient, Task.kind, Referral.friend_name)
        .order_by(is_open.desc(), Concern.raised_at.desc(), Concern.id.desc())
        .limit(PAGE + 1)
    ).all()
    shown = [ConcernLine(one, practice, patient, kind, _first(friend)) for one, practice, patient, kind, friend in rows]
    last = shown[PAGE - 1].concern if len(shown) > PAGE else None
    return ConcernPage(shown[:PAGE], (last.settled_at is None, last.raised_at, last.id) if last else None)


def _first(name: str | None) -> str | None:
    return name.split(" ")[0] if name else None


def _history(shown: Sequence[ConcernLine]) -> dict[int, list[Attempt]]:
    """The attempts about the same person (patient or friend), newest first, by concern."""
    if not shown:
        return {}
    mine, theirs = Task.__table__.alias("mine"), Task.__table__.alias("theirs")
    records = sa.func.records_of(Concern.practice_id, Concern.patient_id).table_valued("patient_id")
    last = (
        sa.select(Attempt)
        .join(theirs, theirs.c.id == Attempt.task_id)
        .where(
            Attempt.patient_id.in_(sa.select(records.c.patient_id)),
            theirs.c.referral_id.is_not_distinct_from(mine.c.referral_id),
        )
        .order_by(Attempt.at.desc())
        .limit(HISTORY)
        .correlate(Concern, mine)
        .lateral()
    )
    attempt = aliased(Attempt, last)
    rows = db.session.execute(
        sa.select(Concern.id, attempt)
        .join(mine, mine.c.id == Concern.task_id)
        .join(last, sa.true())
        .where(Concern.id.in_([each.concern.id for each in shown]))
        .order_by(last.c.at.desc(), last.c.id.desc())
    )
    found: dict[int, list[Attempt]] = defaultdict(list)
    for concern_id, one in rows:
        found[concern_id].append(one)
    return found


def _told(shown: Sequence[ConcernLine], mailing: bool) -> dict[int, list[str]]:
    rows = db.session.execute(
        sa.select(StaffMail, User.name, User.role)
        .join(User, User.id == StaffMail.user_id)
        .where(StaffMail.kind == MailKind.CONCERN, StaffMail.about_id.in_([each.concern.id for each in shown]))
        .order_by(StaffMail.id)
    ).all()
    mails: dict[int, list[tuple[StaffMail, str, Role]]] = defaultdict(list)
    for mail, name, role in rows:
        mails[mail.about_id].append((mail, name, role))
    now = clock.now()
    return {each.concern.id: told_words(mails[each.concern.id], now, mailing) for each in shown}


def told_words(mails: Iterable[tuple[StaffMail, str, Role]], now: datetime, mailing: bool) -> list[str]:
    """Who was emailed, and who was not and why: never more than is known."""
    groups: dict[str, list[str]] = defaultdict(list)
    member = False
    for mail, name, role in mails:
        member = member or role is Role.MEMBER
        groups[_fate(mail, now, mailing)].append(name)
    lines = [words.format(_listed(groups[fate])) for fate, words in FATES.items() if fate in groups]
    if not member:
        lines.append("The practice had nobody with an account who could be told: call them.")
    return lines


FATES = {
    "sent": "Emailed to {}.",
    "waits": "An email to {} is on its way.",
    "unknown": "Nobody can tell whether the email to {} left; it is not sent twice. Tell them another way.",
    "refused": "The email to {} was refused. Tell them another way.",
    "late": "No email to {} could be sent within a day. Tell them another way.",
    "no_server": "No email to {}: no email server is set up. They see it when they sign in; call if it cannot wait.",
}


def _fate(mail: StaffMail, now: datetime, mailing: bool) -> str:
    match mail.state:
        case MailState.SENT:
            return "sent"
        case MailState.UNKNOWN:
            return "unknown"
        case MailState.CLAIMED:
            return "unknown" if mail.claimed_at and mail.claimed_at < now - LOST_AFTER else "waits"
        case MailState.FAILED if not mail.late:
            return "refused"
    if not mailing:
        return "no_server"
    return "late" if mail.late or mail.queued_at < now - TRIED_FOR else "waits"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
