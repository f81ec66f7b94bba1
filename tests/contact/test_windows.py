"""Windows are interval arithmetic: right over both clock changes, holidays and far zones; equal ones share a group."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from ops.contact import rules
from ops.contact.places import CANDIDATE_ZONES, Place, places_of
from ops.contact.windows import clock_of, open_window, window_group

SECOND = timedelta(seconds=1)
MIAMI = places_of(zip_code="33101")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def group(**where) -> str:
    return window_group(places_of(**where))


@pytest.mark.parametrize(
    ("asked", "opens", "closes"),
    [
        ("2026-03-07T12:00", "2026-03-07T13:00", "2026-03-08T01:00"),  # the day before summer time
        ("2026-03-08T03:00", "2026-03-08T12:00", "2026-03-09T00:00"),  # 8:00 is an hour earlier by UTC
        ("2026-10-31T03:00", "2026-10-31T12:00", "2026-11-01T00:00"),
        ("2026-11-01T05:30", "2026-11-01T13:00", "2026-11-02T01:00"),  # the first 1:30 of that night
        ("2026-11-01T06:30", "2026-11-01T13:00", "2026-11-02T01:00"),  # and the second
    ],
)
def test_eight_oclock_is_eight_oclock_over_both_clock_changes(asked, opens, closes):
    assert open_window(MIAMI, "call", utc(asked)) == (utc(opens), utc(closes))


def test_between_two_zones_the_clock_changes_do_not_meet():
    both = places_of(zip_code="85001", phone="+13035550142")  # Phoenix has no summer time, Denver has
    assert open_window(both, "call", utc("2026-03-07T12:00")) == (utc("2026-03-07T15:00"), utc("2026-03-08T04:00"))
    assert open_window(both, "call", utc("2026-03-08T12:00")) == (utc("2026-03-08T15:00"), utc("2026-03-09T03:00"))


def test_the_window_open_now_is_given_whole_and_a_closed_one_never():
    opens, closes = utc("2026-06-02T12:00"), utc("2026-06-03T00:00")
    for at in (opens, opens + SECOND, closes - SECOND):
        assert open_window(MIAMI, "call", at) == (opens, closes)
    assert open_window(MIAMI, "call", closes) == (opens + timedelta(days=1), closes + timedelta(days=1))


def test_a_text_is_shut_ten_minutes_earlier():
    last = utc("2026-06-02T23:50")
    assert open_window(MIAMI, "sms", last - SECOND)[1] == last
    assert open_window(MIAMI, "sms", last)[0] == utc("2026-06-03T12:00")


def test_the_next_opening_skips_holidays_and_sundays():
    mobile = places_of(zip_code="36602")  # Christmas on a Friday
    assert open_window(mobile, "call", utc("2026-12-25T03:00"))[0] == utc("2026-12-26T14:00")
    new_orleans = places_of(zip_code="70112")  # December 24, 25, 26 and a Sunday
    assert open_window(new_orleans, "call", utc("2026-12-24T03:00"))[0] == utc("2026-12-28T14:00")


def test_zones_a_day_apart_meet_where_they_can():
    guam_and_new_york = places_of(state="GU", phone="+12125550142")
    assert open_window(guam_and_new_york, "call", utc("2026-01-05T12:00")) == (
        utc("2026-01-05T22:00"),
        utc("2026-01-06T02:00"),
    )


def test_places_that_never_meet_have_no_window():
    assert open_window(places_of(state="ME", phone="+16715550142"), "sms", utc("2026-01-05T12:00")) is None


def test_two_places_are_cut_with_each_other_day_by_day():
    both = [Place("TX", "America/Chicago", "address"), Place("RI", "America/New_York", "area code")]
    saturday, sunday = utc("2026-01-10T06:00"), utc("2026-01-11T06:00")
    assert open_window(both, "call", saturday) == (utc("2026-01-10T15:00"), utc("2026-01-10T22:00"))
    assert open_window(both, "call", sunday) == (utc("2026-01-12T15:00"), utc("2026-01-12T23:00"))


def test_zones_that_keep_the_same_time_are_one_clock():
    assert clock_of("America/Detroit") == clock_of("America/Indiana/Indianapolis") == "America/New_York"
    assert clock_of("America/Boise") == "America/Denver"
    assert clock_of("America/Phoenix") == "America/Phoenix"
    assert clock_of("Europe/London") == "Europe/London"


def test_people_whose_windows_are_the_same_share_a_group():
    assert group(zip_code="33101") == group(zip_code="21201")  # Florida and Maryland: same hours, same clock
    assert group(zip_code="10001") == group(zip_code="48226").replace("9-21", "8-21")
    assert group(zip_code="33101", phone="+12125550142") == group(zip_code="33101")  # New York adds nothing to Florida
    assert group() == group(phone="+18005550142") == rules.UNKNOWN


def test_people_whose_windows_differ_do_not():
    keys = [
        group(zip_code=code)
        for code in ("33101", "32501", "10001", "90001", "35203", "70112", "39201", "19103", "02903", "84101", "04101")
    ]
    assert len(set(keys)) == len(keys)
    assert group(state="AZ") != group(zip_code="85001")


def test_a_group_says_the_same_window_for_all_its_members():
    zips = ["33101", "32501", "10001", "90001", "35203", "70112", "19103", "02903", "84101", "04101", "21201", "48226"]
    zips += ["97201", "98101", "75201", "79901", "85001", "86515", "57104", "40202", "06103", "99501", "96801", "23219"]
    phones = [None, "+13055550142", "+12125550142", "+16025550142", "+19285550142", "+14125550142", "+18505550142"]
    members: dict[str, list] = {}
    for code in zips:
        for phone in phones:
            where = places_of(zip_code=code, phone=phone)
            members.setdefault(window_group(where), []).append(where)
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=97 * step) for step in range(90)]
    assert 20 < len(members) < len(zips) * len(phones)
    for found in members.values():
        for where in found[1:]:
            for channel in ("call", "sms"):
                assert all(open_window(where, channel, at) == open_window(found[0], channel, at) for at in times)


def test_different_groups_differ_at_some_moment():
    codes = ["33101", "10001", "90001", "35203", "70112", "19103", "02903", "84101", "04101", "97201", "57104", "06103"]
    times = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=11 * step) for step in range(2300)]
    for one, other in combinations([places_of(zip_code=code) for code in codes], 2):
        channels = ("call", "sms")
        assert any(open_window(one, each, at) != open_window(other, each, at) for at in times for each in channels)


def test_a_group_key_is_short_enough_for_a_column():
    assert all(len(group(state=state)) <= 100 for state, _ in rules.current().hours)
    assert len(group(stated_zone="America/Argentina/ComodRivadavia", state="TN", phone="+12085550142")) <= 100


def test_the_candidate_zones_leave_an_hour_every_weekday_of_the_year():
    nowhere = [Place(rules.UNKNOWN, zone, "unknown") for zone in CANDIDATE_ZONES]
    day = date(2026, 1, 1)
    opened = set()
    while day.year == 2026:
        window = open_window(nowhere, "call", datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        assert window and window[1] - window[0] >= timedelta(hours=2)
        opened.add(window[0].date())
        day += timedelta(days=1)
    assert len(opened) > 220
