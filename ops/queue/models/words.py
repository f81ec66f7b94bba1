"""The closed sets of the queue: kinds of work, states, events, outcomes."""

from enum import StrEnum


class Kind(StrEnum):
    ASK = "ask"
    FOLLOW_UP = "follow_up"
    REVIEW_REQUEST = "review_request"
    LOOP_CLOSING = "loop_closing"
    FRIEND_FOLLOW_UP = "friend_follow_up"
    REPLY = "reply"
    RECALL = "recall"
    PARTNER_TOUCH = "partner_touch"


class StepMode(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


class RunState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


class TaskState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    OPENED = "opened"
    CLAIMED = "claimed"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    RETRY = "retry"
    RETURNED = "returned"
    LEASE_EXPIRED = "lease_expired"
    SHUT = "shut"
    DONE = "done"
    UNDONE = "undone"
    CANCELLED = "cancelled"
    PULLED_BACK = "pulled_back"
    HANDED = "handed"
    SENT = "sent"
    """A text or mail was sent from the card."""


class Outcome(StrEnum):
    WILLING = "willing"
    THINKING = "thinking"
    NOT_NOW = "not_now"
    ALREADY_TOLD = "already_told"
    NEVER = "never"
    ALL_WELL = "all_well"
    TOLD = "told"
    FRIEND_BOOKED = "friend_booked"
    FRIEND_CONNECTED = "friend_connected"
    FRIEND_DECLINED = "friend_declined"
    ANSWERED = "answered"
    REVIEW_PROMISED = "review_promised"
    CALLBACK = "callback"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    BAD_NUMBER = "bad_number"
    WRONG_PERSON = "wrong_person"
    NOT_HAPPY = "not_happy"
    REMOVE_ME = "remove_me"
