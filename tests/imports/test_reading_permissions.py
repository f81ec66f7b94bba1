"""Columns that say who refused, who died and what became of a visit: understood or kept aside, never taken for yes."""

import pytest

from ops.imports.reading.answers import read_permission, read_yes
from ops.imports.reading.fields import Field
from ops.imports.reading.recognising import Profile, mapped, recognise
from ops.imports.reading.records import Unclear, Unreadable
from tests.exports import opened, read


def said(header: str, cell: str) -> set[str] | str:
    """The channels a row's cell under `header` refuses, or why the row is kept aside."""
    good, bad = read(f"Patient ID,First Name,Last Name,DOB,Mobile,{header}\n1,Ada,Lane,1985-03-12,3125550101,{cell}\n")
    return {out.channel for out in good[0].opt_outs} if good else bad[0].reasons[0]


def test_yes_no_and_permission_are_never_guessed():
    assert [read_yes(text) for text in ("Yes", "TRUE", "1", "no", "", "0")] == [True] * 3 + [False] * 3
    assert [read_permission(text) for text in ("Yes", "No", "2", "?", "")] == [True, False, False, None, None]
    for text in ("maybe", "after 5pm", "2026-01-01", "#N/A", "#REF!", "never opted out"):
        with pytest.raises(Unclear, match="neither yes nor no"):
            read_yes(text)
    for text in ("maybe", "#N/A", "pending", "none"):
        with pytest.raises(Unclear, match="neither yes nor no"):
            read_permission(text)


@pytest.mark.parametrize(
    ("header", "cell", "refused"),
    [
        ("SMS Opt Out", "Opted Out", {"sms"}),
        ("SMS Opt Out", "Opted In", set()),
        ("SMS Opt In", "Opted Out", {"sms"}),
        ("SMS Opt In", "Opted In", set()),
        ("Email Opt Out", "Opted Out", {"email"}),
        ("Opt Out", "X", {"all"}),
        ("Opt In", "No", {"all"}),
        ("Do Not Call", "OK to call", set()),
        ("OK to call", "Do not call", {"call"}),
        ("OK to Text", "No", {"sms"}),
        ("OK to Text", "", set()),
        ("DND", "1", {"all"}),
        ("DND", "0", set()),
        ("DND", "Do not text", {"all"}),
        ("Blocked", "Not blocked", set()),
        ("Blocked", "Blocked", {"all"}),
        ("No Texts", "No", set()),
        ("SMS Opt Out", "Do not contact by phone", {"sms", "call"}),
        ("Marketing Opt Out", "Yes", {"all"}),
        ("SMS Marketing Status", "Unsubscribed", {"sms"}),
        ("SMS Marketing Status", "subscribed", set()),
        ("Receive Marketing Emails", "No", {"email"}),
        ("Receive SMS", "No", {"sms"}),
        ("Allow Marketing", "No", {"all"}),
        ("Text Messages", "No", {"sms"}),
        ("Unsubscribed from all email", "true", {"email"}),
        ("Opted out of email: Marketing Information", "true", {"email"}),
        ("Unsubscribe Date", "2026-01-05", {"all"}),
        ("Unsubscribe Date", "0000-00-00", set()),
        ("SMS Consent", "Declined", {"sms"}),
        ("SMS Consent", "Unknown", set()),
        ("TxtMsgOk", "0", set()),
        ("TxtMsgOk", "1", set()),
        ("TxtMsgOk", "2", {"sms"}),
        ("PreferConfirmMethod", "1", {"call"}),
        ("PreferConfirmMethod", "4", set()),
        ("Contact Method", "Text only", {"call", "email"}),
        ("Preferred Contact Method", "Email", set()),
        ("Preferred Contact Method", "Do not contact", {"all"}),
        ("Patient Status", "Do Not Contact", {"all"}),
        ("Patient Status", "Active - do not call", {"call"}),
        ("Patient Status", "Deleted", {"all"}),
        ("PatStatus", "4", {"all"}),
    ],
)
def test_the_direction_of_the_column_and_of_the_word_are_read_together(header, cell, refused):
    assert said(header, cell) == refused


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Do Not Contact", "#N/A"),
        ("Do Not Contact", "#REF!"),
        ("SMS Opt Out", "maybe"),
        ("SMS Opt Out", "Declined"),
        ("SMS Opt Out", "?"),
        ("OK to Text", "Pending"),
        ("Communication Preference", "None"),
        ("PreferConfirmMethod", "6"),
        ("Patient Status", "Archived"),
        ("Patient Status", "Spouse deceased"),
        ("Deceased", "2020?"),
    ],
)
def test_what_is_understood_in_neither_direction_keeps_the_row_aside(header, cell):
    assert f"{header}: {cell!r} is n" in said(header, cell)


