"""The table of outcomes: what each does, and that the sentence read before the press says so."""

import re
from collections.abc import Callable
from typing import assert_never

import pytest

from ops.work.answers import Answer, ReferralState
from ops.work.effects import Do, Effect, Later, MoveReferral, NoteAnswer, Suppress, Then
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, Rule, rules_for

TOLD: list[tuple[str, Callable[[Rule], bool]]] = [
    ("sends the note", lambda rule: Do.SEND_NOTE in rule.effects),
    ("a friend you record is called today", lambda rule: Do.TAKE_FRIEND in rule.effects),
    ("lead and practice read your note at once", lambda rule: Do.RAISE_CONCERN in rule.effects and rule.needs_note),
    (
        "on any channel",
        lambda rule: any(isinstance(each, Suppress) and "all" in each.channels for each in rule.effects),
    ),
    (
        "the number is n",
        lambda rule: any(isinstance(each, Suppress) and "call" in each.channels for each in rule.effects),
    ),
    ("a promise", lambda rule: Then.PROMISE in rule.effects),
    ("tried again today", lambda rule: Then.TODAY in rule.effects),
    ("tried again at another time of day", lambda rule: Then.RETRY in rule.effects),
    ("not asked again", lambda rule: NoteAnswer(Answer.NEVER) in rule.effects),
    ("the referral ends", lambda rule: MoveReferral(ReferralState.LOST) in rule.effects),
    ("goes on", lambda rule: Then.NEXT_STEP in rule.effects),
]
"""What the sentence before the press says, exactly if the row has the effect."""


@pytest.mark.parametrize("kind", list(Kind))
def test_the_sentence_before_the_press_says_what_the_effects_do(kind):
    for rule in rules_for(kind):
        for words, has in TOLD:
            assert (words in rule.says.lower()) is has(rule), (rule.outcome, words)
        assert (re.search(r"once more in (\d+) days", rule.says) or [None, None])[1] == (
            str(rule.then.after.days) if isinstance(rule.then, Later) else None
        )
        if re.match(r"Ends|Stops", rule.says):
            assert rule.then is Then.END


GOES = {"END": "ends", "RETRY": "again", "TODAY": "again today", "PROMISE": "at the time", "NEXT_STEP": "next step"}
DECIDED = {
    "callback": "at the time",
    "no_answer": "answer no_answer, again, lose friend",
    "voicemail": "answer no_answer, again, lose friend",
    "bad_number": "no call sms REASSIGNED_SUSPECT, next step, lose friend",
    "wrong_person": "no call sms WRONG_PERSON, ends, cancel other work, lose friend",
    "not_happy": "raise concern, ends, cancel other work, lose friend",
    "remove_me": "no all DNC_INTERNAL, ends, cancel other work, lose friend",
    "willing": "answer willing, take friend, send note, ends, end double asks",
    "thinking": "answer not_now, send note, in 7 days, end double asks",
    "already_told": "answer willing, take friend, ends, end double asks",
    "never": "answer never, ends, end double asks",
    "friend_booked": "referral booked, ends",
    "friend_connected": "referral connected, in 3 days",
    "friend_declined": "referral lost, ends",
}
"""What each outcome does, once more and in words: a row that loses an effect is seen here. All others only end."""

OF_REVIEWS = {
    "review_promised": "next step",
    "not_happy": "raise concern, next step, cancel other work, lose friend",
}
"""Pleased or not, the request goes on."""


def in_words(effect: Effect) -> str:
    match effect:
        case NoteAnswer(answer):
            return f"answer {answer}"
        case MoveReferral(state):
            return f"referral {state}"
        case Suppress(channels, code):
            return " ".join(("no", *channels, code))
        case Later(after):
            return f"in {after.days} days"
        case Do():
            return effect.name.lower().replace("_", " ")
        case Then():
            return GOES[effect.name]
        case _:
            assert_never(effect)


@pytest.mark.parametrize("kind", list(Kind))
def test_each_outcome_does_what_was_decided(kind):
    for rule in rules_for(kind):
        decided = DECIDED.get(rule.outcome, "ends")
        if rule.outcome == Outcome.NOT_NOW and kind is Kind.ASK:
            decided = "answer not_now, ends, end double asks"
        if kind is Kind.REVIEW_REQUEST:
            decided = OF_REVIEWS.get(rule.outcome, decided)
        if kind is Kind.REPLY:
            decided = decided.replace("again", "again today")
        assert ", ".join(map(in_words, rule.effects)) == decided, rule.outcome
