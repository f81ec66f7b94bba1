"""From a row to a patient, a milestone and opt-outs, or to the reasons why it is kept aside whole."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.imports.reading.records import LeftOut, OptOut
from ops.practices.us import ELSEWHERE
from tests.exports import read

HEAD = "Patient ID,First Name,Last Name,DOB,Mobile,Home Phone,Email,State,Zip,DND,Date,Service\n"
GOOD = "1,Ada,Lane,3/12/1985,312-555-0101,,ada@example.com,IL,60601,no,5/2/2026,Botox\n"


def one(**cells):
    """The reading of one otherwise good row with these cells instead; keys are headers without spaces."""
    values = dict(zip(HEAD.strip().replace(" ", "").split(","), GOOD.strip().split(","), strict=True)) | cells
    good, bad = read(HEAD + ",".join(values.values()) + "\n")
    return (good or bad)[0]


def test_a_good_row_is_a_patient_and_a_milestone():
    row = one()
    assert row.patient[1:6] == ("1", "Ada", "Lane", date(1985, 3, 12), None)
    assert row.patient.phone == "+13125550101"
    assert (row.milestone.happened_on, row.milestone.kind) == (date(2026, 5, 2), "treatment_completed")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"DOB": "6/16/2026"}, "DOB: born in the future"),
        ({"DOB": "31/12/1985"}, "DOB: '31/12/1985' is not a date that exists"),
        ({"Mobile": "Lane"}, "Mobile: 'Lane' is not a phone number"),
        ({"HomePhone": "unlisted number"}, "Home Phone: 'unlisted number' is not a phone number"),
        ({"Email": "ada at example"}, "Email: 'ada at example' is not an email address"),
        ({"DND": "perhaps"}, "DND: 'perhaps' is neither yes nor no"),
        ({"FirstName": "", "LastName": " "}, "no name"),
        ({"Date": "7/1/2029"}, "Date: 2029-07-01 is more than two years ahead"),
        ({"Date": "1/1/1985"}, "treated (1985-01-01) before being born (1985-03-12)"),
        ({"PatientID": "9" * 201}, "the patient's number is longer than 200 characters"),
    ],
)
def test_one_wrong_cell_quarantines_the_row_whole_with_the_reason(cells, reason):
    row = one(**cells)
    assert row.reasons == (row.reasons[0],)
    assert row.reasons[0].startswith(reason)
    assert len(row.cells) == 12


def test_every_wrong_cell_is_named_at_once():
    row = one(DOB="soon", Email="nobody")
    assert [reason.split(":")[0] for reason in row.reasons[:2]] == ["DOB", "Email"]


@pytest.mark.parametrize("by", range(1, 8))
def test_a_shifted_row_is_never_half_read(by):
    cells = GOOD.strip().split(",")
    shifted = cells[-by:] + cells[:-by]
    good, bad = read(HEAD + ",".join(shifted) + "\n")
    assert not good
    assert bad[0].cells == shifted
    assert "shifted" in bad[0].reasons[-1]


def test_one_unknown_state_only_narrows_the_hours_but_two_odd_cells_are_a_shift():
    assert one(State="Chicago").patient.state == ELSEWHERE
    assert one(Zip="abc").patient.zip == ELSEWHERE
    assert "shifted" in one(State="Chicago", Zip="IL").reasons[-1]


def test_the_mobile_wins_and_a_number_that_cannot_be_dialled_gives_way_to_one_that_can():
    assert one(HomePhone="312-555-0199").patient.phone == "+13125550101"
    row = one(Mobile="555-860-6812", HomePhone="312-555-0199")
    assert (row.patient.phone, row.patient.phone_raw) == ("+13125550199", "312-555-0199")


def test_a_patient_whose_only_number_cannot_be_dialled_is_kept_without_a_phone():
    row = one(Mobile="555-860-6812")
    assert (row.patient.phone, row.patient.phone_raw) == (None, "555-860-6812")


def test_a_number_of_somebody_who_lives_abroad_is_ours_only_if_it_says_so():
    def phone(number, country):
        good, _ = read(f"Patient ID,First Name,Mobile,State,Country\n1,Ada,{number},,{country}\n")
        return good[0].patient.phone, good[0].patient.phone_raw, good[0].patient.state

    assert phone("222 123 4567", "Mexico") == (None, "222 123 4567", ELSEWHERE)
    assert phone("+1 312 555 0101", "Mexico") == ("+13125550101", "+1 312 555 0101", ELSEWHERE)
    assert phone("312-555-0101", "Canada") == ("+13125550101", "312-555-0101", ELSEWHERE)
    assert phone("312-555-0101", "United States of America") == ("+13125550101", "312-555-0101", None)


@pytest.mark.parametrize(
    ("cells", "name", "dead", "channels"),
    [
        ({"LastName": "Lane (DO NOT TEXT)"}, ("Ada", "Lane"), False, ["sms"]),
        ({"FirstName": "Ada - DNC"}, ("Ada", "Lane"), False, ["all"]),
        ({"LastName": "Lane *DECEASED*"}, ("Ada", "Lane"), True, []),
        ({"FirstName": "Ada no calls", "LastName": "Lane no emails"}, ("Ada", "Lane"), False, ["call", "email"]),
        ({"LastName": "Do Not Contact"}, ("Ada", ""), False, ["all"]),
        ({"LastName": "Lane [deceased] do-not-call", "State": "Chicago"}, ("Ada", "Lane"), True, ["call"]),
        ({"FirstName": "Nocal", "LastName": "Texter-Dncan"}, ("Nocal", "Texter-Dncan"), False, []),
    ],
)
def test_flags_that_front_desks_write_into_names_are_flags(cells, name, dead, channels):
    row = one(**cells)
    assert (row.patient.first_name, row.patient.last_name, row.patient.deceased) == (*name, dead)
    assert [opt_out.channel for opt_out in row.opt_outs] == channels


def test_a_flag_without_a_name_is_nobody():
    assert one(FirstName="DO NOT TEXT", LastName="").reasons == ("no name",)


def test_an_appointment_to_come_is_no_milestone_yet():
    assert one(Date="6/20/2026").left_out is LeftOut.FUTURE
    assert one(Date="").milestone is None


@pytest.mark.parametrize("answer", ["yes", "Y", "TRUE", "1", "x"])
def test_do_not_disturb_is_an_opt_out_from_everything(answer):
    assert one(DND=answer).opt_outs == (OptOut("all", "DND"),)


def test_a_file_without_numbers_tells_people_apart_by_name_birth_date_and_contact():
    head = "First Name,Last Name,DOB,Email\n"
    ada, same, other, mail = read(
        head + "Ada,Lane,3/12/1985,ada@example.com\nADA,Láne,1985-03-12,new@example.com\nAda,Lane,3/13/1985,\n"
        "Ada,Lane,,ada@example.com\n"
    )[0]
    assert ada.external_id == same.external_id, "case and accents differ from system to system"
    assert len({ada.external_id, other.external_id, mail.external_id}) == 3


def test_a_word_in_the_phone_column_tells_nobody_apart():
    _, bad = read("First Name,Last Name,Mobile\nAda,Lane,N/A\nAda,Lane,none\n")
    assert [row.reasons[0].split(":")[0] for row in bad] == ["too little to tell who this is"] * 2


def test_a_two_digit_year_of_a_visit_is_the_last_one_that_is_not_far_ahead():
    assert one(DOB="", Date="5/31/98").milestone.happened_on == date(1998, 5, 31)
    assert one(Date="5/31/26").milestone.happened_on == date(2026, 5, 31)


@pytest.mark.parametrize(
    ("header", "status", "dead"),
    [
        ("PatStatus", "Deceased", True),
        ("PatStatus", "5", True),
        ("PatStatus", "Inactive", False),
        ("Deceased", "yes", True),
        ("Deceased", "no", False),
    ],
)
def test_who_has_died_is_told_by_word(header, status, dead):
    (row,), _ = read(f"Patient ID,First Name,{header}\n1,Ada,{status}\n")
    assert row.patient.deceased is dead


@pytest.mark.parametrize("status", ["5", "Expired"])
def test_a_status_that_may_be_a_death_or_not_is_neither_stored_nor_a_death(status):
    good, (bad,) = read(f"Patient ID,First Name,Client Status\n1,Ada,{status}\n")
    assert (good, bad.reasons) == ([], (f"Client Status: '{status}' is no status of a patient that is known",))


def test_a_row_of_blanks_is_no_row():
    assert read(HEAD + "  ," * 11 + " \n" + GOOD)[0][0].external_id == "1"
    assert read(HEAD + "  ," * 11 + " \n")[1] == []


def test_a_name_alone_is_too_little_to_know_somebody_again():
    _, bad = read("First Name,Last Name,DOB,Email\nAda,Lane,,\n")
    assert bad[0].reasons == ("too little to tell who this is: no number, birth date, phone or email",)


def test_died_before_being_born_is_impossible():
    _, bad = read("Patient ID,First Name,DOB,Death Date\n1,Ada,1985-03-12,1980-01-01\n")
    assert bad[0].reasons == ("died (1980-01-01) before being born (1985-03-12)",)


def test_a_visit_without_a_patient_or_a_date_is_nobodys():
    _, bad = read("Client ID,Appt Date,Service\n,5/2/2026,Botox\n1,,Botox\n")
    assert [row.reasons[0].split(":")[0] for row in bad] == ["no patient number", "no date of the visit"]


def test_a_visit_has_the_same_key_in_the_next_file_however_its_date_is_written():
    head = "Client ID,Appt Date,Service\n"
    keys = {
        read(head + f"1,{text},Botox\n")[0][0].milestone.dedupe_key
        for text in ("5/2/2026 2:05 PM", "2026-05-02 14:05", "2026-05-02T19:05:00Z", "2026-05-02T14:05:00-05:00")
    }
    assert len(keys) == 1
    assert read(head + "1,5/2/2026 14:05,Filler\n")[0][0].milestone.dedupe_key not in keys


def test_a_corrected_visit_keeps_the_key_of_its_number():
    head = "Visit ID,Client ID,Appt Date,Service\n"
    before, after = (read(head + f"V1,1,{day},Botox\n")[0][0].milestone for day in ("5/2/2026", "5/3/2026"))
    assert before.dedupe_key == after.dedupe_key
    assert before.happened_on != after.happened_on


def test_nothing_of_a_description_stands_in_a_key():
    milestone = one(Service="Secret treatment").milestone
    assert "secret" not in milestone.dedupe_key.lower()


@settings(max_examples=200)
@given(st.lists(st.text(max_size=30), min_size=12, max_size=12))
def test_no_cell_whatever_it_holds_makes_the_reader_fail(cells):
    from datetime import date as day

    from ops.imports.reading.cleaning import Cleaner
    from ops.imports.reading.recognising import recognise
    from ops.imports.reading.records import BadRow, GoodRow, Record

    columns = HEAD.strip().split(",")
    row = Cleaner(columns, recognise(columns), "America/Chicago", day(2026, 6, 15))(Record(2, cells))
    assert isinstance(row, GoodRow | BadRow)
    assert isinstance(row, GoodRow) or row.cells == cells


def test_a_father_and_a_son_of_one_name_and_number_are_two_people():
    good, bad = read('Name,Mobile\nJohn Smith,312-555-0101\n"Smith, John, Jr.",312-555-0101\n')
    assert not bad
    assert [row.patient[2:4] for row in good] == [("John", "Smith"), ("John", "Smith")]
    assert good[0].external_id != good[1].external_id
