"""Where a person may be: address, ZIP code, area code and own word, together."""

from datetime import UTC, datetime

import phonenumbers.tzdata
import pytest
import zipcodes

from ops.contact import places
from ops.contact import rules as rulebook
from ops.contact.places import CANDIDATE_ZONES, places_of, zip_place
from ops.contact.rules import DATA, UNKNOWN, RulesError
from ops.contact.windows import clock_of, open_window
from ops.practices.us import ELSEWHERE

ANYWHERE = {(UNKNOWN, zone) for zone in CANDIDATE_ZONES}
NOON = datetime(2026, 12, 2, 18, tzinfo=UTC)


def spots(**where) -> set[tuple[str, str]]:
    return {(place.state, clock_of(place.zone)) for place in places_of(**where)}


def zones(**where) -> set[str]:
    return {place.zone for place in places_of(**where)}


def test_an_address_gives_all_zones_of_its_state_and_a_zip_code_narrows_it():
    assert spots(state="TN") == {("TN", "America/Chicago"), ("TN", "America/New_York")}
    assert spots(state="TN", zip_code="37902") == {("TN", "America/New_York")}
    assert spots(state="tn", zip_code="37902-1234") == {("TN", "America/New_York")}


@pytest.mark.parametrize(
    ("code", "state", "zone"),
    [
        ("83814", "ID", "America/Los_Angeles"),
        ("83702", "ID", "America/Denver"),
        ("79901", "TX", "America/Denver"),
        ("32501", "FL", "America/Chicago"),
        ("97914", "OR", "America/Denver"),
        ("86515", "AZ", "America/Denver"),  # Navajo, with summer time
        ("85001", "AZ", "America/Phoenix"),
        ("89883", "NV", "America/Denver"),  # West Wendover
        ("00901", "PR", "America/Puerto_Rico"),
    ],
)
def test_zip_codes_of_split_states_know_their_side(code, state, zone):
    assert spots(zip_code=code) == {(state, zone)}


def test_a_zip_code_in_another_state_than_the_address_gives_both():
    assert spots(state="NY", zip_code="90001") == {("NY", "America/New_York"), ("CA", "America/Los_Angeles")}


@pytest.mark.parametrize("code", ["99999", "00000", "1234", "abcde", "", "79901.0"])
def test_a_zip_code_that_cannot_be_read_leaves_the_whole_state(code):
    assert zip_place(code) is None
    assert spots(state="NY", zip_code=code) == {("NY", "America/New_York")}


@pytest.mark.parametrize("code", ["1234", "abcde", "79901.0", "00001", "99999"])
def test_a_zip_code_that_cannot_be_read_never_leaves_the_area_code_alone(code):
    assert spots(zip_code=code, phone="+13125550142") == ANYWHERE | {("IL", "America/Chicago")}


def test_an_address_that_cannot_be_read_or_lies_abroad_may_be_anywhere():
    assert spots(state=ELSEWHERE, phone="+13125550142") == ANYWHERE | {("IL", "America/Chicago")}
    assert spots(state=ELSEWHERE) == ANYWHERE
    assert spots(state=ELSEWHERE, zip_code="79901") == ANYWHERE | {("TX", "America/Denver")}


@pytest.mark.parametrize(
    ("code", "state", "zones"),
    [
        ("37405", "TN", {"America/Chicago", "America/New_York"}),  # Chattanooga
        ("57532", "SD", {"America/Chicago", "America/Denver"}),
        ("58838", "ND", {"America/Chicago", "America/Denver"}),
        ("67857", "KS", {"America/Chicago", "America/Denver"}),
        ("79942", "TX", {"America/Chicago", "America/Denver"}),  # El Paso, boxes
        ("83522", "ID", {"America/Denver", "America/Los_Angeles"}),
        ("86003", "AZ", {"America/Denver", "America/Phoenix"}),  # Flagstaff, beside the Navajo Nation
        ("86045", "AZ", {"America/Denver", "America/Phoenix"}),
        ("36867", "AL", {"America/Chicago", "America/New_York"}),  # Phenix City keeps Georgia's time
    ],
)
def test_a_zip_code_that_touches_two_zones_counts_as_both(code, state, zones):
    assert spots(zip_code=code, state=state) == {(state, zone) for zone in zones}


SPLIT = (208, 219, 270, 308, 423, 541, 574, 605, 606, 620, 701, 775, 785, 812, 850, 906, 907, 928, 986)


@pytest.mark.parametrize("code", SPLIT)
def test_a_split_area_code_keeps_all_its_zones(code):
    assert len({zone for _, zone in spots(phone=f"+1{code}5550142")}) > 1


