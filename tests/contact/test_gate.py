"""The contact gate: the hours of every state to the second, and each reason for a block."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ops.contact import gate as gate_module
from ops.contact.gate import Reason, decide
from tests.facts import ordinary

EAST, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
TUESDAY, SATURDAY, SUNDAY, CHRISTMAS = date(2026, 12, 8), date(2026, 12, 12), date(2026, 12, 13), date(2026, 12, 25)
NONE = None
FEDERAL = (8, 21)

# docs/rules.md A1, typed again by hand: ZIP code in the state, its zone, and hours Mon-Fri, Sat, Sun, holidays.
TABLE = {
    "CA": ("90001", PACIFIC, FEDERAL, FEDERAL, FEDERAL, FEDERAL),
    "NY": ("10001", EAST, FEDERAL, FEDERAL, FEDERAL, FEDERAL),
    "ME": ("04101", EAST, FEDERAL, FEDERAL, FEDERAL, FEDERAL),
    "NE": ("68102", CENTRAL, FEDERAL, FEDERAL, FEDERAL, FEDERAL),
    "AL": ("35203", CENTRAL, (8, 20), (8, 20), NONE, NONE),
    "CT": ("06103", EAST, (9, 20), (9, 20), (9, 20), (9, 20)),
    "FL": ("33101", EAST, (8, 20), (8, 20), (8, 20), (8, 20)),
    "KY": ("40202", EAST, (10, 21), (10, 21), (10, 21), (10, 21)),
    "LA": ("70112", CENTRAL, (8, 20), (8, 20), NONE, NONE),
    "MD": ("21201", EAST, (8, 20), (8, 20), (8, 20), (8, 20)),
    "MA": ("02108", EAST, (8, 20), (8, 20), (8, 20), (8, 20)),
    "MI": ("48226", EAST, (9, 21), (9, 21), (9, 21), (9, 21)),
    "MN": ("55401", CENTRAL, (9, 21), (9, 21), (9, 21), (9, 21)),
    "NM": ("87102", MOUNTAIN, (9, 21), (9, 21), (9, 21), (9, 21)),
    "MS": ("39201", CENTRAL, (8, 20), (8, 20), NONE, NONE),
    "NV": ("89101", PACIFIC, (9, 20), (9, 20), (9, 20), (9, 20)),
    "OK": ("73102", CENTRAL, (8, 20), (8, 20), (8, 20), (8, 20)),
    "OR": ("97201", PACIFIC, (8, 20), (8, 20), (8, 20), (8, 20)),
    "PA": ("19103", EAST, (9, 19), (9, 19), NONE, NONE),
    "RI": ("02903", EAST, (9, 18), (10, 17), NONE, NONE),
    "SD": ("57104", CENTRAL, (9, 21), (9, 21), NONE, (9, 21)),
    "TX": ("75201", CENTRAL, (9, 21), (9, 21), (12, 21), (9, 21)),
    "UT": ("84101", MOUNTAIN, (8, 21), (8, 21), (8, 21), NONE),
    "VA": ("23219", EAST, (8, 21), (8, 21), (8, 21), (8, 21)),
    "WA": ("98101", PACIFIC, (8, 20), (8, 20), (8, 20), (8, 20)),
    "WY": ("82001", MOUNTAIN, (8, 20), (8, 20), (8, 20), (8, 20)),
}
DAYS = {"weekday": (TUESDAY, 2), "Saturday": (SATURDAY, 3), "Sunday": (SUNDAY, 4), "holiday": (CHRISTMAS, 5)}
ROWS = [(state, day) for state in TABLE for day in DAYS]
SECOND = timedelta(seconds=1)
NOON = datetime(2026, 12, 8, 17, tzinfo=UTC)  # a Tuesday, noon in New York
MIAMI = {"state": "FL", "zip": "33101", "phone": "+13055550142"}
SEEN = {"last_visit_on": date(2026, 11, 20), "consent": None}


def local(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def reasons(at: datetime = NOON, **facts) -> tuple[Reason, ...]:
    return decide(ordinary(**{**MIAMI, **SEEN, **facts}), at).reasons


@pytest.mark.parametrize(("state", "day"), ROWS)
def test_the_hours_of_a_state_hold_to_the_second(state, day):
    code, zone, *hours = TABLE[state]
    on, column = DAYS[day]
    facts, span = ordinary(state=state, zip=code), hours[column - 2]
    if span is None:
        assert not any(decide(facts, local(on, hour, zone)).allow for hour in range(24))
        return
    opens, closes = local(on, span[0], zone), local(on, span[1], zone)
    answers = [decide(facts, at).allow for at in (opens - SECOND, opens, closes - SECOND, closes)]
    assert answers == [False, True, True, False]


@pytest.mark.parametrize(("state", "day"), ROWS)
def test_texts_stop_ten_minutes_before_the_close(state, day):
    code, zone, *hours = TABLE[state]
    on, column = DAYS[day]
    span = hours[column - 2]
    if state == "ME":
        span = (9, 17) if day in ("weekday", "holiday") else None  # texts count as automated calls there
    facts = ordinary(channel="sms", state=state, zip=code)
    if span is None:
        assert not any(decide(facts, local(on, hour, zone)).allow for hour in range(24))
        return
    last = local(on, span[1], zone) - timedelta(minutes=10)
    assert [decide(facts, at).allow for at in (local(on, span[0], zone), last - SECOND, last)] == [True, True, False]


def test_oregon_had_the_federal_hours_until_its_law_came_into_force():
    facts = ordinary(state="OR", zip="97201")
    assert decide(facts, local(date(2025, 12, 30), 20, PACIFIC)).allow
    assert not decide(facts, local(date(2026, 1, 6), 20, PACIFIC)).allow


@pytest.mark.parametrize(
    ("state", "day"),
    [
        ("AL", date(2026, 12, 1)),  # Rosa Parks Day
        ("AL", date(2026, 7, 3)),  # July 4 on a Saturday: the Friday before
        ("AL", date(2027, 7, 5)),  # July 4 on a Sunday: the Monday after
        ("AL", date(2026, 6, 19)),
        ("AL", date(2026, 2, 17)),  # Mardi Gras
        ("LA", date(2026, 12, 24)),
        ("LA", date(2026, 12, 31)),
        ("LA", date(2026, 11, 27)),
        ("MS", date(2026, 4, 27)),
        ("PA", date(2026, 4, 3)),  # Good Friday
        ("PA", date(2026, 11, 3)),  # Election Day
        ("PA", date(2027, 6, 14)),  # Flag Day
        ("RI", date(2026, 5, 4)),
        ("RI", date(2026, 8, 10)),  # Victory Day
        ("UT", date(2026, 7, 24)),
        ("UT", date(2026, 6, 15)),  # Juneteenth, kept on the Monday before
    ],
)
def test_the_holidays_of_a_state_are_shut(state, day):
    code, zone, *_ = TABLE[state]
    answer = decide(ordinary(state=state, zip=code), local(day, 13, zone))
    assert answer.reasons == (Reason.HOLIDAY,)
    assert answer.opens_at and answer.opens_at.astimezone(ZoneInfo(zone)).date() > day


def test_a_holiday_elsewhere_shuts_nothing_here():
    assert decide(ordinary(**MIAMI), local(CHRISTMAS, 13, EAST)).allow


def test_contact_must_be_legal_at_every_place():
    facts = ordinary(state="CA", zip="90001", phone="+13055550142")  # lives in Los Angeles, number from Miami
    day = TUESDAY
    assert decide(facts, local(day, 8, PACIFIC)).allow  # 11:00 in Miami
    assert not decide(facts, local(day, 8, EAST)).allow  # 5:00 in Los Angeles
    assert not decide(facts, local(day, 17, PACIFIC)).allow  # 20:00 in Miami, where the day ends
    assert decide(facts, local(day, 17, PACIFIC) - SECOND).allow


def test_of_an_unknown_person_only_the_hours_of_all_zones_are_left():
    opens, closes = local(TUESDAY, 10, "Pacific/Honolulu"), local(TUESDAY, 18, "America/Puerto_Rico")
    answers = [decide(ordinary(), at) for at in (opens - SECOND, opens, closes - SECOND, closes)]
    assert [answer.allow for answer in answers] == [False, True, True, False]
    assert answers[0].reasons == (Reason.HOURS_UNKNOWN_PLACE,)
    assert answers[0].opens_at == opens
    for day in (SATURDAY, SUNDAY, CHRISTMAS):
        assert not decide(ordinary(), local(day, 11, "Pacific/Honolulu")).allow


def test_for_an_unknown_person_any_states_holiday_counts():
    assert Reason.HOLIDAY in decide(ordinary(), local(date(2026, 7, 24), 11, "Pacific/Honolulu")).reasons


@pytest.mark.parametrize(("attempts", "limit", "allowed"), [(1, 2, True), (2, 2, False), (2, 3, True), (3, 9, False)])
def test_the_cap_over_all_practices_is_the_setting_and_never_above_three(attempts, limit, allowed):
    for state, code in (("FL", "33101"), ("CA", "90001")):
        facts = ordinary(state=state, zip=code, attempts_24h=attempts, attempts_limit=limit)
        answer = decide(facts, local(TUESDAY, 12, PACIFIC))
        assert answer.allow is allowed
        assert allowed or answer.reasons == (Reason.CAP_24H,)


def test_email_has_no_hours_and_no_cap_but_every_other_check():
    night = local(TUESDAY, 3, EAST)
    answer = decide(ordinary(channel="email", attempts_24h=9, **MIAMI), night)
    assert (answer.allow, answer.window, answer.opens_at) == (True, None, night)
    assert reasons(channel="email", suppressions=frozenset({"STOP_SMS"})) == (Reason.STOP_SMS,)
    assert reasons(channel="email", deceased=True) == (Reason.DECEASED,)
    assert reasons(channel="email", practice="ended") == (Reason.PRACTICE_PAUSED,)


@pytest.mark.parametrize("channel", ["call", "sms", "email"])
@pytest.mark.parametrize("code", ["STOP_SMS", "STOP_VOICE", "UNSUB_EMAIL", "DNC_INTERNAL", "DNC_AGENCY", "COMPLAINT"])
def test_any_stop_stops_every_channel(channel, code):
    answer = decide(ordinary(channel=channel, suppressions=frozenset({code}), **MIAMI), NOON)
    assert answer.reasons == (Reason[code],)
    assert answer.opens_at is None


def test_a_dead_address_does_not_silence_the_phone_nor_a_registry_the_email():
    assert reasons(suppressions=frozenset({"BOUNCED"})) == ()
    assert reasons(channel="email", suppressions=frozenset({"BOUNCED"})) == (Reason.BOUNCED,)
    assert reasons(channel="sms", suppressions=frozenset({"DNC_NATIONAL"})) == (Reason.DNC_NATIONAL,)
    assert reasons(channel="email", suppressions=frozenset({"DNC_NATIONAL"})) == ()


def test_a_suppression_nobody_knows_blocks_all_the_same():
    assert reasons(suppressions=frozenset({"asked us to leave"})) == (Reason.DNC_INTERNAL,)


def test_a_minor_becomes_adult_on_the_birthday_in_the_last_of_the_places():
    birthday = date(2026, 12, 8)
    born = date(2008, 12, 8)
    facts = ordinary(state="NY", zip="10001", birth_date=born, stated_zone="Pacific/Honolulu", channel="email")
    assert decide(facts, local(birthday, 1, EAST)).reasons == (Reason.MINOR,)  # still the 7th in Honolulu
    assert decide(facts, local(birthday, 1, "Pacific/Honolulu")).allow


def test_someone_born_on_a_leap_day_is_adult_on_the_first_of_march():
    assert gate_module.age(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert gate_module.age(date(2008, 2, 29), date(2026, 3, 1)) == 18


@pytest.mark.parametrize(("days", "allowed"), [(0, True), (31, True), (32, False), (-5, False)])
def test_a_scrub_is_good_for_thirty_one_days(days, allowed):
    found = reasons(scrubbed_on=NOON.date() - timedelta(days=days))
    assert found == (() if allowed else (Reason.SCRUB_OLDER_31D,))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"deceased": True}, Reason.DECEASED),
        ({"suppressions": frozenset({"WRONG_PERSON"})}, Reason.WRONG_PERSON),
        ({"suppressions": frozenset({"LITIGATOR"})}, Reason.LITIGATOR),
        ({"baa": False}, Reason.NO_BAA),
        ({"practice": "paused"}, Reason.PRACTICE_PAUSED),
        ({"practice": "ended"}, Reason.PRACTICE_PAUSED),
        ({"birth_date": date(2010, 1, 1)}, Reason.MINOR),
        ({"friend_opted_in": False}, Reason.FRIEND_NOT_OPTED_IN),
        ({"consent": "none"}, Reason.NO_CONSENT_CHANNEL),
        ({"consent": "other_seller"}, Reason.CONSENT_OTHER_SELLER),
        ({"basis": "blocked"}, Reason.BASIS_MISSING),
        ({"basis": None}, Reason.BASIS_MISSING),
        ({"loop_level": 1}, Reason.LOOP_CONSENT_MISSING),
        ({"incentive": True}, Reason.INCENTIVE_FORBIDDEN_STATE),
        ({"channel": "sms", "campaign_registered": False}, Reason.CAMPAIGN_UNREGISTERED),
        ({"channel": "sms", "text_has_phi": True}, Reason.TEXT_HAS_PHI),
        ({"channel": "sms", "text_approved": False}, Reason.TEXT_NOT_APPROVED),
        ({"lock_held": False}, Reason.LOCK_LOST),
    ],
)
def test_each_fact_that_forbids_contact_is_its_own_reason(facts, reason):
    assert reasons() == ()
    assert reasons(**facts) == (reason,)


def test_connecticut_wants_consent_in_writing_for_calls_and_texts():
    hartford = {"state": "CT", "zip": "06103", "phone": None}
    assert reasons(consent="verbal") == ()
    assert reasons(consent="verbal", **hartford) == (Reason.NO_CONSENT_CHANNEL,)
    assert reasons(consent="written", **hartford) == ()


def test_an_incentive_is_lawful_where_no_state_of_the_person_forbids_it():
    noon = local(TUESDAY, 12, CENTRAL)
    assert decide(ordinary(state="IL", incentive=True), noon).allow
    mixed = decide(ordinary(state="IL", phone="+15125550142", incentive=True), noon)
    assert mixed.reasons == (Reason.INCENTIVE_FORBIDDEN_STATE,)


def test_a_failed_read_of_suppressions_or_attempts_is_a_block():
    assert reasons(suppressions=None) == (Reason.STORE_UNREADABLE,)
    assert reasons(attempts_24h=None) == (Reason.STORE_UNREADABLE,)


def test_all_reasons_are_given_at_once_in_the_order_of_the_list():
    found = reasons(local(TUESDAY, 3, EAST), deceased=True, attempts_24h=5, suppressions=frozenset({"STOP_SMS"}))
    assert found == (Reason.HOURS_STATE, Reason.CAP_24H, Reason.STOP_SMS, Reason.DECEASED)


@pytest.mark.parametrize(
    "facts",
    [
        {"channel": "pigeon"},
        {"stated_zone": "Mars/Olympus"},
        {"birth_date": "1990-01-01"},
        {"attempts_24h": "many"},
        {"suppressions": 7},
        {"state": 12},
    ],
)
def test_facts_that_cannot_be_judged_are_a_block_and_no_error(facts):
    answer = decide(ordinary(**{**MIAMI, **facts}), NOON)
    assert (answer.allow, answer.reasons) == (False, (Reason.STORE_UNREADABLE,))


def test_a_moment_without_a_zone_is_a_block():
    assert decide(ordinary(**MIAMI), NOON.replace(tzinfo=None)).reasons == (Reason.STORE_UNREADABLE,)


def test_an_exception_in_any_check_is_a_block(monkeypatch):
    def explode(case):
        raise RuntimeError("disk on fire")

    for position in range(len(gate_module.CHECKS)):
        checks = list(gate_module.CHECKS)
        checks[position] = explode
        with monkeypatch.context() as patched:
            patched.setattr(gate_module, "CHECKS", tuple(checks))
            assert reasons() == (Reason.STORE_UNREADABLE,)


@pytest.mark.parametrize("broken", ["places_of", "open_window", "is_open"])
def test_an_exception_in_places_or_windows_is_a_block(monkeypatch, broken):
    def explode(*_):
        raise MemoryError

    monkeypatch.setattr(gate_module, broken, explode)
    assert reasons() == (Reason.STORE_UNREADABLE,)


def test_a_paused_practice_still_learns_when_the_window_opens_and_the_dead_do_not():
    night = local(TUESDAY, 3, EAST)
    assert decide(ordinary(practice="paused", **MIAMI), night).opens_at == local(TUESDAY, 8, EAST)
    assert decide(ordinary(deceased=True, **MIAMI), night).opens_at is None
