"""All that happened with somebody, in one list, newest first: calls, messages both ways, work, milestones, friends,
concerns, what they agreed to and refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from ops.cadences.models import Cadence
from ops.db import db
from ops.messages.models import InboundMessage, Message
from ops.messages.words import KIND_WORDS as MESSAGE_WORDS
from ops.messages.words import STATE_WORDS
from ops.practices.models import Milestone, TreatmentType
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent
from ops.queue.wording import MILESTONE_WORDS
from ops.queue.words import reasons_words
from ops.record import contact, work
from ops.record.people import Human
from ops.referrals.models import Referral, ReferralEvent
from ops.work.kinds import KIND_WORDS
from ops.work.outcomes import OUTCOME_WORDS
from ops.work.states import MOVES, EventKind

EACH = 100
"""The newest of each sort that are read."""
SHOWN = 150
TOLD = (
    EventKind.OPENED,
    EventKind.SKIPPED,
    EventKind.SNOOZED,
    EventKind.CANCELLED,
    EventKind.UNDONE,
    EventKind.ASSIGNED,
    EventKind.RELEASED_BY_LEAD,
    EventKind.PROMISE_BROKEN,
)
"""What is told of a task beside its calls; the task's own story has all of it."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `day`: of what is known by the day only. `by` is an actor, `more` what was said."""

    at: datetime
    sort: str
    what: str
    more: str = ""
    by: str = ""
    day: date | None = None
    task_id: int | None = None
    message_id: UUID | None = None
    tag: str = ""
    order: int = field(default=0, compare=False)


def timeline(human: Human) -> list[Entry]:
    """The newest, newest first."""
    found = [entry for tell in TELLERS for entry in tell(human)]
    return sorted(found, key=lambda entry: (entry.at, entry.order), reverse=True)[:SHOWN]


def _newest(query: sa.Select, column: InstrumentedAttribute) -> list:
    return list(db.session.execute(query.order_by(column.desc()).limit(EACH)).all())


def _calls(human: Human) -> Iterator[Entry]:
    made = sa.select(Attempt, Task).join(Task, Task.id == Attempt.task_id)
    made = made.where(Attempt.practice_id == human.practice.id, Attempt.patient_id.in_(human.ids))
    for attempt, task in _newest(made, Attempt.at):
        to = "Call to the friend they sent" if task.referral_id else "Call"
        what = f"{to}, {KIND_WORDS[task.kind].lower()}: {OUTCOME_WORDS[attempt.outcome]}"
        yield Entry(attempt.at, "call", what, attempt.note, f"user:{attempt.agent_id}", task_id=task.id, order=2)


def _work(human: Human) -> Iterator[Entry]:
    told = sa.select(TaskEvent, Task).join(Task, Task.id == TaskEvent.task_id)
    told = told.where(Task.practice_id == human.practice.id, Task.patient_id.in_(human.ids), TaskEvent.kind.in_(TOLD))
    for event, task in _newest(told, TaskEvent.id):
        facts = event.facts or {}
        why = reasons_words(facts.get("reasons")) or str(facts.get("reason") or facts.get("why") or "")
        what = f"{KIND_WORDS[task.kind]}: {MOVES[event.kind].words[:1].lower()}{MOVES[event.kind].words[1:]}"
        yield Entry(event.at, "work", what, why, event.actor, task_id=task.id, order=1)


def _cadences(human: Human) -> Iterator[Entry]:
    runs = sa.select(CadenceRun, Cadence).join(Cadence, Cadence.id == CadenceRun.cadence_id)
    runs = runs.where(CadenceRun.practice_id == human.practice.id, CadenceRun.patient_id.in_(human.ids))
    for run, cadence in _newest(runs, CadenceRun.id):
        yield Entry(run.started_at, "work", f"Cadence “{cadence.name}” started")
        for each in run.left_out or ():
            what = f"Cadence “{cadence.name}”: step {each['step'] + 1} was left out"
            yield Entry(datetime.fromisoformat(each["at"]), "work", what, each["why"], order=2)
        if run.ended_at and run.ending:
            yield Entry(run.ended_at, "work", f"Cadence “{cadence.name}” ended", str(run.ending), order=3)


