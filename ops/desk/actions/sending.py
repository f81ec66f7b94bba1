"""Sending from the card: an approved text or email to the person on the card, once."""

import sqlalchemy as sa

from ops.accounts.models import User
from ops.db import db
from ops.desk import sendable
from ops.errors import Refused
from ops.messages.actions import queue_message
from ops.messages.models import Message
from ops.practices.models import Patient, Practice
from ops.queue.actions import moves, tasks
from ops.scripts.models import Medium
from ops.work.states import EventKind


class OtherText(Refused):
    """The text that was read is not the one in force any more."""


def send_from_card(task_id: int, agent: User, fence: int, medium: Medium, version_id: int, actor: str) -> Message:
    """Queue the published template of this card's kind, as it was shown; the same again is the first one.

    Raises LeaseLost; Refused when the gate says no now, the text cannot be written or there is none; OtherText when
    another version is in force than the one that was read.
    """
    task = tasks.held(task_id, agent.id, fence)
    key = sendable.reason_key(task, version_id)
    if first := db.session.scalars(sa.select(Message).where(Message.reason_key == key)).first():
        return first
    way = sendable.way(task, agent, medium)
    if way.written is None:
        raise Refused(way.problem)
    if way.written.version_id != version_id:
        raise OtherText("A newer text is in force since you opened this. Please read it, then send it.")
    if way.why_not:
        what = "texted" if medium is Medium.SMS else "sent an email"
        raise Refused(f"They may not be {what} now: {way.why_not}.")
    message = queue_message(
        db.session.get_one(Practice, task.practice_id),
        None if task.referral_id else db.session.get_one(Patient, task.patient_id),
        channel=medium.value,
        kind=str(task.kind),
        reason_key=key,
        to_address=way.written.address,
        subject=way.written.subject,
        body=way.written.body,
        script_version_id=version_id,
        filled_with=way.written.filled_with,
    )
    facts = {"medium": medium.value, "template": way.written.name, "reason_key": key, "version_id": version_id}
    moves.move(task, EventKind.SENT, actor, **facts)
    db.session.flush()
    return message
