"""FHIR R4 bundles: patients and what happened to them; and bundles that are none of ours."""

import json
from datetime import date

import pytest

from ops.imports.reading.records import Unreadable
from tests.exports import bundle, fhir_encounter, fhir_patient, fhir_procedure, opened, read


def refused(content):
    with pytest.raises(Unreadable) as problem:
        opened(content, "b.json")
    return str(problem.value)


def test_patients_encounters_and_procedures_are_read_and_the_rest_is_not():
    content = bundle(fhir_procedure(), fhir_encounter(), fhir_patient(), {"resourceType": "Observation", "id": "o"})
    good, bad = read(content)
    assert not bad
    patient, procedure, encounter = good
    assert patient.patient[1:6] == ("p-1", "Ada May", "Lane", date(1985, 3, 12), None)
    assert (patient.patient.phone, patient.patient.email) == ("+13125550102", "ada@example.com"), "mobile before home"
    assert (patient.patient.state, patient.patient.zip, patient.patient.language) == ("IL", "60601", "es")
    assert (procedure.milestone.kind, procedure.external_id) == ("treatment_completed", "p-1")
    assert (encounter.milestone.kind, encounter.milestone.happened_on) == ("visit", date(2026, 5, 1)), "in Chicago"
    assert [row.line for row in good] == [3, 1, 2], "a line is the number of the entry"


def test_only_what_was_finished_happened():
    content = bundle(
        fhir_patient(),
        fhir_encounter(status="planned"),
        fhir_procedure(status="entered-in-error"),
        fhir_procedure("d-2"),
    )
    good, bad = read(content)
    held = [row.milestone.treatment for row in good if row.milestone and not row.left_out]
    assert (held, bad) == (["Chemical peel"], [])


@pytest.mark.parametrize("death", [{"deceasedDateTime": "2020-02-03T10:00:00-06:00"}, {"deceasedBoolean": True}])
def test_the_dead_are_known_by_day_or_by_word(death):
    (patient,), _ = read(bundle(fhir_patient(**death)))
    assert patient.patient.deceased
    assert patient.patient.death_date == (date(2020, 2, 3) if "deceasedDateTime" in death else None)


def test_a_reference_is_followed_in_each_of_its_forms():
    patient = fhir_patient("17")
    for reference in ("urn:uuid:17", "Patient/17", "https://ehr.example.com/fhir/Patient/17"):
        good, bad = read(bundle(patient, fhir_encounter(patient=reference)))
        assert ([row.external_id for row in good], bad) == (["17", "17"], [])


def test_a_missing_reference_says_which_entry_lacks_it():
    content = bundle(fhir_patient(), fhir_encounter(subject={}), fhir_procedure(performedPeriod={}))
    good, bad = read(content)
    assert len(good) == 1
    assert bad[0].reasons == ("entry 2, Encounter e-1: no reference to a patient (subject)",)
    assert bad[1].reasons == ("entry 3, Procedure d-1: no date on which it happened",)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"birthDate": "1985-13"}, "not a date"),
        ({"birthDate": "2027-01-01"}, "born in the future"),
        ({"name": []}, "no name"),
        ({"name": "Ada"}, "not built as FHIR R4 says"),
        ({"telecom": [{"system": "phone", "value": "Ada"}]}, "not a phone number"),
        ({"name": [{"family": "La\0ne"}]}, "not a name"),
        ({"name": [{"family": "La\ud800ne"}]}, "not a name"),
        ({"id": "p-1", "telecom": [{"system": "phone", "value": "312-555-0101\0"}]}, "not a phone number"),
    ],
)
def test_a_wrong_patient_is_quarantined_with_entry_and_reason(wrong, reason):
    good, bad = read(bundle(fhir_patient(**wrong), fhir_patient("p-2")))
    assert [row.external_id for row in good] == ["p-2"]
    assert bad[0].reasons[0].startswith("entry 1, Patient p-1: ")
    assert reason in bad[0].reasons[0]


def test_a_quarantined_resource_is_kept_without_what_we_never_read():
    _, (row,) = read(
        bundle(fhir_patient(birthDate="soon", text={"div": "notes"}, identifier=[{"value": "999-00-1111"}]))
    )
    kept = json.loads(row.cells[0])
    assert kept["birthDate"] == "soon" and kept["id"] == "p-1"
    assert "notes" not in row.cells[0] and "999-00-1111" not in row.cells[0]


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        (fhir_encounter(actualPeriod={"start": "2026-05-02"}), "R5"),
        (fhir_encounter(**{"class": [{"text": "x"}]}), "R5"),
        (fhir_encounter(**{"class": "ambulatory"}), "DSTU2"),
        (fhir_procedure(occurrenceDateTime="2026-05-02"), "R5"),
        (fhir_procedure(context={"reference": "x"}), "STU3"),
        (fhir_patient(name=[{"family": ["Lane"]}]), "DSTU2"),
        (fhir_patient(meta={"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|5.0.0"]}), "R5"),
        (fhir_patient(meta={"profile": ["http://hl7.org/fhir/3.0/StructureDefinition/Patient"]}), "STU3"),
        ({"resourceType": "CapabilityStatement", "id": "c", "fhirVersion": "5.0.0"}, "5.0.0"),
    ],
)
def test_another_version_is_refused_with_what_shows_it_and_where(resource, version):
    told = refused(bundle(fhir_patient("p-0"), resource))
    assert f"entry 2 ({resource['resourceType']} {resource['id']})" in told
    assert f"FHIR {version}" in told and "Only FHIR R4" in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"resourceType": "Patient", "id": "1"}', "a FHIR Patient; a Bundle"),
        (b'{"resourceType": "Bundle", "entry": []}', "empty"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"', "broken JSON"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"id": "\xff"}}]}', "broken JSON"),
        (b'{"resourceType": "Bundle"} {', "broken JSON"),
        (b'{"name": "Ada"}', "no resourceType"),
    ],
)
def test_what_is_no_bundle_is_refused_before_anything_is_read(content, told):
    assert told in refused(content)


def test_a_bundle_of_hospitals_is_ignored_and_says_what_it_holds():
    source = opened(bundle({"resourceType": "Organization", "id": "1"}, {"resourceType": "Location", "id": "2"}))
    assert source.ignored
    assert source.notes == ["Holds no patients, encounters or procedures, only Location, Organization."]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("[" * 200_000 + "]" * 200_000, "nested deeper than 100 levels"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "nested deeper than 100 levels"),
        ("[" + "{}," * 300_000 + "{}]", "one entry holds more than 500,000 values"),
        ("9" * 5_000, "broken JSON"),  # ijson crashed the process on it
    ],
    ids=["lists", "objects", "many", "number"],
)
def test_json_made_to_fill_the_memory_is_refused_at_once(entry, told):
    with pytest.raises(Unreadable, match=told):
        opened('{"resourceType":"Bundle","type":"collection","entry":[' + entry + "]}", "b.json")
