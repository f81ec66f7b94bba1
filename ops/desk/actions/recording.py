"""What came of a call: one transaction writes the attempt, the ask's answer, the next step and the minutes.

Saved under the fencing number of the claim. The same save twice finds the first one; a save by somebody who lost the
task is refused, and the page keeps what was typed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops import clock
from ops.cadences import texts
from ops.cadences.actions import stepping
from ops.concerns import actions
from ops.contact.actions import hold_number, record_contact, suppress
from ops.contact.asking import NO_TEXT, Person, may_contact
from ops.contact.facts import Reason
from ops.contact.words import reasons_words
from ops.crypto import contact_key
from ops.db import db
from ops.desk.actions import undoing
from ops.desk.messages import note_key
from ops.errors import Refused
from ops.practices.models import Patient, Practice
from ops.queue import retries
from ops.queue.actions import shares, tasks
from ops.queue.actions.friends import receive_friend
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent
from ops.queue.people import person_of, referral_of
from ops.referrals.actions import Friend, move_referral, record_ask
from ops.referrals.models import Referral
from ops.referrals.states import may_follow
from ops.rhythm.minutes import counted_minutes
from ops.scripts.models import Medium, ScriptVersion
from ops.scripts.outline import Part, outline
from ops.work.answers import ReferralState
from ops.work.kinds import Kind
from ops.work.outcomes import COMMON, TALKS, Outcome, Rule, Then, rule
from ops.work.states import EventKind, RunState, TaskState

PROMISE_STANDS = timedelta(days=14)
"""How long a promised call is still tried, even when the days in which it made sense are over by then."""


HOURS = {Reason.HOURS_STATE, Reason.HOURS_UNKNOWN_PLACE, Reason.HOLIDAY}


OWNER_FIRST = timedelta(minutes=10)
"""How long a promised call waits for the agent who promised it."""


TOGETHER = timedelta(minutes=15)
"""How long other work about somebody an agent just spoke to is kept for that agent."""


@dataclass(frozen=True)
class Saved:
    """What the agent pressed and typed. `callback_at` aware; `mine`: the promise is the agent's own."""

    outcome: Outcome
    note: str = ""
    callback_at: datetime | None = None
    mine: bool = True
    friend: Friend | None = None
    answers: tuple[int, ...] = ()
    """The parts of the script that were opened because they said so, in that order."""
    opening_said: bool = False
    talk_seconds: int | None = None
    wrap_seconds: int | None = None
    away_seconds: int = 0


def record_outcome(task_id: int, agent_id: int, fence: int, actor: str, saved: Saved) -> Attempt:
    """Record what came of the call and do what follows; the same again is the first one. Raises LeaseLost, or Refused
    for what the outcome cannot have."""
    if first := _already(task_id, agent_id, fence, saved):
        return first
    try:
        task = tasks.held(task_id, agent_id, fence)
    except tasks.LeaseLost:  # the other half of a double press was saved while this one waited for it
        if first := _already(task_id, agent_id, fence, saved):
            return first
        raise
    chosen = _checked(task, saved)
    practice = db.session.get_one(Practice, task.practice_id)
    patient = db.session.get_one(Patient, task.patient_id)
    person = person_of(task, patient)
    if chosen.then is Then.PROMISE and saved.callback_at:
        _check_lawful(person, practice, saved.callback_at, task.id)
    if chosen.suppress:
        _wait_for_texts(person)
    keys = [key for key in (person.phone_key, person.email_key) if key]
    since = clock.now()
    before = undoing.picture(task, keys, since)
    attempt = _write_attempt(task, agent_id, saved)
    if saved.outcome is Outcome.NOT_HAPPY:
        actions.raise_concern(task, attempt, saved.note, actor)
    if person.phone_key and not _counted(task):
        record_contact(person.phone_key, practice.id, "call")
    _note_answer(task, practice, patient, chosen, saved, actor)
    _suppress(chosen, practice, person, actor)
    _then(task, practice, patient, chosen, saved, actor)
    attempt.undo = undoing.difference(before, undoing.picture(task, keys, since, own=True)) | {"typed": _typed(saved)}
    _keep_together(task, agent_id, chosen)
    db.session.flush()
    # the ledger's row comes last: a sweep holds tasks when it wants it
    shares.charge(task.practice_id, float(attempt.minutes) - float(task.estimate_minutes))
    return attempt


def _already(task_id: int, agent_id: int, fence: int, saved: Saved) -> Attempt | None:
    """What this claim was ended with before. Raises LeaseLost when that was something else."""
    first = db.session.scalars(
        sa.select(Attempt).where(Attempt.task_id == task_id, Attempt.fence == fence, Attempt.agent_id == agent_id)
    ).first()
    if first:
        _check_same(first, saved)
    return first