@pytest.mark.parametrize(
    ("overlay", "parent"),
    [("364", "270"), ("448", "850"), ("458", "541"), ("930", "812"), ("986", "208"), ("729", "423")],
)
def test_an_overlay_has_the_zones_of_the_code_it_overlays(overlay, parent):
    assert spots(phone=f"+1{overlay}5550142") == spots(phone=f"+1{parent}5550142")
    assert len(spots(phone=f"+1{overlay}5550142")) > 1


@pytest.mark.parametrize("code", ["800", "833", "844", "855", "866", "877", "888", "500", "521", "566", "900", "211"])
def test_numbers_without_geography_tell_nothing(code):
    assert zones(phone=f"+1{code}5550142") == set(CANDIDATE_ZONES)
    assert spots(state="NY", phone=f"+1{code}5550142") == {("NY", "America/New_York")}


def test_address_and_area_code_are_joined():
    assert spots(zip_code="90001", phone="+13055550142") == {("CA", "America/Los_Angeles"), ("FL", "America/New_York")}


def test_a_stated_zone_is_one_more_clock_for_every_known_state():
    assert spots(state="NY", stated_zone="America/Denver") == {("NY", "America/New_York"), ("NY", "America/Denver")}
    assert spots(stated_zone="America/Denver") == {(UNKNOWN, "America/Denver")}


def test_a_stated_state_is_a_place_of_its_own():
    assert spots(state="NY", stated_state="TX", stated_zone="America/Denver") == {
        ("NY", "America/New_York"),
        ("TX", "America/Denver"),
    }


def test_a_foreign_number_adds_its_clock():
    assert ("FL", "Europe/London") in spots(state="FL", zip_code="33101", phone="+442079460123")
    assert spots(phone="+14165550142") == {(UNKNOWN, "America/New_York")}  # Toronto keeps New York's time


@pytest.mark.parametrize("phone", ["nonsense", "+", "+1", "+1305", "", "13055550142"])
def test_what_is_no_number_tells_nothing(phone):
    assert zones(phone=phone) == set(CANDIDATE_ZONES)


@pytest.mark.parametrize(
    "where", [{"state": "AE"}, {"zip_code": "09001"}, {"zip_code": "96201"}, {"zip_code": "34002"}]
)
def test_a_military_address_is_somewhere_in_the_world_where_no_hour_is_right(where):
    assert spots(**where) == {(UNKNOWN, "Asia/Tokyo"), (UNKNOWN, "Europe/Berlin")}
    assert open_window(places_of(**where, phone="+13125550142"), "call", NOON, rulebook.current()) is None


def test_a_military_zip_code_joins_the_state_beside_it():
    assert spots(state="NY", zip_code="09001") >= {("NY", "America/New_York"), (UNKNOWN, "Europe/Berlin")}


@pytest.mark.parametrize(("code", "zone"), [("96939", "Palau"), ("96960", "Majuro"), ("96941", "Kosrae")])
def test_islands_of_the_pacific_have_their_own_clock_and_the_rule_for_the_unknown(code, zone):
    assert (UNKNOWN, f"Pacific/{zone}") in spots(zip_code=code)
    assert (UNKNOWN, f"Pacific/{zone}") in spots(state="NY", zip_code=code)
    assert {state for state, _ in spots(zip_code=code)} == {UNKNOWN}


def test_a_zone_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="not a time zone"):
        places_of(stated_zone="Napakiak")


def test_arizona_without_a_zip_code_may_be_navajo():
    assert spots(state="AZ") == {("AZ", "America/Phoenix"), ("AZ", "America/Denver")}


def test_the_area_codes_are_at_least_as_wide_as_the_numbering_metadata():
    known = places.load(DATA).area_codes
    for prefix, found in phonenumbers.tzdata.TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            assert set(found) <= set(known[prefix[1:4]][1]), prefix


def test_the_zip_codes_agree_with_the_package_they_were_taken_from():
    for entry in zipcodes.list_all()[::7]:
        state, zone = entry["state"], entry["timezone"]
        if state in places.MILITARY or state in ("FM", "MH", "PW"):
            assert zip_place(entry["zip_code"]) is None
            continue
        assert zip_place(entry["zip_code"])[0] == state
        if "/" in zone and entry["zip_code"] != "89883":
            assert zone in zip_place(entry["zip_code"])[1]


def test_a_wrong_zone_in_the_tables_is_refused_with_its_place(tmp_path):
    for file in DATA.glob("*.csv"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "area_codes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("America/Boise", "America/Boisy"), encoding="utf-8")
    with pytest.raises(RulesError, match=r"area_codes\.csv line"):
        places.load(tmp_path)
