"""Why a task waits or is not offered, beside the contact gate: codes and their words. Pure."""

PRACTICE_NOT_ACTIVE = "practice_not_active"
KIND_PAUSED = "kind_paused"
NOBODY_MAY = "nobody_may"
WINDOW_SHUT = "window_shut"
NO_WINDOW = "no_window"
NO_LANE = "no_lane"
KEPT = "kept"
REASON_WORDS: dict[str, str] = {
    "practice_not_active": "the practice is paused or has ended",
    "promised": "promised for a later moment",
    "next_try": "no answer so far, waiting for the next try",
    "put_off": "put off by an agent",
    "not_due": "not due yet",
    "in_other_hands": "an agent is speaking to the same person just now",
    "unread_reply": "wrote something that may mean stop, which a lead has to read first",
    "person_limit": "called often enough this month",
    "no_number": "has no telephone number any more",
    "window_shut": "outside the hours in which they may be called",
    "no_window": "no hours in which they may be called within two weeks",
    "no_lane": "the hours in which they may be called are not known yet",
    "kind_paused": "a lead has this kind of work rest",
    "nobody_may": "nobody is certified for the practice, the kind of work and the language",
    "kept": "kept for a colleague for now",
}


UNTIL_KNOWN = {
    "practice_not_active": "when the practice is active again",
    "kind_paused": "when a lead resumes it",
    "nobody_may": "when somebody is certified",
    "in_other_hands": "after that call",
    "no_window": "not in sight",
    "no_lane": "within a minute, unless a table of the law is missing",
    "window_shut": "within a minute",
    "kept": "within minutes",
}
"""What ends a wait whose end has no time."""


UNREAD_REPLY = "unread_reply"
PERSON_LIMIT = "person_limit"
NO_NUMBER = "no_number"
"""Whom it calls has no number any more."""


IN_OTHER_HANDS = "in_other_hands"
"""Somebody is speaking to them just now. Kept on tasks of old; by now such tasks are simply not offered."""
