"""Every fact of the gate is said by whoever asks, what is unknown blocks, and what was kept can be asked again."""

import ast
import inspect
import re
from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.contact import asked, asking, gate, kept
from ops.contact.facts import Facts, Reason
from ops.contact.gate import decide, months_after
from tests.facts import ORDINARY, ordinary

DOCS = Path(__file__).resolve().parents[2] / "docs" / "gate-facts.md"
NOON = datetime(2026, 12, 8, 17, tzinfo=UTC)  # a Tuesday, noon in New York
VISIT = date(2026, 11, 20)
PATIENT = {"state": "FL", "zip": "33101", "phone": "+13055550142", "last_visit_on": VISIT, "consent": None}
NAMES = [each.name for each in fields(Facts)]
UNKNOWN = {
    "channel": Reason.STORE_UNREADABLE,
    "attempts_24h": Reason.STORE_UNREADABLE,
    "attempts_limit": Reason.STORE_UNREADABLE,
    "suppressions": Reason.STORE_UNREADABLE,
    "unread_reply": Reason.UNREAD_REPLY,
    "deceased": Reason.STORE_UNREADABLE,
    "baa": Reason.NO_BAA,
    "practice": Reason.PRACTICE_PAUSED,
    "last_visit_on": Reason.SCRUB_OLDER_31D,
    "basis": Reason.BASIS_MISSING,
    "loop_level": Reason.LOOP_CONSENT_MISSING,
    "incentive": Reason.INCENTIVE_FORBIDDEN_STATE,
    "campaign_registered": Reason.CAMPAIGN_UNREGISTERED,
    "text_has_phi": Reason.TEXT_HAS_PHI,
    "text_approved": Reason.TEXT_NOT_APPROVED,
    "lock_held": Reason.LOCK_LOST,
}
"""What blocks when it is unknown, and as what."""
MAY_BE_ABSENT = {
    *("state", "zip", "phone", "stated_zone", "stated_state"),  # places: see the test of the unknown place
    *("birth_date", "scrubbed_on", "consent", "friend_opted_in", "loop_consent"),
}
"""Whose absence has a meaning, told in docs/gate-facts.md."""
TEXT_ONLY = {"campaign_registered", "text_has_phi", "text_approved"}


def patient(**over) -> Facts:
    return ordinary(**{**PATIENT, **over})


def reasons(at: datetime = NOON, **over) -> tuple[Reason, ...]:
    return decide(patient(**over), at).reasons


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_that_is_not_said_is_an_error_and_no_default(name):
    assert all(each.default is MISSING and each.default_factory is MISSING for each in fields(Facts))
    with pytest.raises(TypeError, match=name):
        Facts(**{each: value for each, value in ORDINARY.items() if each != name})


def test_the_product_says_every_fact_by_name():
    tree = ast.parse(inspect.getsource(asking.facts_from))
    (call,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Facts"]
    assert sorted(str(each.arg) for each in call.keywords) == sorted(NAMES)


def test_the_documents_name_the_source_of_every_fact_and_of_nothing_else():
    rows = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(NAMES)


def test_the_command_reads_every_fact():
    assert sorted(asked.READERS) == sorted(NAMES)


def test_each_fact_blocks_when_unknown_or_its_absence_has_a_meaning():
    assert sorted([*UNKNOWN, *MAY_BE_ABSENT]) == sorted(NAMES)


@pytest.mark.parametrize(("name", "reason"), UNKNOWN.items())
@pytest.mark.parametrize("channel", ["call", "sms", "email"])
def test_what_is_unknown_blocks_for_its_own_reason(name, reason, channel):
    assert reasons(channel=channel) == ()
    silent = (
        (name in TEXT_ONLY and channel == "call")
        or (name == "campaign_registered" and channel == "email")
        # the cap and the scrub are about numbers
        or (name in ("attempts_24h", "attempts_limit", "last_visit_on") and channel == "email")
    )
    found = reasons(**{"channel": channel, name: None})
    assert found == (() if silent else (reason,))


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 30), timezones=st.just(UTC))
values = {
    "channel": ["call", "sms", "email"],
    "attempts_24h": [0, 1, 2],
    "suppressions": [frozenset(), frozenset({"STOP_SMS"})],
    "unread_reply": [False, True],
    "deceased": [False, True],
    "baa": [True, False],
    "practice": ["active", "paused"],
    "scrubbed_on": [None, VISIT],
    "last_visit_on": [None, VISIT, date(2025, 1, 1)],
    "consent": [None, "written", "verbal", "none", "other_seller"],
    "basis": ["own_service", "blocked"],
    "friend_opted_in": [None, True, False],
    "loop_level": [0, 1],
    "loop_consent": [None, 0, 1],
    "incentive": [False, True],
    "campaign_registered": [True, False],
    "text_has_phi": [False, True],
    "text_approved": [True, False],
    "lock_held": [True, False],
}
contacts = st.builds(patient, **{name: st.sampled_from(each) for name, each in values.items()})


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(contacts, moments, st.sampled_from(sorted(UNKNOWN)))
def test_knowing_less_never_turns_a_block_into_an_allow(facts, at, name):
    assert decide(facts, at).allow or not decide(replace(facts, **{name: None}), at).allow


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(moments)
def test_of_whom_no_place_is_known_is_reached_only_when_a_patient_of_the_narrowest_place_is(at):
    nowhere = dict.fromkeys(("state", "zip", "phone", "stated_zone", "stated_state"))
    written = {"consent": "written"}
    if decide(patient(**nowhere, **written), at).allow:
        assert all(decide(patient(**{**nowhere, "state": state}, **written), at).allow for state in ("RI", "HI", "CA"))


