"""Why a task waits or is not offered, beside the contact gate: codes and their words. Pure."""

from enum import StrEnum


class Waits(StrEnum):
    """A reason of the queue's own. `words` say it; `until` says what ends it where that has no time."""

    words: str
    until: str

    def __new__(cls, code: str, words: str, until: str = "") -> "Waits":
        member = str.__new__(cls, code)
        member._value_, member.words, member.until = code, words, until
        return member

    # nothing of it is offered to anybody
    PRACTICE_NOT_ACTIVE = (
        "practice_not_active",
        "the practice is paused, has ended or is not live yet",
        "when the practice is live",
    )
    KIND_PAUSED = "kind_paused", "this kind of work is paused", "when a lead resumes it"
    NOBODY_MAY = (
        "nobody_may",
        "nobody is certified for the practice, the kind of work and the language",
        "when somebody is certified",
    )
    # it is not due yet
    PROMISED = "promised", "promised for a later time"
    NEXT_TRY = "next_try", "no answer so far, waiting for the next try"
    SNOOZED = "snoozed", "snoozed by an agent"
    NOT_DUE = "not_due", "not due yet"
    # what the claim found when it came up, and why it waits again
    PERSON_LIMIT = "person_limit", "called often enough this month"
    NO_NUMBER = "no_number", "has no phone number any more"
    LATE = "late", "nobody has taken it in time", "as soon as somebody takes it"
    """Of a promise alone (`ops/queue/actions/promises.py`)."""
    # it is due, and may not be called just now
    NO_LANE = (
        "no_lane",
        "the hours in which they may be called are not known yet",
        "within a minute, unless a table of the law is missing",
    )
    NO_WINDOW = "no_window", "no hours in which they may be called within two weeks", "not in sight"
    WINDOW_SHUT = "window_shut", "outside the hours in which they may be called", "within a minute"
    UNREAD_REPLY = (
        "UNREAD_REPLY",
        "wrote something that nobody has read yet, or a file says of them what nobody understood",
        "as soon as somebody has read it, or corrected the row",
    )
    """The gate's own reason, by which the search passes them over too."""
    ON_ANOTHER_CALL = "on_another_call", "an agent is speaking to the same person just now", "after that call"
    # not for this agent
    KEPT = "kept", "assigned to a colleague for now", "within minutes"


REASON_WORDS: dict[str, str] = {each: each.words for each in Waits}
UNTIL_KNOWN: dict[str, str] = {each: each.until for each in Waits if each.until}
"""What ends a wait whose end has no time."""
