"""One order of day and month for a column, decided over the whole file; and dates that lack their day."""

from datetime import date

import pytest

from ops.imports.reading.dates import Order, birth_date, by_itself, read_stamp
from ops.imports.reading.fields import Field
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import Unclear
from ops.practices.age import is_minor
from tests import exports
from tests.exports import TODAY, opened, read

HEAD = "Client ID,First Name,Date of Birth,Appointment Date\n"


def births(*dates: str) -> tuple[dict[str, str], dict[str, str]]:
    """Day by the date as written; and reason by the date as written."""
    rows = "".join(f"{at},Ada,{stated},\n" for at, stated in enumerate(dates))
    good, bad = read(HEAD + rows)
    return (
        {dates[int(row.external_id)]: str(row.patient.birth_date) for row in good},
        {dates[int(row.cells[0])]: row.reasons[0] for row in bad},
    )


def test_a_column_with_the_day_first_is_read_so_in_every_row():
    days, wrong = births("31/12/1985", "03/04/1990", "25/06/1979", "11/12/2008", "17-02-1991")
    assert days == {
        "31/12/1985": "1985-12-31",
        "03/04/1990": "1990-04-03",
        "25/06/1979": "1979-06-25",
        "11/12/2008": "2008-12-11",
        "17-02-1991": "1991-02-17",
    }
    assert not wrong


def test_the_last_row_of_a_long_file_decides_as_much_as_the_first():
    days, wrong = births(*["03/04/1990"] * 3_000, "31/12/1985", "30/12/1985")
    assert (days["03/04/1990"], wrong) == ("1990-04-03", {})


def test_where_a_column_contradicts_itself_every_date_that_could_be_two_is_kept_aside():
    days, wrong = births("31/12/1985", "30/11/1985", "12/31/1985", "03/04/1990", "05/05/1990", "1990-04-03")
    assert days == {"12/31/1985": "1985-12-31", "05/05/1990": "1990-05-05", "1990-04-03": "1990-04-03"}
    assert sorted(wrong) == ["03/04/1990", "30/11/1985", "31/12/1985"]
    assert wrong["03/04/1990"].startswith("Date of Birth: '03/04/1990' could be two days")


def test_a_single_date_with_the_day_first_may_be_a_slip_and_makes_the_others_unclear():
    days, wrong = births("31/12/1985", "03/04/1990", "1985-03-12")
    assert (list(days), list(wrong)) == (["1985-03-12"], ["31/12/1985", "03/04/1990"])


def test_without_a_sign_of_the_contrary_the_month_stands_first():
    assert births("03/04/1990", "12/31/1985")[0] == {"03/04/1990": "1990-03-04", "12/31/1985": "1985-12-31"}


def test_each_column_has_an_order_of_its_own():
    text = HEAD + "1,Ada,31/12/1985,05/02/2026\n2,Bea,30/12/1985,05/31/2026\n3,Cleo,01/02/1990,05/03/2026\n"
    good, bad = read(text)
    assert [str(row.milestone.happened_on) for row in good] == ["2026-05-02", "2026-05-31", "2026-05-03"]
    assert (str(good[2].patient.birth_date), bad) == ("1990-02-01", [])


def test_dates_that_excel_made_beside_dates_it_could_not_are_no_dates():
    moved = date(1990, 3, 4)  # 3 April, in the file it came from
    rows = [["Client ID", "First Name", "DOB"], ["1", "Ada", "31/12/1985"], ["2", "Bea", "30/12/1985"]]
    good, bad = read(exports.workbook([*rows, ["3", "Cleo", moved]]))
    assert not good and "could be two days" in bad[2].reasons[0]
    good, bad = read(exports.workbook([*rows, ["3", "Cleo", date(1990, 3, 14)]]))
    assert str(good[-1].patient.birth_date) == "1990-03-14", "some of Excel's dates could not be moved, so none was"


def test_what_was_decided_is_kept_with_how_the_file_is_read():
    profile = opened(HEAD + "1,Ada,31/12/1985,\n2,Bea,30/12/1985,\n").profile
    assert profile.dates == {Field.BIRTH_DATE: Order.DAY_FIRST}
    assert Profile.from_json(profile.as_json()) == profile


@pytest.mark.parametrize(
    ("text", "order", "alone"),
    [
        ("03/04/1990", Order.DAY_FIRST, "04/03/1990"),
        ("31-12-85 10:30", Order.DAY_FIRST, "12/31/85 10:30"),
        ("1990-04-03", Order.DAY_FIRST, "1990-04-03"),
        ("soon", Order.UNCLEAR, "soon"),
        ("12/31/1985", Order.UNCLEAR, "12/31/1985"),
        ("03/04/1990", Order.UNCLEAR, "03/04/1990 (day or month?)"),
    ],
)
def test_a_date_taken_out_of_its_column_cannot_be_mistaken(text, order, alone):
    assert by_itself(text, order) == alone
    if "?" in alone:
        with pytest.raises(Unclear):
            read_stamp(alone)


@pytest.mark.parametrize("text", ["1985", "1985-04", "1900"])
def test_a_year_or_month_of_an_adult_is_an_unknown_day(text):
    assert birth_date(text, TODAY, excel=True) is None


@pytest.mark.parametrize(
    ("text", "last"),
    [("2008", "2008-12-31"), ("2008-06", "2008-06-30"), ("2012", "2012-12-31"), ("2026", str(TODAY))],
)
def test_who_could_be_a_minor_by_a_year_alone_is_one_until_no_reading_says_so(text, last):
    born = birth_date(text, TODAY, excel=True)
    assert (str(born), is_minor(born, TODAY)) == (last, True)


def test_who_is_of_age_by_the_end_of_the_month_is_no_minor():
    assert birth_date("2008-05", TODAY) is None, "18 by 31 May"


def test_a_year_alone_is_no_day_of_a_visit_and_no_serial_of_excel():
    good, bad = read(exports.workbook([["Client ID", "First Name", "DOB", "Appointment Date"], [1, "Ada", 1985, 2024]]))
    assert not good
    assert bad[0].reasons == ("Appointment Date: '2024' is a year or a month without its day",)
    good, _ = read(exports.workbook([["Client ID", "First Name", "DOB"], [1, "Ada", 1985], [2, "Bea", 31118]]))
    assert [str(row.patient.birth_date) for row in good] == ["None", "1985-03-12"]


def test_a_year_in_the_future_is_nobody_s():
    with pytest.raises(Unclear, match="in the future"):
        birth_date("2027", TODAY)