def test_a_loop_closing_that_tells_more_needs_the_friends_consent_to_just_that():
    assert reasons(loop_level=1, loop_consent=None) == (Reason.LOOP_CONSENT_MISSING,)
    assert reasons(loop_level=2, loop_consent=1) == (Reason.LOOP_CONSENT_MISSING,)
    assert reasons(loop_level=2, loop_consent=2) == reasons(loop_level=0, loop_consent=None) == ()


def test_without_a_scrub_a_visit_holds_for_eighteen_months_to_the_day():
    for channel in ("call", "sms"):
        last, after = datetime(2026, 12, 8, 17, tzinfo=UTC), datetime(2026, 12, 9, 17, tzinfo=UTC)
        seen = {"channel": channel, "last_visit_on": date(2025, 6, 8)}
        assert reasons(last, **seen) == ()
        assert reasons(after, **seen) == (Reason.SCRUB_OLDER_31D,)
    assert reasons(after, channel="email", last_visit_on=date(2025, 6, 8)) == ()


def test_a_visit_that_is_still_to_come_is_no_relation_yet():
    assert reasons(last_visit_on=NOON.date() + timedelta(days=1)) == ()  # today elsewhere
    assert reasons(last_visit_on=NOON.date() + timedelta(days=2)) == (Reason.SCRUB_OLDER_31D,)


def test_instead_of_a_visit_there_may_be_a_fresh_scrub_an_agreement_in_writing_or_a_friends_own_word():
    strange = {"last_visit_on": None}
    assert reasons(**strange, scrubbed_on=NOON.date()) == ()
    assert reasons(**strange, consent="written") == ()
    assert reasons(**strange, friend_opted_in=True) == ()
    assert reasons(**strange, consent="verbal") == (Reason.SCRUB_OLDER_31D,)
    assert reasons(**strange, friend_opted_in=False) == (Reason.FRIEND_NOT_OPTED_IN,)


def test_a_visit_does_not_make_an_old_scrub_fresh():
    assert reasons(scrubbed_on=NOON.date() - timedelta(days=32)) == (Reason.SCRUB_OLDER_31D,)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 8, 31), 18, date(2027, 2, 28)),
        (date(2025, 6, 8), 18, date(2026, 12, 8)),
        (date(2025, 12, 31), 1, date(2026, 1, 31)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(day, months, later):
    assert months_after(day, months) == later


def test_the_list_of_usual_facts_names_each_but_the_number():
    assert sorted([*kept.USUAL, "phone"]) == sorted(NAMES)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(contacts, moments)
def test_what_is_kept_of_a_decision_is_all_it_rested_on(facts, at):
    decision = decide(facts, at)
    again = kept.facts_of(kept.kept_facts(facts, decision), at.date())
    assert replace(again, phone=facts.phone) == facts
    assert decide(again, at) == decision


OLD = [
    # as the first edition kept them: what differed from the defaults `Facts` had then
    ({"state": "FL", "zip": "33101", "area_code": "+1305", "places": []}, ()),
    ({"channel": "sms", "state": "FL", "area_code": "+1305", "birth_date": "1980-05-01", "places": []}, ()),
    ({"channel": "email", "state": "FL", "places": [], "friend_opted_in": True}, ()),
    ({"state": "FL", "friend_opted_in": False, "places": []}, (Reason.FRIEND_NOT_OPTED_IN,)),
    ({"state": "FL", "baa": False, "attempts_24h": 2, "places": []}, (Reason.CAP_24H, Reason.NO_BAA)),
    ({"state": "FL", "attempts_24h": 2, "attempts_limit": 3, "places": []}, ()),
    ({"state": "FL", "consent": "none", "places": []}, (Reason.NO_CONSENT_CHANNEL,)),
    ({"state": "FL", "practice": "paused", "suppressions": ["STOP_SMS"]}, (Reason.STOP_SMS, Reason.PRACTICE_PAUSED)),
    ({"state": "FL", "suppressions": None, "places": []}, (Reason.STORE_UNREADABLE,)),
]


@pytest.mark.parametrize(("record", "answer"), OLD)
def test_a_decision_from_before_every_fact_was_said_gives_the_answer_it_gave_then(record, answer):
    assert decide(kept.facts_of(record, NOON.date()), NOON).reasons == answer


@pytest.mark.parametrize("edition", [2, 3])
def test_a_decision_of_this_edition_is_read_as_it_was_kept(edition):
    record = {"edition": edition, "state": "FL", "last_visit_on": "2026-11-20", "area_code": "+1305", "places": []}
    assert decide(kept.facts_of(record, NOON.date()), NOON).reasons == ()
    del record["last_visit_on"]
    assert decide(kept.facts_of(record, NOON.date()), NOON).reasons == (Reason.SCRUB_OLDER_31D,)
    text = {**record, "last_visit_on": "2026-11-20", "channel": "sms"}
    assert gate.Reason.TEXT_NOT_APPROVED in decide(kept.facts_of(text, NOON.date()), NOON).reasons
