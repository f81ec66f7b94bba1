"""The closed list of what can come of a call, and what each outcome does. Pure; one table for page, queue and
tests."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ops.work.answers import Answer, ReferralState
from ops.work.effects import Do, Effect, Later, MoveReferral, NoteAnswer, Suppress, Then
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
    DO_NOT_CONTACT = "remove_me"


@dataclass(frozen=True)
class Rule:
    """One outcome: its key and label, the sentence that says what follows before it is pressed, and what follows."""

    outcome: Outcome
    key: str
    label: str
    says: str
    effects: tuple[Effect, ...]
    """In this order."""
    otherwise: str = ""
    """What it says instead when the message that `says` speaks of cannot be sent."""
    reached: bool = True
    needs_note: bool = False
    """Whether the words of the person must be written down with it."""

    @property
    def then(self) -> Then | Later:
        """Where the task goes."""
        (move,) = (each for each in self.effects if isinstance(each, Then | Later))
        return move

    @property
    def answer(self) -> Answer | None:
        """What it notes as the answer to an ask; None: nothing."""
        return next((each.answer for each in self.effects if isinstance(each, NoteAnswer)), None)

    @property
    def takes_friend(self) -> bool:
        return Do.TAKE_FRIEND in self.effects

    @property
    def books(self) -> bool:
        """Whether a friend's visit is written down with it."""
        return MoveReferral(ReferralState.BOOKED) in self.effects

    @property
    def suppresses(self) -> bool:
        return any(isinstance(each, Suppress) for each in self.effects)

    @property
    def about_the_number(self) -> bool:
        """Whether it says something about the number that was called, and nothing about the person."""
        return any(isinstance(each, Suppress) and "all" not in each.channels for each in self.effects)

    @property
    def stays(self) -> tuple[Effect, ...]:
        """What follows and is not taken back with it: an agent who spoke to somebody they may speak to again keeps
        the rest of what there is about them."""
        return (Do.KEEP_TOGETHER,) if self.reached and not self.suppresses else ()

    @property
    def needs_time(self) -> bool:
        """Whether the time of another call must be agreed with it."""
        return self.then is Then.PROMISE


_TRY_AGAIN = "Tried again at another time of day, until the tries are used up; then the next step."
_NOT_REACHED = (NoteAnswer(Answer.NO_ANSWER), Then.RETRY, Do.LOSE_FRIEND)


CALLBACK = Rule(
    Outcome.CALLBACK,
    "c",
    "Callback…",
    "A promise: it comes first when it is due.",
    (Then.PROMISE,),
)


NO_ANSWER = Rule(Outcome.NO_ANSWER, "n", "No answer", _TRY_AGAIN, _NOT_REACHED, reached=False)


VOICEMAIL = Rule(Outcome.VOICEMAIL, "v", "Voicemail left", _TRY_AGAIN, _NOT_REACHED, reached=False)


BAD_NUMBER = Rule(
    Outcome.BAD_NUMBER,
    "b",
    "Number does not work",
    "The number is not used again for this practice; email goes on.",
    (Suppress(("call", "sms"), "REASSIGNED_SUSPECT"), Then.NEXT_STEP, Do.LOSE_FRIEND),
    otherwise="The number is not used again for this practice; no email can be sent to them either.",
    reached=False,
)


WRONG_PERSON = Rule(
    Outcome.WRONG_PERSON,
    "x",
    "Wrong person",
    "The number is never used again for this practice.",
    (Suppress(("call", "sms"), "WRONG_PERSON"), Then.END, Do.CANCEL_OTHER_WORK, Do.LOSE_FRIEND),
    reached=False,
)


NOT_HAPPY = Rule(
    Outcome.NOT_HAPPY,
    "h",
    "Not happy, complaint",
    "Ends the ask, not a review request; lead and practice read your note at once. Write what they said.",
    (Do.RAISE_CONCERN, Then.END, Do.CANCEL_OTHER_WORK, Do.LOSE_FRIEND),
    needs_note=True,
)


DO_NOT_CONTACT = Rule(
    Outcome.DO_NOT_CONTACT,
    "r",
    "Do not contact",
    "Nobody of this practice contacts them again, on any channel.",
    (Suppress(("all",), "DNC_INTERNAL"), Then.END, Do.CANCEL_OTHER_WORK, Do.LOSE_FRIEND),
)


NOT_HAPPY_ASKED_FOR_REVIEW = replace(
    NOT_HAPPY,
    says="The request goes on, as for everybody; lead and practice read your note at once. Write what they said.",
    effects=(Do.RAISE_CONCERN, Then.NEXT_STEP, Do.CANCEL_OTHER_WORK, Do.LOSE_FRIEND),
)
"""Whether somebody is asked for a review does not depend on what they said (docs/rules.md A10)."""


COMMON = (CALLBACK, NO_ANSWER, VOICEMAIL, BAD_NUMBER, WRONG_PERSON, NOT_HAPPY, DO_NOT_CONTACT)
_COMMON_OF_REVIEWS = tuple(NOT_HAPPY_ASKED_FOR_REVIEW if each is NOT_HAPPY else each for each in COMMON)


def _owed(rule: Rule) -> Rule:
    """The same for who wrote to us, and is owed a call."""
    if rule not in (NO_ANSWER, VOICEMAIL):
        return rule
    says = "They wrote and are owed a call: tried again today if their hours allow, before other work."
    return replace(rule, says=says, effects=tuple(Then.TODAY if each is Then.RETRY else each for each in rule.effects))


