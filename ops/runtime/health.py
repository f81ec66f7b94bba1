"""Whether the product is well: what /readyz and `ops doctor` say. Nothing here names a secret or a person."""

import platform
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import redis
import sqlalchemy as sa
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from ops import clock, migrate, one_clock
from ops.agency.queries import emails_wait
from ops.background import QUEUES
from ops.cadences import readiness
from ops.cadences.actions.starting import missed
from ops.cadences.models import RuleChange
from ops.config import Settings, settings
from ops.isolated import FailedWork
from ops.mail.models import MailState, StaffMail
from ops.mail.queries import BAD
from ops.phrases import count_of, length_words
from ops.practices.models import Practice, PracticeStatus
from ops.runtime import servers, state
from ops.runtime.models import Tick
from ops.schedule import WORK
from ops.sql.install import differences

TICK_LATE_SECONDS = 150.0
"""Two missed ticks and some patience."""
QUEUE_LATE_SECONDS = 600.0
LEAST_FREE = 200_000_000
"""Bytes of the disk under VAR_DIR: the logs of the database alone take that in a busy hour."""
NAMED = 5
"""Failing units of one loop that a sentence names; --json has all."""


@dataclass
class Findings:
    """What `ops doctor` found. Times in seconds; None where there is nothing to measure."""

    versions: dict[str, str | None]
    app: dict[str, Any] | None = None
    migrations: dict[str, str | None] = field(default_factory=dict)
    sql: dict[str, str] = field(default_factory=dict)
    """Functions, views, triggers and walls that are not those of the code, by file or table, and how they differ."""
    queues: dict[str, dict[str, float | None]] = field(default_factory=dict)
    tick_lag_s: float | None = None
    clock_off_s: float | None = None
    """By how much the clock here is ahead of the database's."""
    failing: dict[str, list[str]] = field(default_factory=dict)
    """Units of work that raise, by the loop they are part of: which row, whose, with what, how often."""
    missed: dict[str, int] = field(default_factory=dict)
    """Milestones that should have started a cadence and did not, by practice."""
    incomplete: dict[str, list[str]] = field(default_factory=dict)
    """What practices lack that are live, by practice."""
    emails: dict[str, int] = field(default_factory=dict)
    """Emails to staff that wait for a person, by state."""
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {"healthy": not self.problems} | asdict(self)

    def as_text(self) -> str:
        """For people."""
        return "\n".join(_lines(self))


def ready(engine: sa.Engine, queue_server: redis.Redis) -> dict[str, str]:
    """What this process needs and cannot have, by name; empty when it is ready to serve."""
    problems = {}
    try:
        with engine.connect() as connection:
            if not migrate.is_current(connection):
                problems["migrations"] = "not current"
            elif abs(_clock_off(connection)) > one_clock.MOST_S:
                problems["clock"] = "not the database's"
    except sa.exc.SQLAlchemyError as problem:
        problems["database"] = type(problem).__name__
    try:
        queue_server.ping()
    except redis.RedisError as problem:
        problems["redis"] = type(problem).__name__
    return problems


def examine(conf: Settings) -> Findings:
    """Everything `ops doctor` looks at. Starts embedded servers for as long as it looks, if they are not running."""
    found = Findings({"app": version("loopkeeper"), "python": platform.python_version()})
    free = shutil.disk_usage(conf.var_dir).free if conf.var_dir.exists() else LEAST_FREE
    if free < LEAST_FREE:
        found.problems.append(f"the disk that holds {conf.var_dir} is full: {free // 1_000_000} MB are left")
    app = state.running(conf.var_dir)
    _examine_app(found, app)
    try:
        with servers.ready() as acquired:
            _examine_database(found, acquired.database_url, app)
            _examine_queues(found, acquired.redis_url, app)
    except servers.ServerError as problem:
        found.problems.append(str(problem))
    return found


def _examine_app(found: Findings, app: state.AppState | None) -> None:
    if app is None:
        return
    found.app = asdict(app)
    found.problems += [f"{name} is down" for name, pid in app.children.items() if pid is None]


