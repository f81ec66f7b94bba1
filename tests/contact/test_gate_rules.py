"""The rule files: what is expired, missing or wrong blocks, and says where."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ops.contact import gate, rules
from ops.contact.gate import Reason, decide
from ops.contact.places import places_of
from ops.contact.windows import open_window
from tests.facts import ordinary

SPRING_2028 = datetime(2028, 3, 1, 18, tzinfo=UTC)
SPRING_2026 = datetime(2026, 3, 3, 18, tzinfo=UTC)
HOLIDAY_STATES = ["AL", "LA", "MS", "PA", "RI", "UT"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(rules.DATA, tmp_path / "data")
    return tmp_path / "data"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_after_the_rules_expire_nobody_is_reached_anywhere():
    for state in ("FL", "CA", "TX"):
        answer = decide(ordinary(state=state), SPRING_2028)
        assert Reason.RULES_EXPIRED in answer.reasons
        assert (answer.window, answer.opens_at) == (None, None)
    assert Reason.RULES_EXPIRED in decide(ordinary(channel="email", state="FL"), SPRING_2028).reasons
    assert Reason.RULES_EXPIRED in decide(ordinary(), datetime(2024, 6, 4, 21, tzinfo=UTC)).reasons


@pytest.mark.parametrize("state", HOLIDAY_STATES)
def test_a_state_without_a_holiday_table_for_the_year_is_shut(state, folder):
    (folder / "holidays-2026.csv").unlink()
    edition = rules.load(folder)
    assert decide(ordinary(state=state), SPRING_2026, edition).reasons == (Reason.HOLIDAY_TABLE_MISSING,)
    assert decide(ordinary(state="CA"), SPRING_2026, edition).allow
    assert Reason.HOLIDAY_TABLE_MISSING in decide(ordinary(), SPRING_2026, edition).reasons


@pytest.mark.parametrize("state", HOLIDAY_STATES)
def test_beyond_the_last_table_the_missing_table_is_named(state):
    assert Reason.HOLIDAY_TABLE_MISSING in decide(ordinary(state=state), SPRING_2028).reasons


def test_a_window_is_never_looked_for_beyond_the_tables():
    new_years_eve = datetime(2027, 12, 31, 18, tzinfo=UTC)
    answer = decide(ordinary(state="AL"), new_years_eve)
    assert (answer.reasons, answer.opens_at) == ((Reason.HOLIDAY,), None)


def test_a_state_nobody_has_a_rule_for_is_shut():
    answer = decide(ordinary(state="ZZ"), SPRING_2026)
    assert (answer.reasons, answer.opens_at) == ((Reason.RULES_EXPIRED,), None)


def test_unreadable_rules_block(monkeypatch):
    def gone():
        raise rules.RulesError("hours.csv: no such file")

    monkeypatch.setattr(gate.rulebook, "current", gone)
    answer = decide(ordinary(state="FL"), SPRING_2026)
    assert (answer.allow, answer.reasons) == (False, (Reason.RULES_EXPIRED,))


def test_a_missing_limit_blocks(folder):
    edit(folder / "limits.csv", "attempts_24h,*", "attempts_24h,WY")
    assert decide(ordinary(state="CA"), SPRING_2026, rules.load(folder)).reasons == (Reason.RULES_EXPIRED,)


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("hours.csv", "08:00-21:00", "08:00-25:00", "hours.csv line 2"),
        ("hours.csv", "08:00-21:00", "21:00-08:00", "not hours like"),
        ("hours.csv", "08:00-21:00", "all day", "not hours like"),
        ("hours.csv", "AK,any", "AK,fax", "channel 'fax'"),
        ("hours.csv", "2027-12-31", "soon", "hours.csv line 2"),
        ("hours.csv", "2027-12-31", "2024-12-31", "expires before it begins"),
        ("hours.csv", "state,channel", "state,canal", "needs the columns"),
        ("hours.csv", "2025-12-31", "2026-12-31", "overlaps another row of OR"),
        ("limits.csv", "attempts_24h,*,3", "attempts_24h,*,three", "limits.csv line 2"),
        ("limits.csv", "scrub_days", "scrub_weeks", "not a limit this program knows"),
        ("holidays-2026.csv", "2026-07-04", "2025-07-04", "not of the year"),
        ("holidays-2026.csv", "2026-07-04", "2026-07-44", "holidays-2026.csv line"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(folder, name, old, new, complaint):
    edit(folder / name, old, new)
    with pytest.raises(rules.RulesError, match=complaint):
        rules.load(folder)


def test_a_row_without_a_source_or_with_too_few_fields_is_refused(folder):
    path = folder / "limits.csv"
    head, first, *rest = path.read_text(encoding="utf-8").splitlines()
    bare = ",".join([*first.split(",")[:5], " "])
    path.write_text("\n".join([head, bare, *rest]), encoding="utf-8")
    with pytest.raises(rules.RulesError, match="line 2: no source"):
        rules.load(folder)
    path.write_text("\n".join([head, "scrub_days,*"]), encoding="utf-8")
    with pytest.raises(rules.RulesError, match="not as many fields"):
        rules.load(folder)


@pytest.mark.parametrize("name", ["hours.csv", "limits.csv", "version.toml"])
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(rules.RulesError, match=name):
        rules.load(folder)


def test_any_change_of_a_rule_shows_in_the_version(folder):
    before = rules.load(folder).version
    edit(folder / "limits.csv", "scrub_days,*,31", "scrub_days,*,30")
    assert rules.load(folder).version != before
    assert rules.current().version == before


def test_the_six_holiday_states_have_a_table_for_each_year_and_no_other_needs_one():
    known = rules.current()
    assert known.heeding == {*HOLIDAY_STATES, rules.UNKNOWN}
    for state in HOLIDAY_STATES:
        for year in (2025, 2026, 2027):
            assert known.is_holiday(state, date(year, 12, 25))
            assert sum(1 for _ in known.holidays[state, year]) >= 11


def test_every_state_has_hours_on_every_day_of_the_tables():
    known = rules.current()
    states = {state for state, _ in known.hours}
    assert len(states) == 50 + 1 + 5 + 1  # states, the district, territories, and the unknown
    for state in states:
        for day in (date(2025, 1, 1), date(2025, 12, 31), date(2026, 1, 1), date(2027, 12, 31)):
            for channel in ("call", "sms"):
                assert known.hours_on(state, channel, day), (state, day, channel)


def test_no_state_opens_longer_than_the_federal_rule():
    for rows in rules.current().hours.values():
        for row in rows:
            for span in (row.weekday, row.saturday, row.sunday, row.holiday):
                assert span is None or (span[0].hour >= 8 and span[1].hour <= 21)


def test_the_strictest_limit_of_all_the_states_holds(folder):
    edit(folder / "limits.csv", "attempts_24h,FL,3", "attempts_24h,FL,1")
    edition = rules.load(folder)
    facts = ordinary(state="NY", attempts_24h=1)
    assert decide(facts, SPRING_2026, edition).allow
    assert decide(replace(facts, phone="+13055550142"), SPRING_2026, edition).reasons == (Reason.CAP_24H,)


def test_a_scrub_is_as_old_as_the_latest_day_among_the_places():
    evening = datetime(2026, 3, 4, 4, 30, tzinfo=UTC)  # the 3rd at 18:30 in Honolulu, the 4th at 13:30 in Tokyo
    facts = ordinary(state="HI", stated_zone="Asia/Tokyo", scrubbed_on=date(2026, 2, 1))
    assert decide(facts, evening - timedelta(days=1)).allow
    assert decide(facts, evening).allow
    assert decide(facts, evening + timedelta(days=1)).reasons == (Reason.SCRUB_OLDER_31D,)
    assert decide(replace(facts, stated_zone=None), evening + timedelta(days=1)).allow


@pytest.mark.parametrize(
    ("hours", "window"),
    [
        # New York leaves summer time on November 1: 1:30 comes at 5:30 and again at 6:30 UTC
        ("01:30-04:00", ("06:30", "09:00")),
        ("00:30-01:30", ("04:30", "05:30")),
    ],
)
def test_an_hour_that_happens_twice_leaves_the_shorter_window(folder, hours, window):
    edit(folder / "hours.csv", "FL,any" + ",08:00-20:00" * 4, "FL,any" + f",{hours}" * 4)
    night = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    found = open_window(places_of(zip_code="33101"), "call", night, rules.load(folder))
    assert found and tuple(f"{moment:%H:%M}" for moment in found) == window