def _messages(human: Human) -> Iterator[Entry]:
    ours = sa.select(Message).where(Message.practice_id == human.practice.id, Message.patient_id.in_(human.ids))
    for (message,) in _newest(ours, Message.created_at):
        what = f"{'Text' if message.channel == 'sms' else 'Email'}, {MESSAGE_WORDS.get(message.kind, message.kind)}"
        why = f" ({reasons_words(message.block_reasons)})" if message.block_reasons else ""
        yield Entry(
            message.attempted_at or message.created_at,
            "message",
            f"{what}: {STATE_WORDS[message.state].lower()}{why}",
            message.subject or message.body,
            message_id=message.id,
        )
    theirs = sa.select(InboundMessage).where(
        InboundMessage.practice_id == human.practice.id,
        sa.or_(InboundMessage.patient_id.in_(human.ids), InboundMessage.contact_key.in_(human.keys)),
    )
    for (reply,) in _newest(theirs, InboundMessage.received_at):
        read = "it means stop" if reply.means_stop else reply.was_read_as.removeprefix(": ")
        state = read or ("nobody has read it" if reply.waits_to_be_read else "read")
        how = "by text" if reply.channel == "sms" else "by email"
        tag = "tag-warn" if reply.waits_to_be_read else ""
        what = f"They wrote {how}: {state}"
        yield Entry(reply.received_at, "reply", what, reply.body, message_id=reply.in_reply_to, tag=tag)


def _milestones(human: Human) -> Iterator[Entry]:
    known = sa.select(Milestone, TreatmentType.name).outerjoin(
        TreatmentType, TreatmentType.id == Milestone.treatment_type_id
    )
    known = known.where(Milestone.practice_id == human.practice.id, Milestone.patient_id.in_(human.ids))
    for milestone, treatment in _newest(known, Milestone.happened_on):
        what = MILESTONE_WORDS[milestone.kind] + (f": {treatment}" if treatment else "")
        more = "" if milestone.triggered_at else "nobody has looked yet what it starts"
        if milestone.is_withdrawn:
            more = f"withdrawn, it did not take place: {milestone.withdrawn_why}"
        at = datetime.combine(milestone.happened_on, time(), ZoneInfo(human.practice.zone))
        tag = "tag-warn" if milestone.is_withdrawn else "tag-good"
        yield Entry(at, "milestone", what, more, day=milestone.happened_on, tag=tag)


def _friends(human: Human) -> Iterator[Entry]:
    steps = sa.select(ReferralEvent, Referral).join(Referral, Referral.id == ReferralEvent.referral_id)
    steps = steps.where(Referral.practice_id == human.practice.id, Referral.referrer_id.in_(human.ids))
    for event, referral in _newest(steps, ReferralEvent.id):
        told = "the referrer was told" if event.told_at else ""
        yield Entry(event.at, "friend", f"Friend {referral.friend_name}: {event.words}", told, event.actor)
    for friend in work.came_from(human):
        yield Entry(friend.referral.received_at, "friend", f"Came to us as a friend of {friend.other}")


def _concerns(human: Human) -> Iterator[Entry]:
    for one in work.concerns(human):
        yield Entry(
            one.raised_at, "concern", "Was not happy", one.words, one.raised_by, task_id=one.task_id, tag="tag-bad"
        )
        if one.answered_at:
            yield Entry(one.answered_at, "concern", "The practice wrote back", one.answer or "", one.answered_by or "")
        if one.settled_at:
            yield Entry(one.settled_at, "concern", "Concern settled", one.done or "", one.settled_by or "")


def _permissions(human: Human) -> Iterator[Entry]:
    for said in contact.against(human):
        what = f"Not to be contacted over {said.over}: {said.reason}"
        more = f"{said.source}: “{said.words}”" if said.words else said.source
        yield Entry(said.at, "permission", what, more, said.by, tag="" if said.lifted else "tag-bad", order=3)
        if said.lifted_at:
            yield Entry(
                said.lifted_at, "permission", f"Stands no more: {said.over}", said.lifted, said.lifted_by, order=3
            )
    for consent in contact.consents(human):
        what = f"{'Agreed to' if consent.given else 'Took back'}: {consent.purpose}"
        yield Entry(consent.at, "permission", what, f"{consent.how}: “{consent.words}”", consent.actor, order=3)


def _in_files(human: Human) -> Iterator[Entry]:
    for said in contact.in_files(human):
        what = f"A file of the practice says yes to {said.over}"
        yield Entry(
            said.at, "permission", what, f"“{said.words}” under “{said.header}” in {said.file}", said.by, order=3
        )


TELLERS = (_calls, _work, _cadences, _messages, _milestones, _friends, _concerns, _permissions, _in_files)
SORTS: Mapping[str, str] = {
    "call": "Call",
    "message": "Message",
    "reply": "Reply",
    "work": "Work",
    "milestone": "Milestone",
    "friend": "Friend",
    "concern": "Concern",
    "permission": "Permission",
}
