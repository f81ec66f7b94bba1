"""Taking an outcome back: for a minute, as long as nothing of it has left the building.

An outcome changes rows of the person only (of the patient, and of their other records): tasks, cadence runs, the ask,
referrals, messages, suppressions. They are pictured before and after it, in one statement each; what differs is kept
on the attempt. Taking it back puts the changed rows as they were and deletes the new ones, in one transaction, if every
one of them is still as the outcome left it. The agent then has the task in progress again, under a new fencing number,
its clock running since its claim.

What stays: a consent the friend gave, and an event that says what was taken back. The call is in progress again, and
counts toward the caps as one; the outcome that was taken back does not (`counted_contacts` in known.sql).
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead
from ops.cadences.actions.correcting import put_right_again
from ops.concerns import actions
from ops.config import settings
from ops.db import Base, db, rows_changed
from ops.errors import Refused
from ops.queue import keeping, queries
from ops.queue.actions import claiming, lanes, moves, shares, tasks
from ops.queue.models import Attempt, CadenceRun, Task
from ops.queue.people import Reached
from ops.referrals.models import Ask, Referral
from ops.rhythm.queries import on_break
from ops.work.endings import SENT_ALL, Ending
from ops.work.reads import ReadOf
from ops.work.states import OPEN, EventKind

GRACE = timedelta(seconds=5)
"""The press that was made in time may arrive a little later."""
GONE_ON = "Somebody has gone on with it already: "

PICTURE = sa.text(
    """
    SELECT jsonb_build_object(
        'tasks', (SELECT coalesce(jsonb_object_agg(t.id, to_jsonb(t)), '{}') FROM tasks t
                  WHERE t.patient_id = ANY (:people) AND t.practice_id = :practice
                  AND (t.state = ANY (:open) OR t.finished_at >= :since)
                  AND (NOT :own OR t.xmin = pg_current_xact_id()::xid)),
        'cadence_runs', (SELECT coalesce(jsonb_object_agg(r.id, to_jsonb(r)), '{}') FROM cadence_runs r
                         WHERE r.patient_id = ANY (:people) AND r.practice_id = :practice
                         AND (r.state = 'running' OR r.ended_at >= :since OR r.id = :run
                              OR r.end_reason = ANY (:sent_all))
                         AND (NOT :own OR r.xmin = pg_current_xact_id()::xid)),
        'asks', (SELECT coalesce(jsonb_object_agg(a.id, to_jsonb(a)), '{}') FROM asks a WHERE a.run_id = :run
                 AND (NOT :own OR a.xmin = pg_current_xact_id()::xid)),
        'referrals', (SELECT coalesce(jsonb_object_agg(f.id, to_jsonb(f)), '{}') FROM referrals f
                      WHERE f.practice_id = :practice AND f.referrer_id = :patient
                      AND (NOT :own OR f.xmin = pg_current_xact_id()::xid)),
        'referral_events', (SELECT coalesce(jsonb_object_agg(e.id, '{}'::jsonb), '{}') FROM referral_events e
                            JOIN referrals f ON f.id = e.referral_id
                            WHERE f.practice_id = :practice AND f.referrer_id = :patient
                            AND (NOT :own OR e.xmin = pg_current_xact_id()::xid)),
        'suppressions', (SELECT coalesce(jsonb_object_agg(s.id, '{}'::jsonb), '{}') FROM suppressions s
                         WHERE s.practice_id = :practice AND s.contact_key = ANY (:keys)
                         AND (NOT :own OR s.xmin = pg_current_xact_id()::xid)),
        'messages', (SELECT coalesce(jsonb_object_agg(m.id, '{}'::jsonb), '{}') FROM messages m
                     WHERE m.patient_id = :patient AND m.practice_id = :practice AND m.created_at >= :since
                     AND (NOT :own OR m.xmin = pg_current_xact_id()::xid)))
    """
).bindparams(sa.bindparam("keys", type_=sa.ARRAY(sa.LargeBinary)))
MOVING = {"offered", "rank", "ranked_at", "lane_id", "shut_reasons"}
"""Columns the minute's upkeep changes by itself: no sign that somebody went on with a task."""

Picture = dict[str, dict[str, dict[str, Any]]]


def undo_for() -> timedelta:
    """How long an outcome can be taken back."""
    return timedelta(seconds=settings().undo_seconds)