@pytest.mark.parametrize("status", ["Deceased", "Deceased (family notified)", "Inactive/Deceased", "Passed away 2024"])
def test_a_death_is_found_among_other_words(status):
    (row,), _ = read(f"Patient ID,First Name,Patient Status\n1,Ada,{status}\n")
    assert row.patient.deceased


def test_a_death_in_a_file_of_visits_is_a_refusal_since_the_patient_stands_elsewhere():
    good, _ = read("Patient ID,Appt Date,Service,Deceased\n1,2026-05-02,Botox,Yes\n2,2026-05-02,Botox,No\n")
    assert [[out.channel for out in row.opt_outs] for row in good] == [["all"], []]


@pytest.mark.parametrize(
    "header", ["Photo Consent", "Opt In / Opt Out", "Vital Status", "Recall Status", "Cause of Death", "Comm. Pref"]
)
def test_a_column_that_may_be_a_refusal_and_is_not_understood_stops_the_run_with_its_name(header):
    content = f"Patient ID,First Name,{header}\n1,Ada,x\n"
    with pytest.raises(Unreadable, match=f"the column '{header}' may say who refused"):
        opened(content)


@pytest.mark.parametrize(
    "header", ["Phone No", "Notes", "Marital Status", "Contact Date", "Recall Date", "Option", "No"]
)
def test_an_innocent_column_stops_nothing(header):
    assert opened(f"Patient ID,First Name,{header}\n1,Ada,x\n").asks == []


def test_a_person_can_say_that_such_a_column_means_nothing_and_only_that_one_is_settled():
    columns = {"patientid": Field.EXTERNAL_ID, "firstname": Field.FIRST_NAME}
    profile = mapped("ours", columns, unused=["photoconsent"])
    assert Profile.from_json(profile.as_json()) == profile
    assert read("Patient ID,First Name,Photo Consent\n1,Ada,x\n", profile=profile)[1] == []
    with pytest.raises(Unreadable, match="'Vital Status' may say"):
        opened("Patient ID,First Name,Photo Consent,Vital Status\n1,Ada,x,dead\n", profile=profile)


@pytest.mark.parametrize("header", ["Receive SMS", "DND", "Deceased", "Date of Death", "Patient Status"])
def test_a_mapping_made_before_there_was_such_a_column_does_not_drop_it(header):
    profile = mapped("ours", {"patientid": Field.EXTERNAL_ID, "firstname": Field.FIRST_NAME})
    with pytest.raises(Unreadable, match=f"'{header}' may say"):
        opened(f"Patient ID,First Name,{header}\n1,Ada,x\n", profile=profile)


def held(header: str, cell: str) -> str:
    """What becomes of a visit with this cell."""
    good, bad = read(f"Patient ID,Appt Date,Service,{header}\n1,2026-05-02,Botox,{cell}\n")
    if bad:
        return "aside"
    return good[0].left_out or ("stored" if good[0].milestone else "lost")


