"""The kinds of work, and the ways a step reaches somebody. Closed sets, each with its words. Pure."""

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


KIND_WORDS = {
    Kind.ASK: "Referral ask",
    Kind.FOLLOW_UP: "Follow-up call",
    Kind.REVIEW_REQUEST: "Review request",
    Kind.LOOP_CLOSING: "Closing the loop",
    Kind.FRIEND_FOLLOW_UP: "First call to a friend",
    Kind.REPLY: "Answer to a message",
    Kind.RECALL: "Time for the next visit",
    Kind.PARTNER_TOUCH: "Partner call",
}
