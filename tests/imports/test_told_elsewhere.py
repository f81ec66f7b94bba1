"""A no, a death, an age or a visit called off that stands where no column of ours is: in Spanish, in the name of a
file or of a sheet, in an age, behind a name, in a bundle's Consent."""

import io
import json

import pytest
import xlsxwriter

from ops.imports.reading.fields import plain
from ops.imports.reading.permission_headers import must_be_asked
from ops.imports.reading.records import BadRow, Unreadable
from ops.imports.reading.sources import open_source
from tests import exports

HEAD = "Patient ID,First Name,Last Name,Mobile"


def rows(text: str, name: str = "a.csv") -> list:
    return list(open_source(io.BytesIO(text.encode()), name).rows(exports.ZONE, exports.TODAY))


def held(header: str, cell: str, head: str = HEAD) -> bool:
    (row,) = rows(f"{head},{header}\n1,Ada,Lane,312-555-0101,{cell}\n")
    return isinstance(row, BadRow)


@pytest.mark.parametrize(
    "header",
    ["Autoriza llamadas", "Acepta publicidad", "Estado del paciente", "Baja publicidad", "¿Desea recibir llamadas?",
     "Estado", "Fallecido", "Litigator", "Legal Hold"],
)  # fmt: skip
def test_headers_of_permission_and_death_are_asked_about_in_spanish_too(header):
    assert must_be_asked(plain(header), dated=False)


@pytest.mark.parametrize("header", ["Estado de la cita", "¿Asistió?", "Cita cancelada", "Asistencia"])
def test_headers_of_what_became_of_a_visit_are_asked_about_in_spanish_too(header):
    assert must_be_asked(plain(header), dated=True)


@pytest.mark.parametrize("header", ["Estado civil", "Ciudad", "Nombre", "Notas", "Invoice Status"])
def test_innocent_headers_are_not_asked_about(header):
    assert not must_be_asked(plain(header), dated=False)


def test_invoice_status_is_no_word_about_voice():
    assert not held("Invoice Status", "Paid")


@pytest.mark.parametrize(
    ("header", "cell"),
    [("Age", "16"), ("Age", "17 yrs"), ("Age", "9 months"), ("Edad", "16 años"), ("Minor", "Yes"),
     ("Menor de edad", "Sí"), ("Is Adult", "No"), ("Year of Birth", "2012"), ("Patient Type", "Pediatric")],
)  # fmt: skip
def test_whoever_an_unread_column_calls_a_minor_is_kept_aside(header, cell):
    assert held(header, cell)


@pytest.mark.parametrize(
    ("header", "cell"),
    [("Age", "41"), ("Age", "n/a"), ("Edad", "41 años"), ("Minor", "No"), ("Is Adult", "Yes"), ("Patient Type", "VIP"),
     ("Year of Birth", "1980"), ("Relationship", "Child")],
)  # fmt: skip
def test_whoever_no_column_calls_a_minor_is_read(header, cell):
    assert not held(header, cell)


def test_a_minor_by_one_of_two_birth_dates_is_kept_aside():
    text = "Patient ID,First Name,DOB,Date of Birth\n1,Ada,1980-01-01,2012-01-01\n2,Bea,1980-01-01,1/1/1980\n"
    ada, bea = rows(text)
    assert isinstance(ada, BadRow) and bea.patient.birth_date.year == 1980


def test_a_birth_date_is_known_by_its_spanish_name():
    (row,) = rows("Patient ID,First Name,Fecha de nacimiento\n1,Ada,12-mar-2012\n")
    assert row.patient.birth_date.isoformat() == "2012-03-12"


@pytest.mark.parametrize(
    "cell",
    ["pt asked us to never contact her again", "Patient passed away 3/2024", "No phone calls!!", "RIP", "Banned",
     "Do Not Book", "Attorney - do not contact", "NO LLAMAR", "Pt requests no contact", "take me off your list",
     "Fallecida"],
)  # fmt: skip
def test_a_note_that_refuses_or_tells_of_a_death_keeps_its_row_aside(cell):
    assert held("Alert", cell)


@pytest.mark.parametrize("cell", ["likes tea", "Rip", "her husband died in May", "do not use latex", "never smoked"])
def test_an_innocent_note_does_not(cell):
    assert not held("Alert", cell)


@pytest.mark.parametrize("last", ["Lane - RIP", "Lane †", "Lane (minor)"])
def test_a_mark_behind_a_name_keeps_the_row_aside(last):
    (row,) = rows(f"{HEAD}\n1,Ada,{last},312-555-0101\n")
    assert isinstance(row, BadRow)


def test_flags_in_names_are_read_in_spanish_too():
    bea, cleo, minor = rows(f"{HEAD}\n1,Bea NO LLAMAR,Lane,\n2,Cleo (Fallecida),Cole,\n3,Ada,Minor,\n")
    assert [(row.patient.first_name, bool(row.opt_outs), row.patient.deceased) for row in (bea, cleo, minor)] == [
        ("Bea", True, False),
        ("Cleo", False, True),
        ("Ada", False, False),
    ]


@pytest.mark.parametrize(
    "name",
    ["unsubscribed_members_export_4f2a.csv", "Do Not Call list.csv", "deceased patients.csv", "bajas.csv", "DNC.csv",
     "SmsOptOuts.csv"],
)  # fmt: skip
def test_a_file_that_refuses_by_its_name_alone_is_not_loaded(name):
    with pytest.raises(Unreadable, match="its name says"):
        rows(f"{HEAD},Opt-in Time\n1,Ada,Lane,312-555-0101,2025-01-01\n", name)
    assert rows(f"{HEAD},Do Not Contact\n1,Ada,Lane,312-555-0101,yes\n", name)[0].opt_outs