@pytest.mark.parametrize(
    ("header", "cell", "becomes"),
    [
        ("Status", "completed", "stored"),
        ("Appointment Status", "Checked out", "stored"),
        ("Status", "cancelled", "not_held"),
        ("Status", "Cancelled by patient", "not_held"),
        ("Status", "no-show", "not_held"),
        ("Status", "Late Cancel", "not_held"),
        ("Status", "pending", "not_held"),
        ("Status", "Rescheduled", "not_held"),
        ("Appointment Status", "Booked", "not_held"),
        ("Appointment Status", "Confirmed", "not_held"),
        ("Status", "Grüßgott", "aside"),
        ("Status", "not cancelled", "aside"),
        ("Status", "", "aside"),
        ("Status", "2", "aside"),
        ("AptStatus", "2", "stored"),
        ("AptStatus", "5", "not_held"),
        ("Cancelled", "Yes", "not_held"),
        ("Cancelled", "No", "stored"),
        ("Cancelled", "", "stored"),
        ("Cancelled", "#REF!", "aside"),
        ("No Show", "1", "not_held"),
        ("No-Show?", "N", "stored"),
        ("Cancelled At", "2026-05-01 10:00", "not_held"),
        ("Cancellation Reason", "sick", "not_held"),
        ("Completed", "No", "not_held"),
        ("Completed", "Yes", "stored"),
    ],
)
def test_only_a_visit_that_was_completed_is_a_treatment_and_an_unknown_word_keeps_it_aside(header, cell, becomes):
    assert held(header, cell) == becomes


def test_any_column_can_say_that_the_visit_was_not_held():
    content = "Patient ID,Appt Date,Service,Status,No Show\n1,2026-05-02,Botox,Completed,Yes\n"
    assert read(content)[0][0].left_out == "not_held"


def test_a_visit_ahead_is_left_out_by_name():
    content = "Patient ID,Appt Date,Service,Status\n1,2026-08-02,Botox,Booked\n2,2026-08-02,Botox,Completed\n"
    (row,), (bad,) = read(content)
    assert row.left_out == "future"
    assert "completed in the future" in bad.reasons[0]


@pytest.mark.parametrize("header", ["Cancelled Or Moved To", "Visit Disposition Code"])
def test_a_column_beside_dates_that_may_call_a_visit_off_stops_the_run(header):
    with pytest.raises(Unreadable, match="may say"):
        opened(f"Patient ID,Appt Date,Service,{header}\n1,2026-05-02,Botox,y\n")


def test_a_bare_status_is_the_patients_in_a_list_of_patients():
    (row,), _ = read("Patient ID,First Name,Last Visit,Status\n1,Ada,2026-05-02,Deceased\n")
    assert (row.patient.deceased, row.milestone is not None) == (True, True)


@pytest.mark.parametrize(
    ("headers", "of"),
    [
        ("Id,NAME,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE", "payers"),
        ("START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION", "conditions, allergies"),
        ("START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES", "medications"),
        ("START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,UDI", "devices"),
        ("Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,APPOINTMENTID,SERVICEDATE,STATUS1", "claims"),
        ("DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS", "observations"),
        ("DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST", "immunizations"),
        ("Claim Number,Patient Name,Phone,Service Date,Procedure,Billed Amount", "claims"),
        ("Patient Name,DOB,Medication,Start Date", "medications"),
        ("Patient ID,Patient Name,Diagnosis,Date", "diagnoses"),
        ("First Name,Last Name,NPI,Specialty,Phone,Email", "providers"),
        ("Insurance Company,Name,Phone", "payers"),
        ("SKU,Name,Stock", "products"),
    ],
)
def test_a_table_of_neither_patients_nor_visits_is_refused_by_what_it_is_of(headers, of):
    source = opened(headers + "\n" + ",".join("x" for _ in headers.split(",")) + "\n")
    assert source.ignored and of in source.notes[0]


@pytest.mark.parametrize(
    "headers",
    [
        "First Name,Last Name,DOB,Mobile,Allergies,Medications,Insurance Company",
        "Patient ID,Visit Date,Service,Diagnosis,Payment Method",
    ],
)
def test_patients_and_visits_with_such_columns_beside_are_still_read(headers):
    assert not opened(headers + "\n").ignored


def test_a_date_in_a_table_that_never_speaks_of_a_visit_is_no_visit():
    columns = recognise(["Patient Name", "Mobile", "Date", "Amount"]).columns
    assert Field.HAPPENED not in columns.values()
    assert Field.HAPPENED in recognise(["Patient Name", "Mobile", "Date", "Service"]).columns.values()
