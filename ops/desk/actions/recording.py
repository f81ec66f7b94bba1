"""What came of a call: one transaction writes the attempt, the ask's answer, the next step and the minutes.

Saved under the fencing number of the claim. The same save twice finds the first one; a save by somebody who lost the
task is refused, and the page keeps what was typed. What an outcome does is its row in `ops/work/outcomes.py`.
"""

from ops import clock
from ops.accounts.reads import last_shown
from ops.db import db
from ops.desk.actions import checking, effects, undoing
from ops.desk.actions.saved import Saved
from ops.practices.models import Patient, Practice
from ops.queue.actions import shares, tasks
from ops.queue.models import Attempt, Task
from ops.queue.people import person_of, reached_by
from ops.rhythm.minutes import counted_minutes
from ops.scripts.queries import answer_titles
from ops.work.effects import Then

__all__ = ["Saved", "record_outcome"]


def record_outcome(task_id: int, agent_id: int, fence: int, actor: str, saved: Saved) -> Attempt:
    """Record what came of the call and do what follows; the same again is the first one. Raises LeaseLost, or Refused
    for what the outcome cannot have."""
    try:
        task = tasks.held(task_id, agent_id, fence)
    except tasks.LeaseLost:  # what is recorded is not held any more: was it this very press?
        if first := checking.already(task_id, agent_id, fence, saved):
            return first
        raise
    return _record(task, agent_id, actor, saved)


def _record(task: Task, agent_id: int, actor: str, saved: Saved) -> Attempt:
    chosen = checking.check(task, saved)
    practice = db.session.get_one(Practice, task.practice_id)
    patient = db.session.get_one(Patient, task.patient_id)
    person = person_of(task, patient)
    since = clock.now()
    shown = last_shown(agent_id, task.practice_id, task.patient_id, task.id, task.claimed_at or since)
    dialed = shown or person.phone_key
    who = reached_by(task, person, dialed)
    if chosen.suppresses:
        effects.wait_for_texts(who.keys)
    before = undoing.picture(task, who, since)
    attempt = _write_attempt(task, agent_id, saved)
    call = effects.Call(task, practice, patient, person, chosen, saved, actor, attempt, dialed, who)
    effects.count_call(call)
    if chosen.then is Then.PROMISE:
        checking.check_can_be_kept(task, practice, person, saved)
    for effect in effects.effects_of(call):
        effects.apply(effect, call)
    after = undoing.picture(task, who, since, own=True)
    attempt.undo = undoing.difference(before, after) | {"typed": saved.typed()}
    for effect in chosen.stays:
        effects.apply(effect, call)
    db.session.flush()
    # the ledger's row comes last: the upkeep holds tasks when it wants it
    shares.charge(task.practice_id, float(attempt.minutes) - float(task.estimate_minutes))
    return attempt


def _write_attempt(task: Task, agent_id: int, saved: Saved) -> Attempt:
    now = clock.now()
    started = task.claimed_at or now
    elapsed = (now - started).total_seconds()
    away = min(max(saved.away_seconds, 0), max(int(elapsed), 0))
    attempt = Attempt(
        practice_id=task.practice_id,
        patient_id=task.patient_id,
        task_id=task.id,
        fence=task.fence,
        agent_id=agent_id,
        channel="call",
        outcome=saved.outcome,
        note=saved.note.strip(),
        minutes=counted_minutes(elapsed, away),
        script_version_id=task.script_version_id,
        at=now,
        answers=answer_titles(task.script_version_id, saved.answers),
        opening_said=saved.opening_said,
        talk_seconds=_seconds(saved.talk_seconds, elapsed),
        wrap_seconds=_seconds(saved.wrap_seconds, elapsed),
        away_seconds=away,
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt


def _seconds(measured: int | None, elapsed: float) -> int | None:
    """A page cannot have measured more than has passed."""
    return None if measured is None else max(0, min(measured, int(elapsed)))
