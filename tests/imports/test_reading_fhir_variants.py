"""What servers write differently and is R4 all the same: profiles, marks, masked names, periods, merges, lines."""

import json

import pytest

from ops.imports.reading.records import Unreadable
from tests.exports import bundle, fhir_encounter, fhir_patient, opened, read

MOBILE = {"system": "phone", "use": "mobile", "value": "312-555-0101"}
HOME = {"system": "phone", "use": "home", "value": "312-555-0102"}


def patient(**parts):
    good, bad = read(bundle(fhir_patient(**parts)))
    assert not bad, bad
    return good[0].patient


def reasons(**parts):
    good, bad = read(bundle(fhir_patient(**parts)))
    assert not good
    return bad[0].reasons[0]


@pytest.mark.parametrize(
    "profile",
    [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|5.0.1",
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1",
        "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1",
        "https://example.com/fhir/StructureDefinition/patient|5.0",
    ],
)
def test_a_profile_that_counts_its_own_versions_is_r4(profile):
    assert patient(meta={"profile": [profile]}).last_name == "Lane"


def test_a_byte_order_mark_before_json_is_passed_over():
    good, bad = read(b"\xef\xbb\xbf" + bundle(fhir_patient(), fhir_encounter()))
    assert (len(good), bad) == (2, [])


def test_a_birth_date_without_its_day_is_an_unknown_day_and_a_minor_by_any_reading_stays_one():
    assert patient(birthDate="1985").birth_date is None
    assert str(patient(birthDate="2008").birth_date) == "2008-12-31"
    assert str(patient(birthDate="2010-02").birth_date) == "2010-02-28"


def test_a_masked_given_name_leaves_the_others():
    assert patient(name=[{"family": "Lane", "given": [None, "Ada"]}]).first_name == "Ada"


def test_a_merged_record_is_no_second_patient_and_its_visits_are_its_successors():
    old = fhir_patient("p-1", active=False, link=[{"other": {"reference": "Patient/p-2"}, "type": "replaced-by"}])
    new = fhir_patient("p-2", link=[{"other": {"reference": "Patient/p-1"}, "type": "replaces"}])
    good, bad = read(bundle(old, new, fhir_encounter(patient="Patient/p-1")))
    assert not bad
    assert [row.external_id for row in good if row.patient] == ["p-2"]
    assert [row.external_id for row in good if row.milestone] == ["p-2"]


def test_records_merged_into_each_other_are_told():
    one = fhir_patient("p-1", link=[{"other": {"reference": "Patient/p-2"}, "type": "replaced-by"}])
    two = fhir_patient("p-2", link=[{"other": {"reference": "Patient/p-1"}, "type": "replaced-by"}])
    good, bad = read(bundle(one, two, fhir_encounter(patient="Patient/p-1")))
    assert not any(row.patient or row.milestone for row in good)
    assert "circle" in bad[0].reasons[0]


def test_a_record_that_is_not_active_and_has_no_successor_is_kept_aside():
    assert "not active" in reasons(active=False)


@pytest.mark.parametrize(
    ("period", "current"),
    [
        ({"end": "2019-01-01"}, False),
        ({"end": "2019"}, False),
        ({"end": "2026"}, True),
        ({"end": "2026-06-15T23:00:00Z"}, True),
        ({"end": "2026-06-14"}, False),
        ({"start": "2026-07"}, False),
        ({"start": "2019-01-01"}, True),
        ({}, True),
    ],
)
def test_only_what_holds_today_is_read(period, current):
    found = patient(telecom=[MOBILE | {"period": period}, HOME])
    assert found.phone == ("+13125550101" if current else "+13125550102")
    name = [{"use": "official", "family": "Old", "given": ["Ada"], "period": period}, {"family": "Lane"}]
    assert patient(name=name).last_name == ("Old" if current else "Lane")
    homes = [{"state": "TX", "period": period}, {"state": "IL"}]
    assert patient(address=homes).state == ("TX" if current else "IL")


def test_a_period_that_cannot_be_read_keeps_the_record_aside():
    assert "period" in reasons(telecom=[MOBILE | {"period": {"end": "last year"}}])


@pytest.mark.parametrize("country", ["US", "USA", "U.S.A.", "usa", "United States", "United States of America", None])
def test_the_united_states_are_known_by_each_of_their_names(country):
    assert patient(address=[{"state": "TX", "postalCode": "79901", "country": country}])[10:12] == ("TX", "79901")


def lines(*resources) -> bytes:
    return b"\n".join(json.dumps(resource).encode() for resource in resources) + b"\n"


def test_a_file_of_one_resource_a_line_is_read():
    good, bad = read(lines(fhir_patient("a"), fhir_patient("b"), fhir_encounter(patient="Patient/b")))
    assert ([row.external_id for row in good], bad) == (["a", "b", "b"], [])
    assert [row.line for row in good] == [1, 2, 3]


BROKEN = {
    "cut off": b'{"resourceType": "Patient", "id": "b", "name": [{"family": "Lane"',
    "of a patient": b'{"resourceType": "Flag", "subject": {"reference": "Patient/b"}, "code": "Lane" "x"}',
    "bytes that are no letters": b'{"resourceType": "Patient", "id": "b", "name": "\xff"}',
    "no resource": b'{"resourceType": "Bundle", "id": "Patient", "patient": {"reference": "Patient/b"}}',
    "nested too deep": b'{"resourceType": "Patient", "id": "b", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
    "endless": b'{"resourceType": "Patient", "id": "b", "x": ' + b"[" * 90_000,
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_line_costs_itself_and_holds_whom_it_may_be_about(line):
    good, bad = read(lines(fhir_patient("a")) + line + b"\n" + lines(fhir_encounter(patient="Patient/a")))
    assert ([row.external_id for row in good], [row.line for row in bad]) == (["a", "a"], [2])
    assert bad[0].about.number == "b" and "Lane" not in bad[0].reasons[0]


def test_a_file_whose_first_line_is_broken_is_read_behind_it():
    good, bad = read(b'{"resourceType": "Patient", "name"\n' + lines(fhir_patient("a"), fhir_patient("b")))
    assert ([row.external_id for row in good], len(bad)) == (["a", "b"], 1)


def test_an_entry_that_is_no_resource_costs_itself():
    content = json.loads(bundle(fhir_patient("a")))
    content["entry"] += ["x", {"resource": None}, {"resource": {"id": "b"}}, {"request": {"method": "DELETE"}}]
    good, bad = read(json.dumps(content).encode())
    assert (len(good), [row.line for row in bad]) == (1, [2, 3, 4])


@pytest.mark.parametrize(
    "content",
    [
        b'{\n"resourceType": "Patient"}\n{\n"resourceType": "Patient", "name": [{"family": "Lane"',
        b'{\n"resourceType": "Patient"}\n{\n"resourceType": "Bundle", "name": "Lane"}',
        b'{"resourceType": "Bundle", "entry": [{"resource": {"family": "Lane" "x"}}]}',
    ],
)
def test_what_cannot_be_read_is_refused_without_quoting_anybody(content):
    with pytest.raises(Unreadable) as refused:
        opened(content, "b.json")
    assert "Lane" not in str(refused.value) and str(refused.value).startswith("b.json: ")
