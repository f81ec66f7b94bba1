"""The closed list of what can come of a call, and what each outcome decides. Pure; one table for page, queue and
tests."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from ops.work.answers import Answer, ReferralState
from ops.work.kinds import Kind


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


class Then(StrEnum):
    """What happens to the task's cadence."""

    END = "end"
    RETRY = "retry"
    LATER = "later"
    PROMISE = "promise"
    NEXT_STEP = "next_step"


@dataclass(frozen=True)
class Rule:
    """One outcome: its key and label, what it decides, and the sentence that says so before it is pressed."""

    outcome: Outcome
    key: str
    label: str
    then: Then
    says: str
    answer: Answer | None = None
    reached: bool = True
    suppress: tuple[tuple[str, str], ...] = field(default=())
    """(channel, reason code) to suppress for this practice."""
    referral: ReferralState | None = None
    sends_note: bool = False
    """Whether the note to forward goes out at once."""
    takes_friend: bool = False
    needs_note: bool = False
    """Whether the words of the person must be written down with it."""
    later: timedelta | None = None

    @property
    def needs_time(self) -> bool:
        """Whether the time of another call must be agreed with it."""
        return self.then is Then.PROMISE


_TRY_AGAIN = "Tried again at another time of day, until the tries are used up; then the next step."


CALLBACK = Rule(Outcome.CALLBACK, "c", "Call back at…", Then.PROMISE, "A promise: comes first when the time is there.")


NO_ANSWER = Rule(Outcome.NO_ANSWER, "n", "No answer", Then.RETRY, _TRY_AGAIN, answer=Answer.NO_ANSWER, reached=False)


VOICEMAIL = Rule(
    Outcome.VOICEMAIL, "v", "Voicemail left", Then.RETRY, _TRY_AGAIN, answer=Answer.NO_ANSWER, reached=False
)


BAD_NUMBER = Rule(
    Outcome.BAD_NUMBER,
    "b",
    "Number does not work",
    Then.NEXT_STEP,
    "The number is not used again for this practice; mail goes on.",
    reached=False,
    suppress=(("call", "REASSIGNED_SUSPECT"), ("sms", "REASSIGNED_SUSPECT")),
)


WRONG_PERSON = Rule(
    Outcome.WRONG_PERSON,
    "x",
    "Wrong person",
    Then.END,
    "The number is never used again for this practice.",
    reached=False,
    suppress=(("call", "WRONG_PERSON"), ("sms", "WRONG_PERSON")),
)


NOT_HAPPY = Rule(
    Outcome.NOT_HAPPY,
    "h",
    "Not happy, complaint",
    Then.END,
    "Stops the cadence; lead and practice read your note at once. Write what they said.",
    needs_note=True,
)


REMOVE_ME = Rule(
    Outcome.REMOVE_ME,
    "r",
    "Remove me",
    Then.END,
    "Nobody of this practice contacts them again, on any channel.",
    suppress=(("all", "DNC_INTERNAL"),),
)


COMMON = (CALLBACK, NO_ANSWER, VOICEMAIL, BAD_NUMBER, WRONG_PERSON, NOT_HAPPY, REMOVE_ME)


WILLING = Rule(
    Outcome.WILLING,
    "w",
    "Willing",
    Then.END,
    "Sends the note to forward; a friend you record is called today.",
    answer=Answer.WILLING,
    sends_note=True,
    takes_friend=True,
)


THINKING = Rule(
    Outcome.THINKING,
    "t",
    "Has to think",
    Then.LATER,
    "Sends the note and asks once more in 7 days.",
    answer=Answer.NOT_NOW,
    sends_note=True,
    later=timedelta(days=7),
)


NOT_NOW = Rule(
    Outcome.NOT_NOW, "o", "Not now", Then.END, "Ends; asked again after the next treatment.", answer=Answer.NOT_NOW
)


ALREADY_TOLD = Rule(
    Outcome.ALREADY_TOLD,
    "a",
    "Already told a friend",
    Then.END,
    "Thank them; a friend you record is called today.",
    answer=Answer.WILLING,
    takes_friend=True,
)


NEVER = Rule(Outcome.NEVER, "e", "Never ask", Then.END, "Ends; this patient is not asked again.", answer=Answer.NEVER)


_OWN: dict[Kind, tuple[Rule, ...]] = {
    Kind.ASK: (WILLING, THINKING, NOT_NOW, ALREADY_TOLD, NEVER),
    Kind.FOLLOW_UP: (Rule(Outcome.ALL_WELL, "w", "All is well", Then.END, "Ends; the ask comes at its own time."),),
    Kind.REVIEW_REQUEST: (
        Rule(Outcome.REVIEW_PROMISED, "w", "Will leave a review", Then.END, "Ends."),
        Rule(Outcome.NOT_NOW, "o", "Not now", Then.END, "Ends."),
    ),
    Kind.LOOP_CLOSING: (Rule(Outcome.TOLD, "w", "Thanked", Then.END, "The loop is closed."),),
    Kind.FRIEND_FOLLOW_UP: (
        Rule(
            Outcome.FRIEND_BOOKED,
            "w",
            "Books a visit",
            Then.END,
            "The practice confirms the visit.",
            referral=ReferralState.BOOKED,
        ),
        Rule(
            Outcome.FRIEND_CONNECTED,
            "t",
            "Talked, not booked yet",
            Then.LATER,
            "Called once more in 3 days.",
            referral=ReferralState.CONNECTED,
            later=timedelta(days=3),
        ),
        Rule(
            Outcome.FRIEND_DECLINED, "o", "Not interested", Then.END, "The referral ends.", referral=ReferralState.LOST
        ),
    ),
    Kind.REPLY: (Rule(Outcome.ANSWERED, "w", "Answered", Then.END, "Ends."),),
    Kind.RECALL: (
        Rule(Outcome.ANSWERED, "w", "Wants a visit", Then.END, "The practice confirms the visit."),
        Rule(Outcome.NOT_NOW, "o", "Not now", Then.END, "Ends."),
    ),
    Kind.PARTNER_TOUCH: (Rule(Outcome.ANSWERED, "w", "Talked", Then.END, "Ends."),),
}


def rules_for(kind: Kind) -> tuple[Rule, ...]:
    """The outcomes an agent can choose from for this kind of task, most frequent first; at most 12."""
    return (*_OWN[kind], *COMMON)


def rule(kind: Kind, outcome: Outcome) -> Rule:
    """The rule of one outcome. Raises KeyError when it is not one of this kind's."""
    return {each.outcome: each for each in rules_for(kind)}[outcome]


TALKS = frozenset(each.outcome for rules in (COMMON, *_OWN.values()) for each in rules if each.reached)
"""Outcomes of calls in which somebody was spoken to."""


OUTCOME_WORDS: dict[str, str] = {
    **{outcome: outcome.replace("_", " ").capitalize() for outcome in Outcome},
    Outcome.NOT_HAPPY: "Was not happy",
    Outcome.REMOVE_ME: "Asked to be removed",
    Outcome.BAD_NUMBER: "Number does not work",
    Outcome.VOICEMAIL: "Voicemail left",
    Outcome.CALLBACK: "Call back agreed",
}