def _check_same(first: Attempt, saved: Saved) -> None:
    """A double press says the same again; another outcome from an older page must not vanish as if it were saved."""
    same = (first.outcome, first.note) == (saved.outcome, saved.note.strip())
    if same and saved.callback_at:
        agreed = TaskEvent.facts["ready_at"].astext == saved.callback_at.isoformat()
        same = _there(TaskEvent.task_id == first.task_id, TaskEvent.kind == EventKind.RETRY, agreed)
    if same and saved.friend:
        key = contact_key(saved.friend.phone or saved.friend.email or "")
        same = _there(Referral.referrer_id == first.patient_id, Referral.contact_key == key)
    if not same:
        said = first.outcome.replace("_", " ")
        raise tasks.LeaseLost(f"This call was saved already, as “{said}”. What you typed now was not saved.")


def _counted(task: Task) -> bool:
    """Whether this claim's call was counted already, for an outcome that was taken back."""
    again = TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.UNDONE, TaskEvent.at >= task.claimed_at
    return _there(*again)


def _typed(saved: Saved) -> dict[str, object]:
    """What the agent typed, to stand in the form again when it is taken back."""
    friend = saved.friend
    return {
        "note": saved.note,
        "callback_at": saved.callback_at.isoformat() if saved.callback_at else None,
        "mine": saved.mine,
        "friend_name": friend.name if friend else "",
        "friend_phone": (friend.phone or "") if friend else "",
        "friend_email": (friend.email or "") if friend else "",
        "friend_opt_in": str(friend.opt_in) if friend else "",
        "answers": list(saved.answers),
        "opening_said": saved.opening_said,
    }


def _there(*conditions: sa.ColumnElement[bool]) -> bool:
    return bool(db.session.scalar(sa.select(sa.exists().where(*conditions))))


def _checked(task: Task, saved: Saved) -> Rule:
    try:
        chosen = rule(task.kind, saved.outcome)
    except KeyError:
        raise Refused("This outcome does not belong to this kind of task.") from None
    if saved.friend and not chosen.takes_friend:
        raise Refused("A friend can only be recorded with an outcome that has one.")
    if chosen.needs_note and not saved.note.strip():
        raise Refused(f"{chosen.label}: please write down in the note what they said. The practice reads it at once.")
    if chosen.then is Then.PROMISE:
        if saved.callback_at is None:
            raise Refused("Please say when to call back.")
        if saved.callback_at <= clock.now():
            raise Refused("The time to call back is in the past.")
        if saved.callback_at > max(task.closes_at or clock.now(), clock.now()) + timedelta(days=30):
            raise Refused("That is too far away for this task; choose an earlier day.")
    return chosen


def _check_lawful(person: Person, practice: Practice, at: datetime, task_id: int) -> None:
    """A call that the law forbids then must not be promised: the agent is still on the phone and can agree on another
    time. Raises Refused with the hours of that day, or the next that has any."""
    then = may_contact(
        person,
        practice,
        "call",
        at,
        f"task:{task_id}",
        text=NO_TEXT,
        lock_held=True,  # `record_outcome` has locked the task
        store=False,
        but_task=task_id,
    )
    if not HOURS.intersection(then.reasons):
        return
    where = ZoneInfo(then.places[0].zone if then.places else practice.zone)
    opens = f" They may from {then.window[0].astimezone(where):%A, %-d %B, %-I:%M %p %Z} on." if then.window else ""
    raise Refused(f"They may not be called then: {reasons_words(then.reasons)}.{opens}")


def _write_attempt(task: Task, agent_id: int, saved: Saved) -> Attempt:
    now = clock.now()
    started = task.claimed_at or now
    elapsed = (now - started).total_seconds()
    away = min(max(saved.away_seconds, 0), max(int(elapsed), 0))
    minutes = counted_minutes(elapsed, away)
    attempt = Attempt(
        practice_id=task.practice_id,
        patient_id=task.patient_id,
        task_id=task.id,
        fence=task.fence,
        agent_id=agent_id,
        channel="call",
        outcome=saved.outcome,
        note=saved.note.strip(),
        minutes=minutes,
        script_version_id=task.script_version_id,
        at=now,
        answers=_answers(task, saved),
        opening_said=saved.opening_said,
        talk_seconds=_seconds(saved.talk_seconds, elapsed),
        wrap_seconds=_seconds(saved.wrap_seconds, elapsed),
        away_seconds=away,
    )
    db.session.add(attempt)
    db.session.flush()
    task.tries += 1
    return attempt


def _seconds(measured: int | None, elapsed: float) -> int | None:
    """A page cannot have measured more than has passed."""
    return None if measured is None else max(0, min(measured, int(elapsed)))


def _answers(task: Task, saved: Saved) -> list[str]:
    """The titles of the answers that were opened; what is none of this script's is left out."""
    version = (
        db.session.get(ScriptVersion, task.script_version_id) if task.script_version_id and saved.answers else None
    )
    if version is None:
        return []
    titles = {part.number: part.title for part in outline(version.body) if part.part is Part.ANSWER}
    return [titles[number] for number in dict.fromkeys(saved.answers) if number in titles]


