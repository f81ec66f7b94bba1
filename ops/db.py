"""The database, and the one place that commits.

Business verbs (`actions.py`) change rows and flush; they never commit. The edge that was asked for something (a view, a
job, a command) opens `transaction(actor)` around them, so either everything a verb says happened is true, or nothing
is. Whatever must leave the process because of it (a job rung, an email) is registered with `after_commit` and runs only
once the rows are durable: a doorbell for work that was rolled back is how patients get texted twice.

`see_only(practice_id)` puts the rest of a request under a database role that sees one practice through row-level
security; it is the second of the two walls between practices (the first are the queries themselves).
"""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import psycopg
import sqlalchemy as sa
import structlog
from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from ops import clock

log = structlog.get_logger()

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
PORTAL_ROLE = "loopkeeper_portal"
Moment = sa.DateTime(timezone=True)
"""The column type of every point in time; values are aware UTC."""

WHO_AND_WHEN = "SELECT set_config('app.actor', :actor, true), set_config('app.at', :at, true)"
"""What triggers write down: the actor, and the time by our clock, not the database's."""


class Base(DeclarativeBase):
    """Parent of every table; constraints are named by convention so that violations can be told apart."""

    metadata = sa.MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def closed_set(values: type[StrEnum], name: str) -> sa.Enum:
    """A column type for a closed set: text plus a CHECK called `name` that lists the values of the enum."""
    return sa.Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


@contextmanager
def transaction(actor: str) -> Iterator[Session]:
    """Make everything done inside true together, in the name of `actor` ("user:7", "tick", "import:12").

    Commits at the end of the block, then runs what was registered with `after_commit`. Any exception rolls back and
    nothing registered runs. Raises RuntimeError inside another `transaction`: there is one edge.
    """
    session = db.session()
    if session.info.get("actor"):
        raise RuntimeError("transaction() inside transaction(): only the edge opens one")
    session.info["actor"] = actor
    session.info["after_commit"] = []
    try:
        session.execute(sa.text(WHO_AND_WHEN), {"actor": actor, "at": clock.now().isoformat()})
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        session.info["after_commit"] = []
        raise
    finally:
        session.info["actor"] = None
    _run_after_commit(session)


def _run_after_commit(session: Session) -> None:
    for effect in session.info.pop("after_commit", []):
        try:
            effect()
        except Exception as problem:  # the rows are true already; the tick finds what was not rung
            log.warning("after_commit_failed", error=type(problem).__name__)


@contextmanager
def driver_transaction() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A transaction on a connection of the pool as the driver gives it, without session or actor: for the claim, whose
    two statements would cost less than what goes on around them. What runs inside tells the audit who it is."""
    connection = db.engine.raw_connection()
    try:
        yield connection.driver_connection  # type: ignore[misc]
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.close()


def read_row(statement: str, given: dict[str, Any]) -> Any:
    """The one row a statement answers with (a named tuple), or None: in one round trip, outside any transaction.

    For what every page asks before anything else is done. BEGIN and ROLLBACK would be two round trips more, and with
    a rollback the driver forgets the statements it prepared. It sees what is committed, not what the transaction of
    this request has done, and knows nothing of `see_only`: what it reads must be of the person who asks.
    """
    connection = db.engine.raw_connection()
    driver: psycopg.Connection[Any] = connection.driver_connection  # type: ignore[assignment]
    try:
        driver.autocommit = True
        with driver.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(statement, given).fetchone()
    finally:
        if not driver.closed:
            driver.autocommit = False
        connection.close()


def after_commit(effect: Callable[[], Any]) -> None:
    """Run `effect` once the current transaction is durable. It must not touch the session and may be lost in a
    crash."""
    session = db.session()
    if not session.info.get("actor"):
        raise RuntimeError("after_commit() outside transaction(): nothing would ever run it")
    session.info["after_commit"].append(effect)


def rows_changed(done: sa.Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed."""
    assert isinstance(done, sa.CursorResult)
    return done.rowcount


def see_only(practice_id: int) -> None:
    """From now until the session ends, every transaction sees rows of this practice alone (row-level security)."""
    session = db.session()
    session.rollback()
    session.info["practice_id"] = practice_id


@event.listens_for(sa.Pool, "checkout")
def _still_there(dbapi_connection: Any, record: Any, proxy: Any) -> None:
    """Have the pool replace a connection that the server has closed, without asking the server each time.

    An idle connection has nothing to read, unless the server hung up (or has something to say, and then a new one does
    no harm).
    """
    poller = select.poll()
    poller.register(dbapi_connection.fileno(), select.POLLIN)
    if poller.poll(0):
        raise sa.exc.DisconnectionError("the server closed the connection")


@event.listens_for(Session, "after_begin")
def _enter_portal_role(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    practice_id = session.info.get("practice_id")
    if practice_id is not None:
        connection.execute(sa.text(f"SET LOCAL ROLE {PORTAL_ROLE}"))
        connection.execute(sa.text("SELECT set_config('app.practice_id', :id, true)"), {"id": str(practice_id)})