_COMMON_OF_REPLIES = tuple(map(_owed, COMMON))


WILLING = Rule(
    Outcome.WILLING,
    "w",
    "Willing",
    "Sends the note to forward; a friend you record is called today.",
    (NoteAnswer(Answer.WILLING), Do.TAKE_FRIEND, Do.SEND_NOTE, Then.END, Do.END_DOUBLE_ASKS),
    otherwise="No note can be sent; a friend you record is called today.",
)


THINKING = Rule(
    Outcome.THINKING,
    "t",
    "Has to think",
    "Sends the note and asks once more in 7 days.",
    (NoteAnswer(Answer.NOT_NOW), Do.SEND_NOTE, Later(timedelta(days=7)), Do.END_DOUBLE_ASKS),
    otherwise="No note can be sent; asks once more in 7 days.",
)


NOT_NOW = Rule(
    Outcome.NOT_NOW,
    "o",
    "Not now",
    "Ends; asked again after the next treatment.",
    (NoteAnswer(Answer.NOT_NOW), Then.END, Do.END_DOUBLE_ASKS),
)


ALREADY_TOLD = Rule(
    Outcome.ALREADY_TOLD,
    "a",
    "Already told a friend",
    "Thank them; a friend you record is called today.",
    (NoteAnswer(Answer.WILLING), Do.TAKE_FRIEND, Then.END, Do.END_DOUBLE_ASKS),
)


NEVER = Rule(
    Outcome.NEVER,
    "e",
    "Never ask",
    "Ends; this patient is not asked again.",
    (NoteAnswer(Answer.NEVER), Then.END, Do.END_DOUBLE_ASKS),
)


FRIEND_BOOKED = Rule(
    Outcome.FRIEND_BOOKED,
    "w",
    "Books a visit",
    "The practice confirms the visit. Write the day down if there is one, or the days that suit them.",
    (MoveReferral(ReferralState.BOOKED), Then.END),
)


FRIEND_CONNECTED = Rule(
    Outcome.FRIEND_CONNECTED,
    "t",
    "Talked, not booked yet",
    "Called once more in 3 days.",
    (MoveReferral(ReferralState.CONNECTED), Later(timedelta(days=3))),
)


FRIEND_DECLINED = Rule(
    Outcome.FRIEND_DECLINED,
    "o",
    "Not interested",
    "The referral ends.",
    (MoveReferral(ReferralState.LOST), Then.END),
)


def _ends(outcome: Outcome, key: str, label: str, says: str = "Ends.") -> Rule:
    return Rule(outcome, key, label, says, (Then.END,))


_OWN: dict[Kind, tuple[Rule, ...]] = {
    Kind.ASK: (WILLING, THINKING, NOT_NOW, ALREADY_TOLD, NEVER),
    Kind.FOLLOW_UP: (_ends(Outcome.ALL_WELL, "w", "All is well", "Ends; the ask comes at its own time."),),
    Kind.REVIEW_REQUEST: (
        Rule(
            Outcome.REVIEW_PROMISED,
            "w",
            "Will leave a review",
            "The request goes on, as for everybody: the next step brings the links.",
            (Then.NEXT_STEP,),
        ),
        _ends(Outcome.NOT_NOW, "o", "Not now"),
    ),
    Kind.LOOP_CLOSING: (_ends(Outcome.TOLD, "w", "Thanked", "The loop is closed."),),
    Kind.FRIEND_FOLLOW_UP: (FRIEND_BOOKED, FRIEND_CONNECTED, FRIEND_DECLINED),
    Kind.REPLY: (_ends(Outcome.ANSWERED, "w", "Answered"),),
    Kind.RECALL: (
        _ends(Outcome.ANSWERED, "w", "Wants a visit", "The practice confirms the visit."),
        _ends(Outcome.NOT_NOW, "o", "Not now"),
    ),
    Kind.PARTNER_TOUCH: (_ends(Outcome.ANSWERED, "w", "Talked"),),
}


def rules_for(kind: Kind) -> tuple[Rule, ...]:
    """The outcomes an agent can choose from for this kind of task, most frequent first; at most 12."""
    common = {Kind.REVIEW_REQUEST: _COMMON_OF_REVIEWS, Kind.REPLY: _COMMON_OF_REPLIES}.get(kind, COMMON)
    return (*_OWN[kind], *common)


def rule(kind: Kind, outcome: Outcome) -> Rule:
    """The rule of one outcome. Raises KeyError when it is not one of this kind's."""
    return {each.outcome: each for each in rules_for(kind)}[outcome]


TALKS = frozenset(each.outcome for rules in (COMMON, *_OWN.values()) for each in rules if each.reached)
"""Outcomes of calls in which somebody was spoken to."""


OUTCOME_WORDS: dict[str, str] = {
    **{outcome: outcome.replace("_", " ").capitalize() for outcome in Outcome},
    Outcome.NOT_HAPPY: "Was not happy",
    Outcome.DO_NOT_CONTACT: "Do not contact",
    Outcome.BAD_NUMBER: "Number does not work",
    Outcome.VOICEMAIL: "Voicemail left",
    Outcome.CALLBACK: "Callback",
}