def _examine_database(found: Findings, url: str, app: state.AppState | None) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            found.versions["postgresql"] = connection.scalar(sa.text("SHOW server_version"))
            have, need = migrate.current(connection), migrate.newest()
            found.migrations = {"database": have, "code": need}
            if have != need:
                found.problems.append("migrations are not current")
                return
            found.problems += [f"rows of {table} break {name}" for table, name in migrate.not_valid(connection)]
            found.sql = differences(connection)
            _examine_clock(found, connection)
            last = connection.scalar(sa.text("SELECT started_at FROM ticks WHERE name = 'tick'"))
            _examine_work(found, connection)
            _examine_milestones(found, connection)
            _examine_practices(found, connection)
            _examine_mails(found, connection)
            found.problems += filter(None, [emails_wait(connection)])
    except sa.exc.SQLAlchemyError as problem:
        found.problems.append(f"database: {type(problem).__name__}")
        return
    found.problems += [f"SQL in the database differs from the code: {name} ({how})" for name, how in found.sql.items()]
    _examine_tick(found, last, app)


def _examine_clock(found: Findings, connection: sa.Connection) -> None:
    found.clock_off_s = round(_clock_off(connection), 1)
    if abs(found.clock_off_s) > one_clock.MOST_S:
        found.problems.append(one_clock.WORDS.format(seconds=abs(found.clock_off_s)))


def _clock_off(connection: sa.Connection) -> float:
    return one_clock.off_by(lambda: connection.execute(sa.text(one_clock.ASK)).one())


def _examine_work(found: Findings, connection: sa.Connection) -> None:
    """What went wrong in periodic work: a piece as a whole, or units of one that were left out while it went on."""
    ticks = sa.select(Tick.name, Tick.problem).where(Tick.name.in_(WORK), Tick.problem.is_not(None))
    found.problems += [f"{name} failed: {problem}" for name, problem in connection.execute(ticks.order_by(Tick.name))]
    columns = FailedWork.work, FailedWork.row, FailedWork.practice_id, FailedWork.error, FailedWork.times
    for work, row, practice_id, error, times in connection.execute(sa.select(*columns).order_by(*columns[:2])):
        whose = f" of practice {practice_id}" if practice_id else ""
        found.failing.setdefault(work, []).append(f"{row}{whose} ({error}, {times} times)")
    for work, rows in found.failing.items():
        more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        found.problems.append(f"{work} fails for {len(rows)}: {', '.join(rows[:NAMED])}{more}")


def _examine_milestones(found: Findings, connection: sa.Connection) -> None:
    """Work that is lost makes no error anywhere: what should have been started is worked out again from the rows. What
    the tick has yet to look at is not lost."""
    looked = connection.scalar(sa.select(Tick.started_at).where(Tick.name == "start cadences"))
    looked_by = (looked or datetime.min.replace(tzinfo=UTC)) - timedelta(seconds=TICK_LATE_SECONDS if looked else 0)
    at_rest = sa.exists().where(RuleChange.practice_id == Practice.id, RuleChange.version == RuleChange.applied)
    which = sa.select(Practice.id, Practice.slug, Practice.zone)
    which = which.where(Practice.status != PracticeStatus.ENDED, at_rest).order_by(Practice.slug)
    for practice_id, slug, zone in connection.execute(which).all():
        if number := missed(connection, practice_id, zone, looked_by):
            found.missed[slug] = number
    for slug, number in found.missed.items():
        found.problems.append(f"{count_of(number, 'milestone')} of {slug} should have started a cadence and did not")


def _examine_practices(found: Findings, connection: sa.Connection) -> None:
    """Who is live was complete once: what was taken away since is missing on the next call or text."""
    lacks = readiness.look(connection, None)
    names = sa.select(Practice.id, Practice.slug).where(Practice.id.in_(lacks)).order_by(Practice.slug)
    for practice_id, slug in connection.execute(names):
        found.incomplete[slug] = [one.words for one in lacks[practice_id]]
        found.problems.append(f"{slug} is live and lacks: {'; '.join(found.incomplete[slug])}")


