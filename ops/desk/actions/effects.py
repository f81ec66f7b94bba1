"""The one place that does what the rows of `ops/work/outcomes.py` say, one short function for each effect."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

import sqlalchemy as sa

from ops import clock
from ops.cadences import texts
from ops.cadences.actions import stepping
from ops.concerns.actions import raise_concern
from ops.contact.actions import hold_number, record_contact, suppress
from ops.contact.asking import Person
from ops.db import db
from ops.desk import notes
from ops.desk.actions import undoing
from ops.desk.actions.saved import Saved
from ops.desk.sendable import note_key
from ops.practices.models import Patient, Practice
from ops.queue import keeping, retries
from ops.queue.actions import ending, moves, tasks
from ops.queue.actions.friends import receive_friend
from ops.queue.models import Attempt, CadenceRun, Lane, Task
from ops.queue.people import Reached, referral_of
from ops.referrals.actions import NOTHING, Told, add_email, move_referral, record_ask
from ops.referrals.models import Ask
from ops.referrals.states import may_follow
from ops.work.answers import Answer, ReferralState
from ops.work.effects import Do, Effect, Later, MoveReferral, NoteAnswer, Suppress, Then
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import OUTCOME_WORDS, Rule
from ops.work.states import RunState, TaskState

PROMISE_STANDS = timedelta(days=14)
"""How long a promised call is still tried, even when the days in which it made sense are over by then."""


@dataclass
class Call:
    """A call that was made, and what was saved of it. `person` is whom it reached: the patient or the friend."""

    task: Task
    practice: Practice
    patient: Patient
    person: Person
    rule: Rule
    saved: Saved
    actor: str
    attempt: Attempt
    dialed: bytes | None
    """The contact key of the number that was called: the one that was shown, which may have been corrected since."""
    reached: Reached
    ask: Ask | None = None
    """The ask it answered, once that is noted."""
    told: dict[str, str] = field(default_factory=dict)
    """What else the task's story tells with the outcome."""


def effects_of(call: Call) -> tuple[Effect, ...]:
    """What the outcome does. That a number is wrong says nothing about the one by which it was replaced meanwhile: the
    person is called there."""
    if call.rule.about_the_number and call.dialed != call.person.phone_key:
        return (*(each for each in call.rule.effects if isinstance(each, Suppress)), Then.RETRY)
    return call.rule.effects


def apply(effect: Effect, call: Call) -> None:
    """Do this one thing. Flushes what it changed when the next one has to see it."""
    match effect:
        case NoteAnswer(answer):
            _note_answer(call, answer)
        case MoveReferral(becomes):
            _step(call, becomes)
        case Suppress():
            _suppress(call, effect)
        case Do():
            _do(effect, call)
        case Then() | Later():
            _move(effect, call)
        case _:
            assert_never(effect)


def _do(effect: Do, call: Call) -> None:
    match effect:
        case Do.RAISE_CONCERN:
            raise_concern(call.task, call.attempt, call.saved.note, call.actor)
        case Do.TAKE_FRIEND:
            _take_friend(call)
        case Do.SEND_NOTE:
            _send_note(call)
        case Do.CANCEL_OTHER_WORK:
            _cancel_other_work(call)
        case Do.END_DOUBLE_ASKS:
            _end_double_asks(call)
        case Do.LOSE_FRIEND:
            _lose_friend(call)
        case Do.KEEP_TOGETHER:
            _keep_together(call)
        case _:
            assert_never(effect)


def _note_answer(call: Call, answer: Answer) -> None:
    task = call.task
    if task.kind is Kind.ASK and task.run_id:
        call.ask = record_ask(task.practice_id, task.patient_id, task.run_id, answer)


def _take_friend(call: Call) -> None:
    if call.saved.friend:
        receive_friend(
            call.practice, call.patient, call.saved.friend, call.actor, call.ask, send_after=_not_to_be_taken_back()
        )


def _send_note(call: Call) -> None:
    """The note to forward, by the way that is open, as the card said. Whose friend we have gets the thank-you; two
    texts would be one too many."""
    if call.saved.friend:
        return
    leaves = _not_to_be_taken_back()
    note = notes.planned(call.practice, call.patient, leaves, call.task.id)
    if note.medium:
        texts.send_template(
            call.patient, Kind.ASK, note.medium, note_key(call.task), send_after=max(leaves, note.at or leaves)
        )
    if note.why:
        call.told["note"] = f"by {note.by}" if note.medium else "not sent"
        call.told["note_why"] = note.why


def _not_to_be_taken_back() -> datetime:
    """From when on what the outcome sends may leave."""
    return clock.now() + undoing.undo_for()


def _step(call: Call, becomes: ReferralState) -> None:
    referral = referral_of(call.task)
    if not referral:
        return
    if call.saved.own_email:
        add_email(referral, call.saved.own_email, call.actor)
    if may_follow(referral.state, becomes):
        move_referral(referral, becomes, actor=call.actor, told=_said_of(becomes, call))


def _said_of(becomes: ReferralState, call: Call) -> Told:
    match becomes:
        case ReferralState.BOOKED:
            return call.saved.visit
        case ReferralState.LOST:
            return Told(why=OUTCOME_WORDS[call.saved.outcome])
    return NOTHING


