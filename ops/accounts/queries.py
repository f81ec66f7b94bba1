"""Who there is: accounts, what they may see, where they are signed in, what was changed about them."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from ops import clock
from ops.accounts.links import MAIL_KINDS
from ops.accounts.models import AccountLink, AuditEntry, AuthSession, Membership, Role, User
from ops.config import settings
from ops.db import db
from ops.errors import Refused
from ops.mail.models import MailState, StaffMail

PAGE = 50
SIGN_INS_SHOWN = 20
CHANGES_SHOWN = 10
WORTH_TELLING = ("name", "role", "active", "password_hash")

# Accounts know practices by id and name only; the package above owns the table.
practices = sa.table("practices", sa.column("id"), sa.column("slug"), sa.column("name"))


@dataclass(frozen=True)
class PersonLine:
    """A line of the list of people."""

    user: User
    last_seen_at: datetime | None


def user(user_id: int, *, lock: bool = False) -> User | None:
    """One account, with its practices."""
    which = sa.select(User).where(User.id == user_id).options(selectinload(User.memberships))
    return db.session.scalar(which.with_for_update() if lock else which)


def by_email(email: str) -> User | None:
    """The account of an address, written in any case."""
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def everyone() -> list[User]:
    """Every account, oldest first."""
    return list(db.session.scalars(sa.select(User).options(selectinload(User.memberships)).order_by(User.id)))


def people(search: str = "", role: Role | None = None, *, page: int = 1) -> tuple[list[PersonLine], int]:
    """A page of accounts by name, open ones first, and how many there are in all. `search`: part of either."""
    last_seen = sa.select(sa.func.max(AuthSession.last_seen_at)).where(AuthSession.user_id == User.id).scalar_subquery()
    which = sa.select(User, last_seen).options(selectinload(User.memberships))
    if search:
        which = which.where(
            User.name.icontains(search, autoescape=True) | User.email.icontains(search, autoescape=True)
        )
    if role:
        which = which.where(User.role == role)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(which.subquery())) or 0
    lines = which.order_by(User.active.desc(), sa.func.lower(User.name), User.id).offset((page - 1) * PAGE).limit(PAGE)
    return [PersonLine(*row) for row in db.session.execute(lines)], total


def all_practices() -> Sequence[sa.Row[tuple[int, str, str]]]:
    """(id, slug, name) of every practice, by name."""
    return db.session.execute(sa.select(practices).order_by(sa.func.lower(practices.c.name), practices.c.id)).all()


def practices_of(users: Iterable[User]) -> dict[int, list[str]]:
    """Names of the practices of each member, by user id."""
    ids = [user.id for user in users if user.role == Role.MEMBER]
    rows = db.session.execute(
        sa.select(Membership.user_id, practices.c.name)
        .join(practices, practices.c.id == Membership.practice_id)
        .where(Membership.user_id.in_(ids))
        .order_by(sa.func.lower(practices.c.name))
    )
    names: dict[int, list[str]] = {}
    for user_id, name in rows:
        names.setdefault(user_id, []).append(name)
    return names


def practice_ids(slugs: Iterable[str]) -> list[int]:
    """The ids of practices by their short names, in that order. Raises Refused when there is no such practice."""
    wanted = list(dict.fromkeys(slugs))
    found = dict(
        db.session.execute(sa.select(practices.c.slug, practices.c.id).where(practices.c.slug.in_(wanted))).all()
    )
    for slug in wanted:
        if slug not in found:
            raise Refused(f"There is no practice called {slug!r}.")
    return [found[slug] for slug in wanted]


def practice_slugs(user: User) -> list[str]:
    """Short names of the practices of a member."""
    ids = [membership.practice_id for membership in user.memberships]
    return list(db.session.scalars(sa.select(practices.c.slug).where(practices.c.id.in_(ids)).order_by("slug")))


def sign_ins(user: User) -> list[AuthSession]:
    """Where somebody is signed in now, latest first."""
    eldest = clock.now() - timedelta(hours=settings().session_hours)
    which = sa.select(AuthSession).where(
        AuthSession.user_id == user.id, AuthSession.ended_at.is_(None), AuthSession.created_at > eldest
    )
    return list(db.session.scalars(which.order_by(AuthSession.last_seen_at.desc()).limit(SIGN_INS_SHOWN)))


def ended_sign_ins(user: User) -> list[AuthSession]:
    """The last sign-ins that are over, latest first."""
    which = sa.select(AuthSession).where(AuthSession.user_id == user.id, AuthSession.ended_at.is_not(None))
    return list(db.session.scalars(which.order_by(AuthSession.ended_at.desc()).limit(SIGN_INS_SHOWN)))


def owns_sign_in(user: User, session_id: uuid.UUID) -> bool:
    """Whether this sign-in is that person's."""
    which = sa.exists().where(AuthSession.id == session_id, AuthSession.user_id == user.id)
    return bool(db.session.scalar(sa.select(which)))


