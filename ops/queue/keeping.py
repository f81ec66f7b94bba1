"""How long a task stays assigned to one agent before it is anybody's, at the longest: they keep it only while they are
present (`ops.queue.presence`). Whose it is stands on the task (`owner_id`, `owner_until`); that nobody else is offered
it, in offered.sql; that it is anybody's when they leave, in `actions/leaving.py`."""

from datetime import timedelta

PROMISED_BY = timedelta(minutes=10)
"""After the promised time, for the agent who promised the call."""
SPOKE_LAST = timedelta(minutes=20)
"""After it is due, for the agent who spoke to the patient last, and not longer ago than `REMEMBERED`."""
REMEMBERED = timedelta(days=60)
SAME_PERSON = timedelta(minutes=15)
"""From a call on, other work about the same person, for the agent who made the call."""
MADE_ROOM = timedelta(minutes=15)
"""The card that made room for an outcome that was taken back, for the agent it was taken from."""
ASSIGNED = timedelta(hours=8)
"""From the moment it may be worked, for the agent a lead gave it to."""
