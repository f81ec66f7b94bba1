"""Sign-ins as rows: begun, seen, ended with a reason. The browser's cookie holds a token, the row its hash.

How long one lasts is decided here, purely: `why_over` looks at the row and the clock. A person is seen at most once in
`SEEN_EVERY`, so that an idle limit is kept to within those seconds (on the early side) without a write on every
request.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import AuthSession, Membership, Role, User
from ops.config import settings
from ops.crypto import new_token, token_hash
from ops.db import db, read_row

SEEN_EVERY = timedelta(seconds=15)
BROWSER_LENGTH = 300

IDLE = "idle"
OVER = "over"
SIGNED_OUT = "signed out"
REVOKED = "revoked"
DEACTIVATED = "deactivated"
PASSWORD_CHANGED = "password changed"  # noqa: S105 (a reason, not a password)
ROLE_CHANGED = "role changed"


def begin(user: User, *, address: str | None, browser: str | None) -> str:
    """A new sign-in of `user`; the token for the cookie. The address and browser are shown to the person later."""
    token = new_token()
    now = clock.now()
    db.session.add(
        AuthSession(
            user_id=user.id,
            token_hash=token_hash(token),
            created_at=now,
            last_seen_at=now,
            address=address,
            browser=(browser or "")[:BROWSER_LENGTH] or None,
        )
    )
    db.session.flush()
    return token


@dataclass(frozen=True)
class SignIn:
    """A sign-in as a request finds it, and a snapshot of whose it is: `user` is in no session and never written."""

    id: uuid.UUID
    user_id: int
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    ended_why: str | None
    user: User


SIGN_IN = """
    SELECT s.id, s.user_id, s.created_at, s.last_seen_at, s.ended_at, s.ended_why,
        u.email, u.name, u.role, u.password_hash, u.active, u.created_at AS user_since, u.single_keys, u.zone,
        ARRAY(SELECT m.practice_id FROM memberships m WHERE m.user_id = u.id ORDER BY 1) AS practices
    FROM auth_sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = %(token_hash)s
"""
"""Asked before every page, so it is read bare: as entities it would cost more than all else that is done to recognize
somebody."""


def by_token(token: str) -> SignIn | None:
    """The sign-in this token belongs to, ended or not, with its user."""
    row = read_row(SIGN_IN, {"token_hash": token_hash(token)})
    if row is None:
        return None
    user = User(
        id=row.user_id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        password_hash=row.password_hash,
        active=row.active,
        created_at=row.user_since,
        single_keys=row.single_keys,
        zone=row.zone,
        memberships=[Membership(user_id=row.user_id, practice_id=practice_id) for practice_id in row.practices],
    )
    return SignIn(row.id, row.user_id, row.created_at, row.last_seen_at, row.ended_at, row.ended_why, user)


def why_over(sign_in: SignIn, at: datetime, *, busy: bool) -> str | None:
    """Why this sign-in no longer counts at that moment, None while it does.

    `busy`: the agent has a task in progress, which a person may be on the phone about (docs/rules.md A12: 10 minutes
    idle for agents, 30 for everybody else, 12 hours in all).
    """
    conf = settings()
    if sign_in.ended_at is not None:
        return sign_in.ended_why or REVOKED
    if not sign_in.user.active:
        return DEACTIVATED
    if at - sign_in.created_at >= timedelta(hours=conf.session_hours):
        return OVER
    if is_idle(sign_in, at) and not busy:
        return IDLE
    return None


def is_idle(sign_in: SignIn, at: datetime) -> bool:
    """Whether nothing came from this browser for longer than its person's role may be away."""
    return at - sign_in.last_seen_at >= timedelta(minutes=idle_minutes(sign_in.user.role))


def idle_minutes(role: Role) -> int:
    """How many minutes without a sign of life end a sign-in of this role."""
    conf = settings()
    return conf.agent_idle_minutes if role == Role.AGENT else conf.idle_minutes


def seen(session_id: uuid.UUID) -> None:
    """The person did something just now. Never moves backwards, never wakes an ended sign-in."""
    now = clock.now()
    db.session.execute(
        sa.update(AuthSession)
        .where(AuthSession.id == session_id, AuthSession.ended_at.is_(None), AuthSession.last_seen_at < now)
        .values(last_seen_at=now)
    )


def end(session_id: uuid.UUID, why: str) -> bool:
    """End this sign-in; False when it had ended before."""
    return _end(AuthSession.id == session_id, why) == 1


def end_of(user_id: int, session_id: uuid.UUID, why: str) -> bool:
    """End this sign-in if it is that person's; False otherwise."""
    return _end(sa.and_(AuthSession.id == session_id, AuthSession.user_id == user_id), why) == 1


def end_all(user_id: int, why: str, *, but: uuid.UUID | None = None) -> int:
    """End every sign-in of a person, except `but`; how many there were."""
    whose = AuthSession.user_id == user_id
    return _end(sa.and_(whose, AuthSession.id != but) if but else whose, why)


def _end(which: sa.ColumnElement[bool], why: str) -> int:
    change = sa.update(AuthSession).where(which, AuthSession.ended_at.is_(None))
    whose = db.session.scalars(change.values(ended_at=clock.now(), ended_why=why).returning(AuthSession.user_id)).all()
    tell_ended(sorted(set(whose)), why)
    return len(whose)


WHEN_ENDED: list[Callable[[int, str, str], None]] = []
"""Told in the same transaction, with the actor, that a sign-in of a person has ended and why (the queue: keeps nothing
for who is away)."""


def tell_ended(user_ids: Iterable[int], why: str) -> None:
    """These people are signed out somewhere."""
    actor = db.session().info.get("actor") or "sign-in"
    for user_id in user_ids:
        for hook in WHEN_ENDED:
            hook(user_id, why, actor)


def end_old() -> int:
    """End the sign-ins that have outlived their hours, so that the lists of them are true; how many there were."""
    eldest = clock.now() - timedelta(hours=settings().session_hours)
    return _end(AuthSession.created_at <= eldest, OVER)
