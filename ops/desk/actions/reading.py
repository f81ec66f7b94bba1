"""Reading what they wrote, on the card: until somebody has, and said what it means, nobody contacts them."""

from collections.abc import Collection

import sqlalchemy as sa

from ops.db import db
from ops.errors import Refused
from ops.messages.actions import decide_reply
from ops.messages.models import InboundMessage
from ops.practices.models import Patient
from ops.queue.actions import ending, tasks
from ops.queue.models import Task
from ops.queue.people import person_of
from ops.work.endings import Ending, EndReason

UNREAD = sa.text(
    "SELECT DISTINCT reply_id FROM unread_keys"
    " WHERE practice_id = :practice AND key IN (:phone, :email) AND reply_id IS NOT NULL"
).bindparams(sa.bindparam("phone", type_=sa.LargeBinary), sa.bindparam("email", type_=sa.LargeBinary))


def unread_on(task: Task) -> set[int]:
    """The replies to this practice by whom the task is about that nobody has read."""
    person = person_of(task, db.session.get_one(Patient, task.patient_id))
    asked = {"practice": task.practice_id, "phone": person.phone_key, "email": person.email_key}
    return set(db.session.scalars(UNREAD, asked))


def read_replies(task_id: int, agent_id: int, fence: int, actor: str, shown: Collection[int], *, is_stop: bool) -> None:
    """The agent has read these replies on their card and says whether they mean stop: if so, they are not
    contacted again and the task is over.

    What arrived since the card was shown stays unread. Raises LeaseLost; Refused when nothing of it is unread any more.
    """
    theirs = sa.select(InboundMessage).where(InboundMessage.id.in_(shown)).order_by(InboundMessage.id)
    replies = db.session.scalars(theirs.with_for_update(), execution_options={"populate_existing": True}).all()
    task = tasks.held(task_id, agent_id, fence)
    unread = unread_on(task)
    read = [reply for reply in replies if reply.id in unread]
    if not read:
        raise Refused("Somebody has already read this. The card shows how it stands.")
    for reply in read:
        decide_reply(reply, is_stop, actor=actor)
    if is_stop:
        why = Ending(EndReason.OPTED_OUT)
        tasks.cancel(task, actor, str(why))
        if task.referral_id is None:  # else it was the friend who wrote
            ending.cancel_work_for(task.patient_id, actor, why)
