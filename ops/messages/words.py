"""The outbox's own words."""

from ops.messages.actions import STOP_CONFIRMATION
from ops.messages.models import MessageState
from ops.messages.queries import Shelf
from ops.messages.replies import Meaning

SHELF_WORDS = {
    Shelf.NEEDS: "Needs a person",
    Shelf.ANSWERED: "Answered",
    Shelf.WAITING: "Waiting",
    Shelf.SENT: "Sent",
    Shelf.NOT_SENT: "Not sent",
}
STATE_WORDS = {
    MessageState.QUEUED: "Waiting",
    MessageState.CLAIMED: "Being sent",
    MessageState.ATTEMPTING: "Being sent",
    MessageState.ACCEPTED: "Sent",
    MessageState.DELIVERED: "Delivered",
    MessageState.FAILED: "Failed",
    MessageState.UNKNOWN: "Unknown",
    MessageState.BLOCKED: "Blocked",
    MessageState.CANCELLED: "Cancelled",
}
STATE_TAGS = {
    MessageState.ACCEPTED: "tag-good",
    MessageState.DELIVERED: "tag-good",
    MessageState.FAILED: "tag-bad",
    MessageState.UNKNOWN: "tag-warn",
    MessageState.BLOCKED: "tag-bad",
}
KIND_WORDS = {
    "ask": "Note to forward",
    "follow_up": "Follow-up",
    "review_request": "Review request",
    "loop_closing": "Thank-you to the referrer",
    "friend_follow_up": "To a friend",
    "reply": "Answer",
    "recall": "Next visit",
    "partner_touch": "To a partner",
    STOP_CONFIRMATION: "Confirms a stop",
}
MEANING_WORDS = {
    Meaning.STOP: "Received: a stop. This practice will not contact them again.",
    Meaning.MAYBE_STOP: "Received: it may mean stop. Nobody contacts them until somebody has read it.",
    Meaning.OTHER: "Received. Nobody contacts them until somebody has read it.",
}
WHY_WRITTEN = {
    "run": "A step of a cadence",
    "note": "An outcome that promises the note to forward",
    "card": "Sent by an agent from the card",
    "loop": "A friend moved on: the referrer is told",
    "stop": "They asked us to stop",
}
"""By what stands before the colon of a message's reason key."""


def why_written(reason_key: str) -> str:
    """The one business reason of a message, in words."""
    return WHY_WRITTEN.get(reason_key.partition(":")[0], "Written by a person")