def picture(task: Task, who: Reached, since: Any, *, own: bool = False) -> Picture:
    """The rows an outcome of this task may change, as they are now: table -> id -> columns. `who` is called,
    `since` is the moment of the outcome. With `own` only what this transaction
    wrote: what somebody else's committed meanwhile (a reply, a STOP) is not the outcome's, and is never taken back with
    it."""
    db.session.flush()
    asked = {
        "patient": task.patient_id,
        "practice": task.practice_id,
        "run": task.run_id,
        "keys": who.keys,
        "since": since,
    }
    asked |= {"open": list(OPEN), "people": who.records or [task.patient_id]}
    asked |= {"sent_all": list(SENT_ALL)}
    return db.session.scalars(PICTURE, asked | {"own": own}).one()


def difference(before: Picture, after: Picture) -> dict[str, Any]:
    """What was changed (table, id, columns before, columns after) and what was made (table -> ids)."""
    changed = [
        [table, int(row_id), {name: rows[row_id][name] for name in names}, {name: now[name] for name in names}]
        for table, rows in before.items()
        for row_id, now in after[table].items()
        if row_id in rows and (names := sorted(name for name in now if rows[row_id].get(name) != now[name]))
    ]
    made = {table: sorted(rows.keys() - before[table].keys()) for table, rows in after.items()}
    return {"changed": changed, "made": {table: ids for table, ids in made.items() if ids}}


def take_back(attempt_id: int, agent_id: int, actor: str) -> dict[str, Any]:
    """Take the outcome back and give its task to the agent again; what was typed with it.

    The open card makes room, and comes back next. Raises Refused, with nothing changed, when the minute is over,
    when something left the building or somebody went on with it, or when the number of the open card was shown.
    """
    claiming.one_at_a_time(agent_id)
    attempt = db.session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    if attempt is None or attempt.agent_id != agent_id or attempt.undo is None:
        raise Refused("There is nothing to take back.")
    if clock.now() > attempt.at + undo_for() + GRACE:
        raise Refused("It is too late to take this back: its time is over. A lead can put right what came of it.")
    if on_break(agent_id):
        raise Refused("You are on a break. Come back to work first, then take it back.")
    if actions.concern_told(attempt.id):
        raise Refused("The practice and the leads have been told, so this cannot be taken back. Write to your lead.")
    actions.forget_mails(attempt.id)
    kept = attempt.undo
    _lock_made(kept["made"])
    task = db.session.get_one(Task, attempt.task_id, with_for_update=True, populate_existing=True)
    for table, row_id, _, after in kept["changed"]:
        _check_untouched(table, row_id, after)
    # making room writes the ledger, which comes after every task: a colleague's claim takes the two in that order
    _make_room(agent_id, actor)
    if queries.on_another_call(task):
        raise Refused(GONE_ON + "somebody else is talking to them.")
    _delete_made(kept["made"])
    was = {"outcome": attempt.outcome, "note": attempt.note, "minutes": float(attempt.minutes)}
    was["recorded_at"] = attempt.at.isoformat()
    for table, row_id, before, _ in kept["changed"]:
        if table == Task.__tablename__ and row_id == task.id:
            _into_hands_again(task, before, agent_id, actor, was)
        else:
            _restore(table, row_id, before, actor)
    practice_id, credit = task.practice_id, float(task.estimate_minutes) - float(attempt.minutes)
    recorded_at = attempt.at
    db.session.delete(attempt)
    db.session.flush()
    db.session.expire_all()
    put_right_again([row_id for table, row_id, *_ in kept["changed"] if table == CadenceRun.__tablename__], recorded_at)
    shares.charge(practice_id, credit)
    return kept["typed"]


def _make_room(agent_id: int, actor: str) -> None:
    task = queries.task_of(agent_id)
    if task is None:
        return
    shown = sa.exists().where(
        PatientRead.user_id == agent_id,
        PatientRead.shows(ReadOf.NUMBER, task.id),
        PatientRead.at >= task.claimed_at,
    )
    if db.session.scalar(sa.select(shown)):
        raise Refused("You have the number of this card already. Finish it first, or release it.")
    tasks.give_back(tasks.held(task.id, agent_id, task.fence), EventKind.RELEASED, actor, why="the one before it again")
    task.owner_id, task.owner_until, task.handed_at = agent_id, clock.now() + keeping.MADE_ROOM, clock.now()
    db.session.flush()