def _examine_mails(found: Findings, connection: sa.Connection) -> None:
    waiting = sa.select(StaffMail.state, sa.func.count()).where(BAD).group_by(StaffMail.state)
    found.emails = {str(state): number for state, number in connection.execute(waiting)}
    if failed := found.emails.get(MailState.FAILED):
        found.problems.append(f"emails to staff that were not sent: {failed} (People, Emails to staff)")
    if unknown := found.emails.get(MailState.UNKNOWN):
        found.problems.append(f"emails to staff that may have left or not: {unknown} (People, Emails to staff)")


def _examine_tick(found: Findings, last: datetime | None, app: state.AppState | None) -> None:
    """The lag counts only while the app should be ticking, and not before it had the time to."""
    found.tick_lag_s = round((clock.now() - last).total_seconds(), 1) if last else None
    if _runs_long_enough(app) and (found.tick_lag_s is None or found.tick_lag_s > TICK_LATE_SECONDS):
        found.problems.append(f"the tick is late: {found.tick_lag_s} s")


def _runs_long_enough(app: state.AppState | None) -> bool:
    """To have ticked, and to have its workers."""
    if app is None or app.phase != "running":
        return False
    return (clock.now() - datetime.fromisoformat(app.since)).total_seconds() > TICK_LATE_SECONDS


def _examine_queues(found: Findings, url: str, app: state.AppState | None) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as server:
            about = server.info("server")
            name = "valkey" if "valkey_version" in about else "redis"
            found.versions[name] = about.get(f"{name}_version")
            for queue in QUEUES:
                found.queues[queue] = measured = _measure(Queue(queue, connection=server, serializer=JSONSerializer))
                if app and app.phase == "running" and (measured["oldest_s"] or 0) > QUEUE_LATE_SECONDS:
                    found.problems.append(f"queue {queue} is behind: its oldest job waits {measured['oldest_s']} s")
                if not measured["workers"] and _runs_long_enough(app):
                    found.problems.append(f"queue {queue} has no worker")
    except redis.RedisError as problem:
        found.problems.append(f"redis: {type(problem).__name__}")


def _measure(queue: Queue) -> dict[str, float | None]:
    oldest = next(iter(queue.get_jobs(0, 1)), None)
    asked = oldest.enqueued_at if oldest else None
    return {
        "waiting": queue.count,
        "oldest_s": round((_unshifted() - asked).total_seconds(), 1) if asked else None,
        "failed": queue.failed_job_registry.count,
        "workers": Worker.count(queue=queue),
    }


def _unshifted() -> datetime:
    """Now, as RQ notes it: it knows nothing of CLOCK_OFFSET_MINUTES."""
    return clock.now() - timedelta(minutes=settings().clock_offset_minutes)


def _length_since(moment: str) -> str:
    return length_words((clock.now() - datetime.fromisoformat(moment)).total_seconds() / 60)


def _lines(found: Findings) -> list[str]:
    lines = ["versions: " + ", ".join(f"{name} {number}" for name, number in found.versions.items())]
    if found.app is None:
        lines.append("app: not running (start it with `make run`)")
    else:
        app = found.app
        since = f" for {_length_since(app['since'])}" if app["since"] else ""
        lines.append(f"app: {app['phase']} at {app['address']}, pid {app['pid']}{since}")
        lines += [f"  {name}: {f'pid {pid}' if pid else 'down'}" for name, pid in app["children"].items()]
    if found.migrations:
        lines.append(f"migrations: database {found.migrations['database']}, code {found.migrations['code']}")
    for name, measured in found.queues.items():
        age = "" if measured["oldest_s"] is None else f", oldest {measured['oldest_s']} s"
        lines.append(
            f"queue {name}: {measured['waiting']} waiting{age}, {measured['failed']} failed, "
            f"{measured['workers']} worker(s)"
        )
    lines.append("tick: " + ("never ran" if found.tick_lag_s is None else f"{found.tick_lag_s} s ago"))
    return lines + (["healthy"] if not found.problems else [f"PROBLEM: {problem}" for problem in found.problems])