@pytest.mark.parametrize("name", ["patients cleaned.csv", "dance studio clients.csv", "baja california.csv"])
def test_a_file_with_an_innocent_name_is_loaded(name):
    assert rows(f"{HEAD}\n1,Ada,Lane,312-555-0101\n", name)


def test_a_list_of_cancelled_visits_by_its_name_alone_is_not_loaded():
    text = "Patient ID,First Name,Appt Date,Service\n1,Ada,2026-05-05,Botox\n"
    with pytest.raises(Unreadable, match="did not take place"):
        rows(text, "Cancelled appointments.csv")
    assert rows(text, "appointments.csv")[0].milestone


def test_a_sheet_of_refusals_beside_the_one_that_is_read_stops_the_load():
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    for title in ("Clients", "Do Not Contact"):
        sheet = book.add_worksheet(title)
        sheet.write_row(0, 0, HEAD.split(","))
        sheet.write_row(1, 0, ["2", "Bea", "Cole", "312-555-0102"])
    book.close()
    with pytest.raises(Unreadable, match="'Do Not Contact'"):
        open_source(content, "a.xlsx")


@pytest.mark.parametrize("header", ["Did not arrive", "On Wait List", "Kept?"])
def test_a_visit_is_not_held_by_rarer_words_too(header):
    text = f"Patient ID,First Name,Appt Date,Service,{header}\n1,Ada,2026-05-05,Botox,"
    yes, no = rows(text + "Yes\n")[0], rows(text + "No\n")[0]
    kept = header.startswith("Kept")
    assert (yes.left_out is None, no.left_out is None) == (kept, not kept)


def test_a_state_that_is_a_status_of_the_visit_is_no_place():
    head = "Patient ID,First Name,Appt Date,Service,State\n"
    booked, abroad = rows(f"{head}1,Ada,2026-05-05,Botox,BOOKED\n2,Bea,2026-05-05,Botox,Kuwait\n")
    assert isinstance(booked, BadRow) and abroad.milestone


def person(**more) -> dict:
    return {"resourceType": "Patient", "id": "a", "name": [{"given": ["Ada"], "family": "Lane"}], **more}


def of_bundle(*resources: dict) -> list:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}
    return rows(json.dumps(bundle), "a.json")


A = {"reference": "Patient/a"}
NO = {"url": "http://example.com/do-not-contact", "valueBoolean": True}
FLAG = {"resourceType": "Flag", "status": "active", "subject": A, "code": {"text": "Do not contact"}}
DENIED = {"resourceType": "Consent", "status": "active", "patient": A, "provision": {"type": "deny"}}


ODDLY = [FLAG | {"code": code} for code in ([1], {"coding": [None]}, {"coding": 5}, "x", None)]
ODDLY += [FLAG | {"status": []}, FLAG | {"status": "on"}, DENIED | {"provision": []}, DENIED | {"status": "rejected"}]
ODDLY += [FLAG | {"status": "on", "code": {"text": "Fall risk"}}]
ODDLY += [DENIED | {"status": status, "provision": {"type": "permit"}} for status in ("rejected", None)]
ODDLY += [DENIED | {"provision": {"type": "permit", "provision": [{"type": "deny"}]}}]
ODDLY += [DENIED | {"provision": {}, "policyRule": {"coding": [{"code": "OPTOUT"}]}}]


@pytest.mark.parametrize("resource", [FLAG, DENIED, *ODDLY])
def test_a_flag_or_a_consent_that_may_say_no_holds_its_patient_whether_they_are_in_the_bundle_or_not(resource):
    person_a, aside = of_bundle(person(), resource)
    assert person_a.patient and isinstance(aside, BadRow) and aside.about.number == "a"
    assert of_bundle(resource)[0].about.number == "a"


@pytest.mark.parametrize(
    "patient",
    [person(extension=[NO]), person(telecom=[{"system": "phone", "value": "312-555-0101", "extension": [NO]}]),
     person(active=False), person(name=5), person(birthDate="soon")],
)  # fmt: skip
def test_a_patient_who_refuses_or_cannot_be_read_is_kept_aside_and_held(patient):
    (row,) = of_bundle(patient)
    assert isinstance(row, BadRow) and row.about.number == "a"


def test_a_visit_that_cannot_be_read_holds_its_patient():
    visit = {"resourceType": "Encounter", "id": "e", "status": "over", "subject": A}
    assert of_bundle(person(), visit)[1].about.number == "a"


@pytest.mark.parametrize(
    "resources",
    [(person(), FLAG | {"status": "inactive"}), (person(), FLAG | {"code": {"text": "Fall risk"}}),
     (DENIED | {"provision": {"type": "permit"}}, person()), (person(extension=[NO | {"valueBoolean": False}]),)],
)  # fmt: skip
def test_a_patient_who_does_not_is_read(resources):
    (row,) = of_bundle(*resources)
    assert not isinstance(row, BadRow)


def test_flags_and_consents_that_name_nobody_as_they_should_do_not_end_the_bundle():
    ada, *aside = of_bundle(
        person(), FLAG | {"subject": 7}, {"resourceType": "Consent", "patient": [], "provision": []}
    )
    assert ada.patient.first_name == "Ada" and [row.about.number for row in aside] == ["", ""]
