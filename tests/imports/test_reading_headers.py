"""Which system wrote a file, told by its headers, and what each of them means."""

from datetime import date

import pytest

from ops.imports.reading.fields import Field
from ops.imports.reading.recognising import Profile, mapped, recognise
from ops.imports.reading.records import LeftOut, OptOut, Unreadable
from tests import exports
from tests.exports import opened, read


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (exports.FRESHA, "fresha", "patients"),
        (exports.OPEN_DENTAL, "open-dental", "both"),
        (exports.MINDBODY, "mindbody", "patients"),
        (exports.MED_SPA_CLIENTS, "med-spa-clients", "patients"),
        (exports.MED_SPA_VISITS, "med-spa-visits", "visits"),
        (exports.SYNTHEA_PATIENTS, "synthea-patients", "patients"),
        (exports.SYNTHEA_ENCOUNTERS, "synthea-encounters", "visits"),
        (exports.SYNTHEA_PROCEDURES, "synthea-procedures", "visits"),
        (exports.SYNTHEA_ORGANIZATIONS, "synthea-organizations", "ignored"),
        ("phone number,Name\n3125550101,Ada Lane\n", "by column names", "patients"),
    ],
)
def test_each_real_header_set_is_recognised(content, name, kind):
    source = opened(content)
    assert (source.profile.name, source.profile.kind) == (name, kind)


def test_fresha_names_dates_phones_and_blocked_clients_are_read():
    (ada, bea), bad = read(exports.FRESHA)
    assert not bad
    assert ada.patient[1:6] == ("F1", "Ada", "Lane", date(1985, 3, 12), None)
    assert (ada.patient.phone, ada.patient.email, ada.opt_outs) == ("+13125550101", "ada@example.com", ())
    assert (bea.patient.phone, bea.patient.birth_date) == ("+13125550102", None)
    assert bea.opt_outs == (OptOut("all", "Blocked"),)


def test_open_dental_zero_dates_are_unknown_and_only_completed_visits_count():
    (ada, bea, cleo), bad = read(exports.OPEN_DENTAL)
    assert not bad
    assert (ada.milestone.happened_on, ada.milestone.treatment) == (date(2026, 5, 2), "Botox 40u")
    assert ada.opt_outs == ()
    assert (bea.patient.birth_date, bea.left_out) == (None, LeftOut.NOT_HELD), "a broken appointment is no visit"
    assert set(bea.opt_outs) == {OptOut("sms", "TxtMsgOk"), OptOut("call", "PreferConfirmMethod")}
    assert (cleo.patient.deceased, cleo.patient.birth_date, cleo.milestone) == (True, None, None)
    assert cleo.opt_outs == (), "a practice that has not asked has not been refused"


def test_mindbody_opt_ins_that_say_no_are_opt_outs():
    (ada, bea), bad = read(exports.MINDBODY)
    assert (bad, ada.opt_outs) == ([], ())
    assert bea.opt_outs == (OptOut("email", "send_promotional_emails"),)
    assert (ada.patient.birth_date, bea.patient.phone) == (date(1985, 3, 12), "+13125550102")
    assert ada.external_id.startswith("~"), "no numbers in the file: a key of who they are"


def test_a_med_spa_export_has_its_junk_columns_dropped_and_its_reminders_honoured():
    source = opened(exports.MED_SPA_CLIENTS)
    assert not {"column9", "6635", "562"} & set(source.profile.columns)
    (client,), _ = read(exports.MED_SPA_CLIENTS)
    assert client.patient.phone == "+13125550101"
    (first, second), bad = read(exports.MED_SPA_VISITS)
    assert (bad, first.opt_outs, second.opt_outs) == ([], (), (OptOut("sms", "sms_remind"),))
    assert (first.milestone.kind, first.milestone.happened_on) == ("treatment_completed", date(2026, 5, 2))


