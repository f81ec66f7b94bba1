"""The one list of periodic work, and the tick that runs it.

Every minute the tick takes an advisory lock, so that any number of tick processes do the work once, and runs what is
due. Each piece of work looks in the database for what is due *now*, so a missed or doubled tick does no harm.
"""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import sqlalchemy as sa
import structlog

from ops import clock, one_clock
from ops.db import db, transaction
from ops.runtime.models import Tick

log = structlog.get_logger()
LOCK = 7_034_002

WORK: dict[str, tuple[str, timedelta]] = {
    # name: (what to call, how often at most)
    "resume imports": ("ops.imports.jobs.resume", timedelta(minutes=1)),
    "look at milestones again": ("ops.cadences.jobs.look_again", timedelta(hours=6)),
    "start cadences": ("ops.cadences.jobs.start_cadences", timedelta(minutes=1)),
    "take steps": ("ops.cadences.jobs.take_due_steps", timedelta(minutes=1)),
    "close stale work": ("ops.cadences.jobs.close_stale", timedelta(minutes=1)),
    "queue upkeep": ("ops.queue.jobs.upkeep", timedelta(minutes=1)),
    "forget old undos": ("ops.desk.jobs.forget_old_undos", timedelta(minutes=1)),
    "rank again": ("ops.queue.jobs.rerank", timedelta(hours=1)),
    "end harmful experiments": ("ops.experiments.jobs.end_harmful", timedelta(minutes=5)),
    "messages upkeep": ("ops.messages.jobs.upkeep", timedelta(minutes=1)),
    "staff email upkeep": ("ops.mail.jobs.upkeep", timedelta(minutes=1)),
    "match friends": ("ops.referrals.jobs.match_friends", timedelta(minutes=1)),
    "settle the loop": ("ops.referrals.jobs.settle_loop", timedelta(minutes=1)),
    "sign-ins upkeep": ("ops.accounts.jobs.upkeep", timedelta(minutes=1)),
    "forget raw files": ("ops.imports.jobs.forget_raw_files", timedelta(hours=6)),
}


def run_due() -> list[str]:
    """Run every piece of periodic work that is due; the names of what ran. Empty when another process holds the lock.
    Raises WrongClock.

    Needs an app context. The lock is held on a connection of its own, so each piece of work has its own transaction.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            return []
        try:
            return [name for name in ("tick", *WORK) if _run_if_due(name)]
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})


def _run_if_due(name: str) -> bool:
    one_clock.must_agree()  # before each: a tick may take minutes, and clocks are set meanwhile
    path, every = WORK.get(name, (None, timedelta(0)))
    last = db.session.scalar(sa.select(Tick.started_at).where(Tick.name == name))
    db.session.rollback()
    # a start in the future is from when the clock was shifted: it says nothing about now
    if last and timedelta(0) <= clock.now() - last < every - timedelta(seconds=5):
        return False
    started = clock.now()
    problem = _run(name, path) if path else None
    with transaction("tick") as session:
        session.merge(Tick(name=name, started_at=started, finished_at=clock.now(), problem=problem))
    return True


def _run(name: str, path: str) -> str | None:
    """Call the work at `path` ("ops.queue.jobs.upkeep"); what went wrong, or None. One failure does not stop the
    others."""
    module, _, function = path.rpartition(".")
    try:
        work: Callable[[], object] = getattr(import_module(module), function)
        work()
    except Exception as problem:
        db.session.rollback()
        log.exception("tick_failed", work=name)
        return type(problem).__name__
    return None
