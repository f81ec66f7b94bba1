"""Whose a task is: assigned to somebody, unassigned, released by a lead, cancelled by a lead."""

from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts import sessions
from ops.db import db
from ops.errors import Refused
from ops.languages import base_language
from ops.practices.models import Patient
from ops.queue import keeping, presence, workers
from ops.queue.actions import claiming, leaving, moves, tasks
from ops.queue.models import CadenceRun, Lane, Task
from ops.queue.workers import Lack, Worker, lack_words, worker
from ops.work.endings import Ending, EndReason
from ops.work.states import OPEN, EventKind, TaskState

LONGEST_REASON = 500


def release(task_id: int, actor: str, reason: str) -> Task:
    """Release a task that an agent has in progress into the queue again, its age kept.

    What the agent saves later is refused. Raises Refused without a reason, and when nobody holds the task any more.
    """
    reason = _reason(reason)
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state is not TaskState.CLAIMED:
        raise Refused("Nobody has this task in progress any more.")
    tasks.give_back(task, EventKind.RELEASED_BY_LEAD, actor, reason=reason, held_by=task.held_by)
    db.session.flush()
    return task


def cancel_task(task_id: int, actor: str, reason: str) -> Task:
    """Cancel an open task and end its cadence. Raises Refused without a reason, and when it is not open."""
    reason = _reason(reason)
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state not in OPEN:
        raise Refused("This task is finished already.")
    tasks.cancel(task, actor, reason, held_by=task.held_by)
    if task.run_id:
        run = db.session.get_one(CadenceRun, task.run_id, with_for_update=True, populate_existing=True)
        moves.end_run(run, Ending(EndReason.BY_LEAD, words=reason))
    db.session.flush()
    return task


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Refused("Please say why.")
    return reason[:LONGEST_REASON]


def _known(user_id: int) -> Worker:
    who = worker(user_id)
    if who is None:
        raise Refused("Only agents and leads take tasks.")
    return who


def _open_account(user_id: int) -> Worker:
    who = _known(user_id)
    if not who.active:
        raise Refused(f"The account of {who.name} is closed.")
    return who


def assign(task_id: int, user_id: int, actor: str, reason: str = "", *, override: bool = False) -> Task:
    """Give an open task to an agent, before everything else of theirs; released first, if somebody has it in progress.

    It stays assigned to them for `keeping.ASSIGNED` from the moment it may be worked, as long as they are present.
    `override`: although they are not certified for it; then, and for a task in progress, a reason is required. Raises
    Refused otherwise, for a task that is finished or theirs in progress, nobody who takes tasks, a closed account, and
    for who is absent when it may be worked now.
    """
    reason = reason.strip()[:LONGEST_REASON]
    task = _open_task(task_id)
    who = _open_account(user_id)
    if task.held_by == user_id:
        raise Refused(f"{who.name} has this task in progress already.")
    now = clock.now()
    starts = max(now, task.ready_at, _opens(task) or now)
    if starts == now and not presence.is_present(user_id):
        raise Refused(
            f"{who.name} is not at work now, and what may be worked now is not assigned to who is away. "
            "Choose somebody who is here, or leave it to everybody."
        )
    lacking = lacks(task)[user_id]
    _check_override(who, lacking, override, reason)
    if task.state is TaskState.CLAIMED:
        if not reason:
            raise Refused("Please say why it is taken from whoever has it in progress.")
        tasks.give_back(task, EventKind.RELEASED_BY_LEAD, actor, reason=reason, held_by=task.held_by)
    if user_id in shunned_by(task):
        raise Refused(f"{who.name} has said that this is not for them. Choose somebody else.")
    task.owner_id, task.handed_at, task.owner_until = user_id, now, starts + keeping.ASSIGNED
    facts = {"to": user_id, "reason": reason, "until": task.owner_until.isoformat()}
    moves.move(task, EventKind.ASSIGNED, actor, **facts, override=[str(lack) for lack in lacking])
    db.session.flush()
    return task


def _open_task(task_id: int) -> Task:
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state not in OPEN:
        raise Refused("This task is finished already.")
    return task


def lacks(task: Task) -> dict[int, list[Lack]]:
    """What each person would need for this task and has not got."""
    return workers.lacks(task.practice_id, task.kind, language_of(task))


def shunned_by(task: Task) -> set[int]:
    """Who is never offered this task, because they said so."""
    return set(db.session.scalars(sa.text("SELECT user_id FROM not_for WHERE task_id = :task"), {"task": task.id}))


def language_of(task: Task) -> str:
    """In which language the call is made: what its lane says, else what the patient speaks."""
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    return lane.language if lane else base_language(db.session.get_one(Patient, task.patient_id).language)


def _check_override(who: Worker, lacking: list[Lack], override: bool, reason: str) -> None:
    if not lacking:
        return
    words = lack_words(lacking)
    if not override:
        raise Refused(f"{who.name} is not certified for {words}. To assign it all the same, tick the override.")
    if not reason:
        raise Refused(f"{who.name} is not certified for {words}: please say why they get it all the same.")


def _opens(task: Task) -> datetime | None:
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    return lane.opens_at if lane else None


def unassign(task_id: int, actor: str, reason: str = "") -> Task:
    """A task that is assigned to somebody is everybody's again. Raises Refused when it is assigned to nobody."""
    task = _open_task(task_id)
    if task.state is not TaskState.WAITING or task.owner_id is None:
        raise Refused("This task is assigned to nobody.")
    facts = {"from": task.owner_id, "to": None, "reason": reason.strip()[:LONGEST_REASON]}
    task.owner_id = task.owner_until = task.handed_at = None
    moves.move(task, EventKind.ASSIGNED, actor, **facts)
    db.session.flush()
    return task


WENT = {
    sessions.SIGNED_OUT: "signed out",
    sessions.IDLE: "away",
    sessions.OVER: "their sign-in was over",
    sessions.REVOKED: "their sign-in was ended",
    sessions.PASSWORD_CHANGED: "signed out",
    sessions.ROLE_CHANGED: "they do other work now",
    sessions.DEACTIVATED: "their account is closed",
}
SOON_BACK = (sessions.IDLE, sessions.OVER, sessions.PASSWORD_CHANGED)
"""Whoever is signed out so may sign in again and go on with the card they have open."""
FOR_GOOD = (sessions.ROLE_CHANGED, sessions.DEACTIVATED)


def sign_in_ended(user_id: int, why: str, actor: str) -> None:
    """A sign-in of this person has ended: unless they are present in another browser, nothing is assigned to them. A
    claim of theirs that is going on is waited for, or waits, and then finds that they went (`left_meanwhile`)."""
    claiming.one_at_a_time(user_id)
    if presence.is_present(user_id):
        return
    leaving.let_go(user_id, WENT[why], actor, for_good=why in FOR_GOOD)
    if why not in SOON_BACK:
        tasks.leave_card(user_id, WENT[why], actor)


AT_WORK = sa.text(
    "SELECT EXISTS (SELECT FROM auth_sessions s WHERE s.user_id = :user AND s.ended_at IS NULL)"
    " AND NOT EXISTS (SELECT FROM breaks b WHERE b.user_id = :user AND b.ended_at IS NULL)"
)


def left_meanwhile(user_id: int, actor: str) -> bool:
    """Whether they signed out, or went on a break, in the moment in which they were given a card: it goes back."""
    if db.session.scalar(AT_WORK, {"user": user_id}):
        return False
    tasks.leave_card(user_id, "left in the same moment", actor)
    return True