def _lock_made(made: dict[str, list[str]]) -> None:
    """What the outcome made must still be waiting to be begun."""
    for message_id in made.get("messages", ()):
        state = _locked("messages", message_id, "state")
        if state != "queued":
            raise Refused("A message has left already, so this cannot be taken back.")
    for task_id in made.get("tasks", ()):
        if _locked("tasks", int(task_id), "state || ':' || fence") != "waiting:0":
            raise Refused(GONE_ON + "the friend is being called.")


def _locked(table: str, row_id: Any, column: str) -> Any:
    return db.session.scalar(sa.text(f"SELECT {column} FROM {table} WHERE id = :id FOR UPDATE"), {"id": row_id})  # noqa: S608


def _check_untouched(table: str, row_id: int, after: dict[str, Any]) -> None:
    now = _locked(table, row_id, f"to_jsonb({table})") or {}
    if any(now.get(name) != value for name, value in after.items() if name not in MOVING):
        raise Refused(GONE_ON + "it is not as your outcome left it.")


DELETE = {
    # in the order of what points at what
    "messages": "DELETE FROM messages WHERE id = CAST(:id AS uuid)",
    "tasks": "DELETE FROM tasks WHERE id = CAST(:id AS bigint)",
    "referral_events": "DELETE FROM referral_events WHERE id = CAST(:id AS bigint)",
    "referrals": "DELETE FROM referrals WHERE id = CAST(:id AS bigint)",
    "asks": "DELETE FROM asks WHERE id = CAST(:id AS bigint)",
    # the database lets go of a suppression only by its number
    "suppressions": "DELETE FROM suppressions WHERE id = CAST(set_config('app.retract', :id, true) AS bigint)",
}


def _delete_made(made: dict[str, list[str]]) -> None:
    for table, statement in DELETE.items():
        for row_id in made.get(table, ()):
            db.session.execute(sa.text(statement), {"id": row_id})


def _into_hands_again(task: Task, before: dict[str, Any], agent_id: int, actor: str, was: dict[str, Any]) -> None:
    """The agent has the task in progress as it was, under a new fencing number, its clock running since its claim."""
    claimed_at = _put_back(task, before).get("claimed_at") or task.claimed_at
    assert claimed_at, "it was in progress when its outcome was recorded"
    lease_until = clock.now() + timedelta(minutes=settings().lease_minutes)
    moves.move_to_holder(task, EventKind.UNDONE, actor, moves.Holder(agent_id, claimed_at, lease_until), **was)


RESTORED: dict[str, type[Base]] = {each.__tablename__: each for each in (Task, CadenceRun, Ask, Referral)}


def _restore(table: str, row_id: int, before: dict[str, Any], actor: str) -> None:
    """Put a row as it was. A task that the outcome cancelled waits in its lane again, and its story says so."""
    row = db.session.get_one(RESTORED[table], row_id, populate_existing=True)
    columns = _put_back(row, before)
    if isinstance(row, Task) and "state" in columns:
        moves.move(row, EventKind.UNDONE, actor)
        lanes.offer(row)
    elif isinstance(row, CadenceRun) and "state" in columns:
        moves.resume_run(row)
    elif isinstance(row, CadenceRun) and "end_reason" in columns:
        was = {name: columns.get(name, getattr(row, name)) for name in ("end_reason", "end_outcome", "end_words")}
        moves.end_otherwise(row, Ending(*was.values()))


def _put_back(row: Base, before: dict[str, Any]) -> dict[str, Any]:
    """Set the columns on the row as they were, but those that go with its state; all of them, as PostgreSQL reads its
    own JSON."""
    table = Base.metadata.tables[row.__tablename__]
    names = ", ".join(before)
    read = sa.text(f"SELECT {names} FROM jsonb_populate_record(NULL::{table}, CAST(:before AS jsonb))")  # noqa: S608
    read = read.bindparams(sa.bindparam("before", before, sa.JSON))
    columns = dict(db.session.execute(read.columns(*(table.c[name] for name in before))).mappings().one())
    for name in columns.keys() - moves.COLUMNS.get(table.name, frozenset()) - {"offered"}:
        setattr(row, name, columns[name])
    return columns


def forget_old() -> int:
    """Pictures of outcomes that cannot be taken back any more are of no use; how many were let go."""
    over = clock.now() - undo_for() - 2 * GRACE
    done = db.session.execute(
        sa.update(Attempt)
        .where(Attempt.undo.is_not(None), Attempt.at < over)
        .values(undo=None)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(done)