def test_synthea_patients_keep_digits_accents_and_apostrophes_and_their_deaths():
    (jose, ana, kid), bad = read(exports.SYNTHEA_PATIENTS)
    assert not bad
    assert jose.patient[2:4] == ("José12", "O'Néill345")
    assert (jose.patient.state, jose.patient.zip, jose.patient.phone) == ("CA", "93291", None)
    assert (ana.patient.death_date, ana.patient.deceased) == (date(2020, 2, 3), True)
    assert kid.patient.zip is None


def test_synthea_visits_fall_on_the_practices_own_day():
    (visit,), _ = read(exports.SYNTHEA_ENCOUNTERS)
    assert (visit.milestone.kind, visit.milestone.happened_on) == ("visit", date(2026, 5, 1)), "22:26 in Chicago"
    (treatment,), _ = read(exports.SYNTHEA_PROCEDURES)
    assert (treatment.milestone.kind, treatment.external_id) == ("treatment_completed", "p-1")


def test_a_file_of_organizations_is_ignored_and_says_so():
    source = opened(exports.SYNTHEA_ORGANIZATIONS)
    assert source.ignored
    assert "no patients" in source.notes[0]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("E-Mail Address", Field.EMAIL),
        ("EMAILADDRESS", Field.EMAIL),
        ("email_address", Field.EMAIL),
        ("  Phone Number ", Field.PHONE),
        ("CELL PHONE", Field.MOBILE),
        ("Date of Birth", Field.BIRTH_DATE),
        ("ZIP/Postal Code", Field.ZIP),
        ("Do Not Contact", Field.DO_NOT_CONTACT),
        ("Service Name", Field.TREATMENT),
    ],
)
def test_headers_mean_the_same_however_they_are_written(header, field):
    assert list(recognise(["First Name", header]).columns.values())[-1] is field


def test_other_columns_are_dropped():
    assert set(recognise(["First Name", "Shoe Size", "SSN", "Notes", "Gender"]).columns) == {"firstname"}


@pytest.mark.parametrize(
    ("content", "lacking"),
    [
        ("email_address\nada@example.com\n", "no column for a name among: email_address"),
        ("phone number\n", "no column for a name"),
        ("address_line_1, address_line_2\na,b\n", "no column for a name"),
        ("Client ID,Service\n1,Botox\n", "no column for a name"),
    ],
)
def test_a_list_that_cannot_tell_whom_to_ask_for_is_refused_with_its_columns(content, lacking):
    with pytest.raises(Unreadable, match=lacking):
        opened(content)


def test_one_column_with_the_whole_name_is_split():
    good, bad = read('PhoneNumber,Name\n3125550101,Ada May Lane\n3125550102,"Cole, Bea"\n3125550103,Cher\n')
    assert not bad
    assert [row.patient[2:4] for row in good] == [("Ada May", "Lane"), ("Bea", "Cole"), ("Cher", "")]


def test_a_saved_mapping_reads_columns_nobody_could_guess():
    profile = mapped("ours", {"who": Field.FULL_NAME, "reach": Field.PHONE, "done": Field.HAPPENED})
    assert Profile.from_json(profile.as_json()) == profile
    (row,), _ = read("Who,Reach,Done,Else\nAda Lane,3125550101,5/2/2026,x\n", profile=profile)
    assert (row.patient.last_name, row.patient.phone) == ("Lane", "+13125550101")
    assert (row.milestone.kind, row.milestone.happened_on) == ("visit", date(2026, 5, 2))


def test_a_file_without_a_header_is_read_by_position():
    columns = {"column 1": Field.EXTERNAL_ID, "column 2": Field.FIRST_NAME, "column 4": Field.EMAIL}
    profile = mapped("by position", columns, headerless=True)
    good, bad = read("1,Ada,x,ada@example.com\n2,Bea,y,bea@example.com\n", profile=profile)
    assert (bad, [row.external_id for row in good], good[0].line) == ([], ["1", "2"], 1)


def test_a_profile_can_be_asked_for_by_name_and_an_unknown_one_is_refused():
    assert opened(exports.FRESHA, profile="fresha").profile.name == "fresha"
    with pytest.raises(Unreadable, match="no profile called 'fresher'"):
        opened(exports.FRESHA, profile="fresher")
