"""What only the queue knows about calling somebody now, beside the contact gate.

Who wrote something that may mean stop is not called until a person has read it (RULES A4); and nobody is called more
than so often in a month, whatever the cadences would still have in store.
"""

from datetime import timedelta

from ops.contact.asking import Person
from ops.messages.permission import may_have_stopped
from ops.queue.models import Task

LOOK_AGAIN = timedelta(minutes=10)
TOMORROW = timedelta(hours=24)
UNREAD_REPLY = "unread_reply"
PERSON_LIMIT = "person_limit"
NO_NUMBER = "no_number"
"""Whom it calls has no number any more."""
IN_OTHER_HANDS = "in_other_hands"
"""Somebody is speaking to them just now. Kept on tasks of old; by now such tasks are simply not offered."""


def has_unread_reply(task: Task, person: Person) -> bool:
    """Whether whom this task calls wrote something that may mean stop, and nobody has read it yet."""
    patient_id = task.patient_id if task.referral_id is None else None
    keys = [key for key in (person.phone_key, person.email_key) if key]
    return may_have_stopped(task.practice_id, keys, patient_id)
