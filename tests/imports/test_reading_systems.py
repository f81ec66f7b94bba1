"""What exports of practice systems write in ways of their own, with invented people under their headers."""

import pytest

from ops.imports.reading.fields import Field, plain
from ops.imports.reading.permission_headers import by_words
from ops.imports.reading.recognising import recognise
from tests.exports import read

VISITS = "appointmentId,clientId,appointmentDate,startTime,serviceName,state"


def field(header: str, *others: str) -> Field | None:
    return recognise([*others, header]).field_of(header)


@pytest.mark.parametrize(
    ("state", "held"), [("PAID", True), ("BOOKED", False), ("CANCELLED", False), ("no_show", False)]
)
def test_a_state_in_a_table_of_visits_is_what_became_of_them(state, held):
    good, bad = read(f"{VISITS}\npa1,ph1,2026-05-04,10:00,Peel,{state}\n")
    assert not bad and (good[0].left_out is None) is held


def test_a_state_beside_an_address_is_a_place_and_one_nobody_knows_keeps_a_visit_aside():
    head = "Patient ID,First Name,Appt Date,Service"
    good, _ = read(f"{head},City,State,Zip\n1,Ada,2026-05-05,Botox,El Paso,TX,79901\n")
    assert good[0].patient.state == "TX" and good[0].left_out is None
    assert not read(f"{VISITS}\npa1,ph1,2026-05-04,10:00,Peel,PERHAPS\n")[0]


def test_a_start_is_the_date_of_a_visit_where_there_is_no_other():
    good, bad = read(
        "Visit Id,Guest Code,Guest Name,Service Name,Start Time,Status\n9,1A,Jo Hall,Peel,2026-05-04 10:00,Closed\n"
    )
    assert not bad and str(good[0].milestone.happened_on) == "2026-05-04" and good[0].external_id == "1A"
    head = "Start Time,End Time,First Name,Last Name,Phone,Email,Type,Calendar"
    good, _ = read(f'{head}\n"May 4, 2026 10:00 am",,Abe,Nile,\'+13125550191,,Botox,Lake\n')
    assert good[0].milestone.treatment == "Botox" and good[0].patient.phone == "+13125550191"


@pytest.mark.parametrize(
    ("header", "meaning"),
    [("Receive Transactional SMS", Field.TEXT_OK), ("SMS Alert", Field.TEXT_OK), ("Email Alerts", Field.EMAIL_OK)],
)
def test_permission_is_known_under_rarer_words(header, meaning):
    assert by_words(plain(header)) is meaning


def test_who_was_removed_from_a_list_of_patients_is_not_contacted_and_a_removed_visit_is_none():
    good, _ = read(
        "clientId,firstName,mobile,banned,deleted\n1,Ada,3125550101,true,false\n2,Bea,3125550102,false,true\n"
    )
    assert [row.opt_outs[0].channel for row in good] == ["all", "all"]
    good, _ = read("clientId,appointmentDate,serviceName,deleted\n1,2026-05-04,Peel,true\n")
    assert not good[0].opt_outs and good[0].left_out


def test_a_day_in_a_column_of_refusals_is_one():
    good, _ = read("Patient ID,First Name,Email Unsubscribed\n1,Ada,2026-01-05\n2,Bea,0000-00-00\n")
    assert [bool(row.opt_outs) for row in good] == [True, False]


@pytest.mark.parametrize(
    ("header", "meaning"),
    [("Customer Phone", Field.PHONE), ("Phone (Cell)", Field.MOBILE), ("Customer First Name", Field.FIRST_NAME),
     ("Guest Code", Field.EXTERNAL_ID), ("Night Phone", Field.HOME_PHONE)],
)  # fmt: skip
def test_headers_that_name_whose_they_are_are_known(header, meaning):
    assert field(header, "Birthday", "Name") is meaning


def test_a_visit_called_off_in_a_column_that_is_not_read_says_nothing_of_contacting_the_patient():
    head = VISITS + ",activationState,notes"
    _, bad = read(f"{head}\npa1,ph1,2026-05-04,10:00,Peel,PAID,CANCELED,\npa2,ph2,2026-05-04,10:00,Peel,PAID,,DNC\n")
    assert [row.about and row.about.number for row in bad] == [None, "ph2"]
