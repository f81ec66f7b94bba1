"""The gate under generated people, places and moments of a whole year (docs/rules.md A14 a, b, c, e)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.contact import rules
from ops.contact.gate import Facts, Reason, decide
from ops.contact.places import places_of
from ops.contact.windows import is_open, open_window
from tests.facts import ordinary

ZIPS = {"FL": "33101", "TN": "37902", "TX": "79901", "AZ": "86515", "ID": "83814", "AL": "35203", "RI": "02903"}
STATES = [
    "AK",
    "AL",
    "AZ",
    "CA",
    "CT",
    "FL",
    "HI",
    "ID",
    "IN",
    "KY",
    "LA",
    "ME",
    "NV",
    "OR",
    "PA",
    "RI",
    "SD",
    "TX",
    "UT",
]
NUMBERS = [f"+1{code}5550142" for code in (305, 850, 448, 208, 928, 907, 808, 212, 401, 215, 801, 800, 671, 416)]
ZONES = ["America/New_York", "America/Denver", "Pacific/Honolulu", "Europe/London"]
CODES = [reason.value for reason in Reason] + ["something else"]
SECOND = timedelta(seconds=1)

moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31, 23, 59), timezones=st.just(UTC)) | st.sampled_from(
    # around both clock changes and on the full hours, where rules turn
    [datetime(2026, month, day, hour, tzinfo=UTC) for month, day in ((3, 8), (11, 1), (7, 4)) for hour in range(24)]
)
people = st.builds(
    ordinary,
    channel=st.sampled_from(["call", "sms", "email"]),
    state=st.none() | st.sampled_from(STATES),
    zip=st.none() | st.sampled_from(sorted(ZIPS.values())),
    phone=st.none() | st.sampled_from(NUMBERS),
    stated_zone=st.none() | st.sampled_from(ZONES),
    attempts_24h=st.integers(0, 3),
    suppressions=st.frozensets(st.sampled_from(CODES), max_size=2),
    birth_date=st.none() | st.dates(date(2006, 1, 1), date(2010, 1, 1)),
    practice=st.sampled_from(["active", "active", "paused"]),
)
reachable = st.builds(
    ordinary,
    channel=st.sampled_from(["call", "sms"]),
    state=st.sampled_from(STATES),
    zip=st.none() | st.sampled_from(sorted(ZIPS.values())),
    phone=st.none() | st.sampled_from(NUMBERS),
    stated_zone=st.none() | st.sampled_from(ZONES),
)
many = settings(max_examples=400, deadline=None, derandomize=True)


@many
@given(people, moments, st.sampled_from(CODES))
def test_adding_a_suppression_never_turns_a_block_into_an_allow(facts, at, code):
    more = replace(facts, suppressions=facts.suppressions | {code})
    assert decide(facts, at).allow or not decide(more, at).allow
    assert set(decide(facts, at).reasons) <= set(decide(more, at).reasons)


@many
@given(reachable, moments, st.sampled_from(STATES), st.sampled_from(NUMBERS), st.sampled_from(ZONES))
def test_adding_a_place_never_turns_a_block_into_an_allow(facts, at, state, phone, zone):
    fewer = replace(facts, phone=None, stated_zone=None)
    for more in (
        {"phone": phone},
        {"stated_zone": zone},
        {"stated_state": state},
        {"phone": phone, "stated_zone": zone},
    ):
        assert decide(fewer, at).allow or not decide(replace(fewer, **more), at).allow


@many
@given(people, moments)
def test_the_same_facts_and_rules_give_the_same_answer_under_a_fresh_copy_of_the_rules(facts, at):
    assert decide(facts, at) == decide(replace(facts), at, FRESH)


FRESH = rules.load(rules.DATA)


@many
@given(people, moments)
def test_an_answer_allows_exactly_when_it_has_no_reason(facts, at):
    answer = decide(facts, at)
    assert answer.allow is (answer.reasons == ())
    assert Reason.STORE_UNREADABLE not in answer.reasons or Reason.STORE_UNREADABLE.value in facts.suppressions


@many
@given(reachable, moments, st.floats(0, 1))
def test_the_next_opening_is_the_first_moment_that_is_allowed(facts, at, part):
    answer = decide(facts, at)
    if answer.opens_at is None:
        assert answer.window is None
        assert not answer.allow
        return
    assert decide(facts, answer.opens_at).allow
    if not answer.allow:
        assert answer.opens_at > at
        assert not decide(facts, answer.opens_at - SECOND).allow
        assert not decide(facts, at + (answer.opens_at - at) * part * 0.999).allow
    assert decide(facts, answer.window[1] - SECOND).allow
    assert not decide(facts, answer.window[1]).allow


@many
@given(reachable, moments)
def test_the_answer_is_what_a_wall_clock_at_each_place_says(facts, at):
    known = rules.current()
    places = places_of(facts.state, facts.zip, facts.phone, facts.stated_zone)
    assert decide(facts, at).allow is all(_lawful(known, place, facts.channel, at) for place in places)
    assert all(is_open(place, facts.channel, at, known) == _lawful(known, place, facts.channel, at) for place in places)


def _lawful(known, place, channel, at) -> bool:
    """The rule read straight off a clock on the wall, without any interval."""
    wall = at.astimezone(ZoneInfo(place.zone))
    row = known.hours_on(place.state, channel, wall.date())
    span = row.span(wall.date(), row.holidays_matter and known.is_holiday(place.state, wall.date()))
    if span is None:
        return False
    later = (at + timedelta(minutes=10)).astimezone(ZoneInfo(place.zone)) if channel == "sms" else wall
    return span[0] <= wall.time() and later.date() == wall.date() and later.time() < span[1]


@many
@given(reachable, moments)
def test_a_window_is_never_longer_than_a_day_and_never_in_the_past(facts, at):
    window = open_window(places_of(facts.state, facts.zip, facts.phone, facts.stated_zone), facts.channel, at)
    if window:
        assert at < window[1] <= window[0] + timedelta(hours=13)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from(sorted(Facts.__dataclass_fields__)),
        st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.dates() | st.lists(st.text(max_size=3)),
    ),
    st.datetimes() | moments,
)
def test_no_nonsense_makes_the_gate_raise(facts, at):
    answer = decide(ordinary(**facts), at)
    assert answer.allow is (answer.reasons == ())