def _lose_friend(call: Call) -> None:
    """The last call to a friend was made and nothing came of it: the referral says so instead of waiting for ever."""
    if call.task.state is TaskState.DONE:
        _step(call, ReferralState.LOST)


def _suppress(call: Call, effect: Suppress) -> None:
    source = f"said to an agent: {call.rule.label}"
    occasion = f"task:{call.task.id}:{call.task.fence}"
    for channel in effect.channels:
        for key in call.reached.keys if channel == "all" else filter(None, [call.dialed]):
            suppress(key, channel, effect.code, source, call.actor, call.practice.id, occasion=occasion)


def _move(effect: Then | Later, call: Call) -> None:
    """Where the task goes, and its cadence with it; the event carries the outcome."""
    task, run = call.task, _run_of(call.task)
    task.tries += 1  # here and not before: the row is written once
    # they wrote back, or said stop, while the call was in progress: it was the last one of its cadence
    over = run is not None and run.state is RunState.ENDED
    match _last(effect, task, over=over):
        case Then.PROMISE:
            _promise(call, run)
        case Then.RETRY:
            _again(call, _next_try(call))
        case Then.TODAY:
            _today(call)
        case Later(after):
            _outlast(task, run, clock.now() + after)
            _again(call, clock.now() + after)
        case Then.NEXT_STEP:
            tasks.finish(task, call.actor, outcome=call.saved.outcome, **call.told)
            if run:
                stepping.advance(run)
        case Then.END:
            tasks.finish(task, call.actor, outcome=call.saved.outcome, **call.told)
            if run:
                moves.end_run(run, Ending(EndReason.ANSWERED, call.saved.outcome))
        case never:
            assert_never(never)


def _run_of(task: Task) -> CadenceRun | None:
    return db.session.get(CadenceRun, task.run_id, with_for_update=True) if task.run_id else None


def _last(effect: Then | Later, task: Task, *, over: bool) -> Then | Later:
    """What becomes of it when this was the last try."""
    if effect in (Then.RETRY, Then.TODAY) and (over or task.tries >= task.max_tries):
        return Then.NEXT_STEP
    if isinstance(effect, Later) and (over or task.tries > task.max_tries):
        return Then.END
    return effect


def _next_try(call: Call) -> datetime:
    return retries.next_try(clock.now(), call.patient.stated_zone or call.practice.zone, call.task.tries)


def _today(call: Call) -> None:
    """Who wrote to us is owed a call: whoever is there makes it, before the work nobody waits for."""
    task = call.task
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    at = retries.later_today(clock.now(), lane.closes_at if lane else None, task.tries) or _next_try(call)
    task.owner_id = task.owner_until = None
    _again(call, at, promised_at=at)


def _again(call: Call, at: datetime, promised_at: datetime | None = None) -> None:
    tasks.retry(call.task, at, call.actor, promised_at=promised_at, outcome=call.saved.outcome, **call.told)


def _promise(call: Call, run: CadenceRun | None) -> None:
    at, task = call.saved.callback_at, call.task
    assert at is not None, "checked before"
    task.owner_id = task.held_by if call.saved.mine else None
    task.owner_until = at + keeping.PROMISED_BY if call.saved.mine else None
    _outlast(task, run, at)
    _again(call, at, promised_at=at)


def _outlast(task: Task, run: CadenceRun | None, at: datetime) -> None:
    """What was announced outlasts the days of its cadence: it must not be closed as stale before it was kept."""
    for days in (task, run):
        if days and days.closes_at:
            days.closes_at = max(days.closes_at, at + PROMISE_STANDS)


def _cancel_other_work(call: Call) -> None:
    why = Ending(EndReason.OTHER_CALL, call.saved.outcome)
    for patient_id in call.reached.records:  # of nobody when it was the friend who said so
        ending.cancel_work_for(patient_id, call.actor, why, except_task=call.task.id)


def _end_double_asks(call: Call) -> None:
    why = Ending(EndReason.OTHER_CALL, call.saved.outcome)
    for patient_id in set(call.reached.records) - {call.patient.id}:
        ending.cancel_work_for(patient_id, call.actor, why, kind=Kind.ASK)


def _keep_together(call: Call) -> None:
    """Other work of this practice about the same person comes to the same agent next, while they are in touch."""
    if call.task.person_key is None:
        return
    now = clock.now()
    db.session.flush()
    db.session.execute(
        sa.update(Task)
        .where(
            Task.person_key == call.task.person_key,
            Task.practice_id == call.task.practice_id,
            Task.id != call.task.id,
            Task.state == TaskState.WAITING,
            Task.offered,
            Task.handed_at.is_(None),  # a lead gave it to somebody
        )
        .values(owner_id=call.attempt.agent_id, owner_until=now + keeping.SAME_PERSON, handed_at=now)
        .execution_options(synchronize_session=False)
    )


def wait_for_texts(keys: Iterable[bytes]) -> None:
    """A message that is being sent to them at this moment goes first; none goes after what we record now."""
    for key in sorted(keys):
        hold_number(key)


def count_call(call: Call) -> None:
    """Every call counts toward the cap of its number, as long as its outcome is not taken back."""
    if call.dialed:
        record_contact(call.dialed, call.practice.id, "call", attempt_id=call.attempt.id)
