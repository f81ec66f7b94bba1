"""Who may try a password, and how often. Counted before the password is looked at: a thousand guesses at once are five.

What is counted is an account *from one source*, so that nobody can lock out somebody else: a stranger's address, or a
browser that was let into this account before (a signed cookie says so). Strangers at many addresses guess together:
from STRANGERS failures an hour on an account takes no try from an unknown browser. The known ones go on, and a reset
link makes one known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.accounts.models import SignInTries, User
from ops.db import Moment, db

LONGEST_LOCK_MINUTES = 15
STRANGERS = 50
STRANGERS_SINCE = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Source:
    """Where a try comes from, and how many failures it has before each further one locks it for a while."""

    name: str
    free: int
    known: bool = False


def stranger(address: str | None) -> Source:
    """A browser we do not know, by its address; of IPv6 one party has a whole network."""
    try:
        found = ip_address((address or "").partition("%")[0])
    except ValueError:
        return Source("address unknown", free=5)
    party = str(found) if found.version == 4 else str(ip_network((found, 64), strict=False))
    return Source(f"address {party}", free=5)


def known_browser(mark: str) -> Source:
    """A browser that this account was signed in with before, by what its cookie says."""
    return Source(f"browser {mark}", free=20, known=True)


def account(email: str) -> User | None:
    """The account that can be signed in to with this address. None: there is none, it is closed or has no password."""
    whose = User.email == email.strip().lower(), User.active, User.password_hash.is_not(None)
    return db.session.scalar(sa.select(User).where(*whose).execution_options(populate_existing=True))


def count(user: User, source: Source) -> bool:
    """Count one try of `source` to sign in as `user`; whether its password may be looked at.

    From the last free failure on the source waits 1, 2, 4, 8, then 15 minutes after each; a right password takes its
    count back (`forgive`), and so does a day.
    """
    db.session.execute(sa.select(User.id).where(User.id == user.id).with_for_update(key_share=True))  # one at a time
    if not source.known and _failures_of_strangers(user) >= STRANGERS:
        return False
    now = clock.now()
    first = {"user_id": user.id, "source": source.name, "known": source.known, "last_at": now}
    old = SignInTries.last_at < now - FORGOTTEN_AFTER
    failed = sa.case((old, 1), else_=SignInTries.failed + 1)
    again = (
        insert(SignInTries)
        .values(**first, failed=1, locked_until=_lock(sa.literal(1), source.free, now))
        .on_conflict_do_update(
            index_elements=["user_id", "source"],
            set_={"failed": failed, "last_at": now, "locked_until": _lock(failed, source.free, now)},
            where=sa.or_(SignInTries.locked_until.is_(None), SignInTries.locked_until <= now),
        )
        .returning(SignInTries.failed)
    )
    return db.session.scalar(again) is not None


def _lock(failed: sa.ColumnElement[int], free: int, now: datetime) -> sa.ColumnElement[datetime | None]:
    minutes = sa.func.least(LONGEST_LOCK_MINUTES, sa.func.power(2, sa.func.least(failed - free, 10)))
    return sa.case((failed >= free, sa.literal(now, Moment) + minutes * timedelta(minutes=1)), else_=None)


def _failures_of_strangers(user: User) -> int:
    """In the last hour, of each address no more than its free ones: one patient address alone never gets there."""
    counted = sa.func.coalesce(sa.func.sum(sa.func.least(SignInTries.failed, 5)), 0)
    recent = SignInTries.last_at > clock.now() - STRANGERS_SINCE
    theirs = SignInTries.user_id == user.id, ~SignInTries.known
    return db.session.scalar(sa.select(counted).where(*theirs, recent)) or 0


def forgive(user: User, source: Source | None = None) -> None:
    """The password was right (or is a new one): forget the failures of this source, or all of them."""
    which = SignInTries.user_id == user.id
    if source is not None:
        which = sa.and_(which, SignInTries.source == source.name)
    db.session.execute(sa.delete(SignInTries).where(which))


def forget_old() -> None:
    """Drop what no longer counts."""
    db.session.execute(sa.delete(SignInTries).where(SignInTries.last_at < clock.now() - FORGOTTEN_AFTER))
