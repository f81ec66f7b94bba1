"""What somebody answers when asked, and how far a friend has come. Closed sets. Pure."""

from enum import StrEnum


class Answer(StrEnum):
    WILLING = "willing"
    NOT_NOW = "not_now"
    NEVER = "never"
    NO_ANSWER = "no_answer"


class ReferralState(StrEnum):
    RECEIVED = "received"
    CONTACTED = "contacted"
    CONNECTED = "connected"
    BOOKED = "booked"
    NO_SHOW = "no_show"
    SHOWED = "showed"
    TREATED = "treated"
    LOST = "lost"


class Source(StrEnum):
    """Whose word a step of a referral is."""

    CALL = "call"
    """The friend's own, to an agent."""
    PRACTICE_SAID = "practice_said"
    """The practice's, written down by the agency."""
    MEMBER = "member"
    """The practice's, by one of its members."""
    FILE = "file"
    """An export of the practice."""


class OptIn(StrEnum):
    """How the friend themself agreed to be contacted. The referrer's word is not one of them (docs/rules.md decision
    6)."""

    ON_THE_CALL = "on_the_call"
    WROTE_US = "wrote_us"
    FORM = "form"