def _note_answer(task: Task, practice: Practice, patient: Patient, chosen: Rule, saved: Saved, actor: str) -> None:
    ask = None
    if task.kind is Kind.ASK and task.run_id and chosen.answer:
        ask = record_ask(practice.id, patient.id, task.run_id, chosen.answer)
    if saved.friend:
        receive_friend(practice, patient, saved.friend, actor, ask, send_after=clock.now() + undoing.undo_for())
    referral = referral_of(task)
    if referral and chosen.referral and may_follow(referral.state, chosen.referral):
        move_referral(referral, chosen.referral, actor=actor)
    if (
        chosen.sends_note and not saved.friend
    ):  # whose friend we have gets the thank-you; two texts would be one too many
        _send_note(patient, note_key(task))


def _send_note(patient: Patient, reason_key: str) -> None:
    """The note to forward, by text or else by mail, when the outcome can no longer be taken back."""
    leaves = clock.now() + undoing.undo_for()
    for medium in (Medium.SMS, Medium.EMAIL):
        if texts.send_template(patient, Kind.ASK, medium, reason_key, send_after=leaves):
            return


def _wait_for_texts(person: Person) -> None:
    """A message that is being handed over to them at this moment goes first; none goes after what we record now."""
    for key in filter(None, (person.phone_key, person.email_key)):
        hold_number(key)


def _suppress(chosen: Rule, practice: Practice, person: object, actor: str) -> None:
    for channel, code in chosen.suppress:
        keys = {"email": ("email_key",), "all": ("phone_key", "email_key")}.get(channel, ("phone_key",))
        for key in filter(None, (getattr(person, name) for name in keys)):
            suppress(key, channel, code, f"said to an agent: {chosen.label}", actor, practice.id)


def _then(task: Task, practice: Practice, patient: Patient, chosen: Rule, saved: Saved, actor: str) -> None:
    run = db.session.get(CadenceRun, task.run_id, with_for_update=True) if task.run_id else None
    now = clock.now()
    # they wrote back, or said stop, while the call was in hands: it was the last one of its cadence
    over = run is not None and run.state is RunState.ENDED
    match chosen.then:
        case Then.PROMISE:
            assert saved.callback_at is not None
            _promise(task, run, saved.callback_at, mine=saved.mine)
            tasks.retry(task, saved.callback_at, actor, promised_at=saved.callback_at, outcome=saved.outcome)
        case Then.RETRY if task.tries < task.max_tries and not over:
            zone = patient.stated_zone or practice.zone
            tasks.retry(task, retries.next_try(now, zone, task.tries), actor, outcome=saved.outcome)
        case Then.LATER if chosen.later and task.tries <= task.max_tries and not over:
            _outlast(task, run, now + chosen.later)
            tasks.retry(task, now + chosen.later, actor, outcome=saved.outcome)
        case Then.RETRY | Then.NEXT_STEP:
            tasks.finish(task, actor, outcome=saved.outcome)
            if run:
                stepping.advance(run)
        case _:
            tasks.finish(task, actor, outcome=saved.outcome)
            if run:
                tasks.end_run(run, f"answered: {saved.outcome}")
    if any(channel == "all" for channel, _ in chosen.suppress) and task.referral_id is None:
        tasks.cancel_work_for(patient.id, actor, "asked not to be contacted", except_task=task.id)
    if chosen.outcome in (Outcome.NOT_HAPPY, Outcome.WRONG_PERSON) and task.referral_id is None:
        tasks.cancel_work_for(patient.id, actor, chosen.label, except_task=task.id)
    if task.state is TaskState.DONE and chosen in COMMON:
        _lose_friend(task, actor)


def _keep_together(task: Task, agent_id: int, chosen: Rule) -> None:
    """Other work of this practice about the same person comes to the same agent next, while they are in touch."""
    if chosen.outcome not in TALKS or chosen.suppress or task.person_key is None:
        return
    now = clock.now()
    db.session.flush()
    db.session.execute(
        sa.update(Task)
        .where(
            Task.person_key == task.person_key,
            Task.practice_id == task.practice_id,
            Task.id != task.id,
            Task.state == TaskState.WAITING,
            Task.offered,
            Task.handed_at.is_(None),  # a lead gave it to somebody
        )
        .values(owner_id=agent_id, owner_until=now + TOGETHER, handed_at=now)
        .execution_options(synchronize_session=False)
    )


def _lose_friend(task: Task, actor: str) -> None:
    """The last call to a friend was made and nothing came of it: the referral says so instead of waiting for ever."""
    referral = referral_of(task)
    if referral and may_follow(referral.state, ReferralState.LOST):
        move_referral(referral, ReferralState.LOST, actor=actor)


def _promise(task: Task, run: CadenceRun | None, at: datetime, *, mine: bool) -> None:
    task.owner_id = task.held_by if mine else None
    task.owner_until = at + OWNER_FIRST if mine else None
    _outlast(task, run, at)


def _outlast(task: Task, run: CadenceRun | None, at: datetime) -> None:
    """What was announced outlasts the days of its cadence: it must not be closed as stale before it was kept."""
    for days in (task, run):
        if days and days.closes_at:
            days.closes_at = max(days.closes_at, at + PROMISE_STANDS)
