"""Somebody wrote back: an agent reads it soon, and before everything else where it speaks of a symptom.

What they wrote stands on one card. It is not done before everything is read, so what comes while it is open is read
there too, if that is soon enough.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.messages.models import InboundMessage
from ops.messages.replies import Meaning
from ops.phrases import day_words
from ops.practices.models import Patient, Practice
from ops.queue.actions import ending, lanes, moves, tasks
from ops.queue.actions.promises import is_promise
from ops.queue.models import Task
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.states import OPEN, EventKind, TaskState
from ops.zones import day_in

READ_WITHIN = timedelta(minutes=15)
"""What somebody wrote holds everything back until it is read: it comes with the promises, by this deadline
(docs/rules.md A4)."""


def note(inbound: InboundMessage, patient: Patient) -> None:
    """What was going on with them stops, and unless they opted out an agent reads and answers."""
    stop = inbound.meaning == Meaning.STOP
    why = Ending(EndReason.OPTED_OUT if stop else EndReason.WROTE_BACK)
    ending.cancel_work_for(patient.id, "reply", why, promises=stop)
    if not patient.phone or stop:
        return
    by = inbound.received_at + READ_WITHIN
    if card := _card_of(patient, by):
        _read_by(card, by, urgent=bool(inbound.symptoms))
    else:
        _open_card(inbound, patient, by)


def _card_of(patient: Patient, by: datetime) -> Task | None:
    """The open card on which it can be read by then; locked, so that it is not being finished just now. A call that was
    agreed for later stays as it was agreed."""
    theirs = sa.and_(Task.patient_id == patient.id, Task.referral_id.is_(None), Task.kind == Kind.REPLY)
    opened = sa.select(Task).where(theirs, Task.state.in_(OPEN)).order_by(Task.id).with_for_update()
    cards = db.session.scalars(opened, execution_options={"populate_existing": True}).all()
    return next((card for card in cards if card.ready_at <= by or not is_promise(card)), None)


def _read_by(card: Task, by: datetime, *, urgent: bool) -> None:
    """They wrote again. A card that waits is due now, and anybody's where it is urgent."""
    waits, more = card.state is TaskState.WAITING, urgent and not card.urgent
    if not more and (not waits or card.ready_at <= by):
        return
    card.urgent = card.urgent or urgent
    if waits and card.ready_at > clock.now():
        card.ready_at, card.shut_reasons = clock.now(), None
    if waits:
        card.promised_at = min(card.promised_at or by, by)
    if waits and urgent:
        card.owner_id = card.owner_until = card.handed_at = None
    moves.move(card, EventKind.WROTE_AGAIN, "reply", urgent=card.urgent)
    if waits:
        lanes.offer(card)


def _open_card(inbound: InboundMessage, patient: Patient, by: datetime) -> None:
    zone = db.session.get_one(Practice, patient.practice_id).zone
    task = tasks.open_task(
        practice_id=patient.practice_id,
        patient_id=patient.id,
        kind=Kind.REPLY,
        reason=f"Wrote on {day_words(day_in(zone, inbound.received_at))}: “{inbound.body[:200]}”",
        actor="reply",
        promised_at=by,
        urgent=bool(inbound.symptoms),
    )
    task.owner_id = task.owner_until = None  # nobody promised it: it is anybody's at once