def waiting_link(user: User) -> AccountLink | None:
    """The newest link the person asked for and nobody has sent: somebody has to pass one on."""
    which = sa.select(AccountLink).where(AccountLink.user_id == user.id, *_waiting())
    return db.session.scalar(which.order_by(AccountLink.id.desc()).limit(1))


def waiting_for_links() -> set[int]:
    """Ids of the people for whom `waiting_link` has something."""
    return set(db.session.scalars(sa.select(AccountLink.user_id).where(*_waiting())))


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        StaffMail.about_id == AccountLink.id,
        StaffMail.kind.in_(MAIL_KINDS.values()),
        StaffMail.state == MailState.QUEUED,
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > clock.now(),
    )


@dataclass(frozen=True)
class AccountChange:
    """One change of an account, in words."""

    at: datetime
    who: str
    what: str


def changes(user: User) -> list[AccountChange]:
    """The last changes of an account, latest first, without the counting of tries."""
    which = (
        sa.select(AuditEntry)
        .where(AuditEntry.table_name == "users", AuditEntry.row_id == str(user.id))
        .where(sa.or_(AuditEntry.change != "update", *(AuditEntry.after.has_key(key) for key in WORTH_TELLING)))
        .order_by(AuditEntry.id.desc())
        .limit(CHANGES_SHOWN)
    )
    entries = list(db.session.scalars(which))
    names = names_of({entry.actor for entry in entries})
    return [AccountChange(entry.at, names.get(entry.actor, entry.actor), _in_words(entry)) for entry in entries]


ACTORS = {
    "cadence": "the cadence",
    "cli": "the command line",
    "demo": "the demo",
    "gate": "the contact gate",
    "import": "an import",
    "inbound": "their reply",
    "outbox": "the outbox",
    "records": "the practice's records",
    "reply": "an answer of the patient",
    "tick": "the clock",
    "unsubscribe": "the link in the email",
}
"""Who does things beside people."""


def names_of(actors: Collection[str]) -> dict[str, str]:
    """Who they are, as pages call them: a person's name for "user:7", words for a part of the product."""
    kinds = {actor: actor.partition(":")[0] for actor in actors}
    ids = [int(actor[5:]) for actor, kind in kinds.items() if kind == "user" and actor[5:].isdigit()]
    rows = db.session.execute(sa.select(User.id, User.name, User.email).where(User.id.in_(ids))) if ids else ()
    people = {f"user:{row.id}": row.name or row.email for row in rows}
    return people | {actor: ACTORS[kind] for actor, kind in kinds.items() if kind in ACTORS}


def _in_words(entry: AuditEntry) -> str:
    after = entry.after or {}
    if entry.change == "insert":
        return "account added"
    words = []
    if "active" in after:
        words.append("reactivated" if after["active"] else "deactivated")
    if "role" in after:
        words.append(f"role changed from {(entry.before or {}).get('role')} to {after['role']}")
    if "name" in after:
        words.append("name changed")
    if "password_hash" in after:
        words.append("password set")
    return ", ".join(words)
