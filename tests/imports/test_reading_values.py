"""Single cells: dates, phones, names, addresses, yes and no."""

from datetime import date

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.imports.reading import values
from ops.imports.reading.dates import birth_date, past_date, read_stamp
from ops.imports.reading.phones import read_phone
from ops.imports.reading.records import Unclear
from ops.practices.phones import e164
from ops.practices.us import ELSEWHERE

TODAY = date(2026, 6, 15)
MARCH = date(1985, 3, 12)


@pytest.mark.parametrize(
    "text",
    [
        "1985-03-12",
        "1985-3-12",
        "1985/03/12",
        "1985-03-12T00:00:00",
        "1985-03-12 00:00:00.000",
        "1985-03-12T09:30:00Z",
        "1985-03-12T09:30:00-06:00",
        "3/12/1985",
        "03/12/1985",
        "3-12-1985",
        "3/12/1985 12:00:00 AM",
        "3/12/1985 14:05",
        "12-Mar-1985",
        "12 March 1985",
        "12-MAR-85",
        "Mar 12, 1985",
        "March 12 1985",
        "19850312",
        "3/12/85",
    ],
)
def test_a_birthday_is_read_in_every_form_practice_systems_write(text):
    assert birth_date(text, TODAY) == MARCH


@pytest.mark.parametrize(
    "text",
    ["", " ", "0001-01-01", "0000-00-00", "01/01/0001", "0000-00-00 00:00:00", "1900-01-01", "1/1/1900", "1899-12-30",
     "01/01/1900", "NULL", "n/a", "9999-12-31"],
)  # fmt: skip
def test_a_sentinel_for_no_date_is_no_date(text):
    assert birth_date(text, TODAY) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-06-16", "future"),
        ("1899-05-05", None),
        ("1874-05-05", "before 1900"),
        ("13/02/1985", "does not|not a date"),
        ("2023-02-29", "exists"),
        ("3/12/20", "could be 1920 or 2020"),
        ("yesterday", "not a date"),
        ("12.03.1985", "not a date"),
        ("312-555-0101", "not a date"),
        ("12-Foo-1985", "not a date"),
        ("85", "not a date"),
    ],
)
def test_a_birthday_that_cannot_be_or_could_be_two_is_refused_with_the_reason(text, reason):
    if reason is None:  # 1899 is how some systems write an unknown year
        assert birth_date(text, TODAY) is None
        return
    with pytest.raises(Unclear, match=reason):
        birth_date(text, TODAY)


def test_two_digit_years_are_read_only_when_one_century_is_possible():
    assert birth_date("6/16/26", TODAY) == date(1926, 6, 16), "2026-06-16 is tomorrow"
    assert birth_date("6/16/05", TODAY) == date(2005, 6, 16), "nobody is 120"
    with pytest.raises(Unclear, match="could be"):
        birth_date("6/14/26", TODAY)


def test_a_death_may_be_today_and_not_tomorrow():
    assert past_date("2026-06-15", TODAY, "died") == TODAY
    with pytest.raises(Unclear, match="died in the future"):
        past_date("2026-06-16", TODAY, "died")


def test_plain_numbers_are_dates_only_in_a_spreadsheet():
    assert read_stamp("31118", True).day == MARCH
    assert read_stamp("31118.5", True).day == MARCH
    with pytest.raises(Unclear):
        read_stamp("31118")


@given(st.dates(date(1901, 1, 1), TODAY), st.sampled_from(["%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%Y-%m-%d %H:%M:%S"]))
def test_every_day_of_a_life_is_read_back(day, form):
    text = f"{day.year:04}" + day.strftime(form.replace("%Y", ""))[0:] if form.startswith("%Y") else day.strftime(form)
    assert birth_date(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(312) 555-0101", "+13125550101"),
        ("312.555.0101", "+13125550101"),
        ("13125550101", "+13125550101"),
        ("+1 312 555 0101", "+13125550101"),
        ("312-555-0101 x12", "+13125550101"),
        ("312-555-0101 ext. 5", "+13125550101"),
        ("tel:+1-312-555-0101", "+13125550101"),
        ("cell: 312-555-0101", "+13125550101"),
        ("312-555-0101 (h)", "+13125550101"),
        ("(312)5550101", "+13125550101"),
        ("３１２－５５５－０１０１", "+13125550101"),
        ("312-5550101", "+13125550101"),
        ("55 1234 5678", None),
        ("98765 43210", None),
        ("139 1234 5678", None),
        ("1860 345 1234", None),
        ("312 5550101", None),
        ("+3212345678", None),
        ("+354 410 1234", None),
        ("+507 200-1234", None),
        ("011 44 20 7946 0958", None),
        ("00 49 30 123456", None),
        ("555-860-6812", None),
        ("555-0134", None),
        ("0000000000", None),
        ("999-999-9999", None),
        ("+44 1234 123121", None),
        ("", None),
        ("N/A", None),
        ("none", None),
    ],
)
def test_a_phone_is_e164_or_cannot_be_dialled(text, number):
    assert read_phone(text) == number


FOREIGN = [
    (region, kind, example)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in phonenumbers.PhoneNumberType.values()
    if (example := phonenumbers.example_number_for_type(region, kind)) and example.country_code != 1
]
WRITTEN_LIKE_OURS = {"IT", "VA"}
"""Their "312 345 6789" is what we would write for Chicago; only the country's column tells."""


def test_no_number_of_another_country_becomes_one_of_ours():
    assert len(FOREIGN) > 1000
    ours = set()
    for region, kind, example in FOREIGN:
        for form in (0, 1, 2, 3):
            text = phonenumbers.format_number(example, form)
            abroad = text.lstrip("+") if form == phonenumbers.PhoneNumberFormat.INTERNATIONAL else None
            for written in [text, *([f"011 {abroad}", f"00{abroad}"] if abroad else [])]:
                if (form, region) in {(phonenumbers.PhoneNumberFormat.NATIONAL, each) for each in WRITTEN_LIKE_OURS}:
                    continue
                number = e164(written)
                if number and number.startswith("+1"):
                    ours.add((region, kind, written))
                if form != phonenumbers.PhoneNumberFormat.NATIONAL and phonenumbers.is_valid_number(example):
                    assert number == phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164), written
    assert ours == set()


@given(st.sampled_from(FOREIGN), st.integers(0, 999_999))
def test_no_ten_digits_behind_a_plus_become_one_of_ours(foreign, end):
    code = str(foreign[2].country_code)
    digits = f"{code}{foreign[2].national_number}"[:4] + f"{end:06}"
    number = e164("+" + digits) or ""
    assert not number.startswith("+1")
    assert bool(number) == phonenumbers.is_valid_number(phonenumbers.parse("+" + digits))
    assert read_phone("+" + digits) is None


@pytest.mark.parametrize("text", ["2125 Main St", "212-2671 Bob", "312-8677 Eva", "1-800-FLOWERS", "+4912"])
def test_letters_are_never_read_as_digits(text):
    with pytest.raises(Unclear, match="not a phone number"):
        read_phone(text)


@pytest.mark.parametrize("text", ["Lane", "ada@example.com", "1985-03-12", "3/12/1985", "60601", "$312.55", "IL", "5"])
def test_what_is_no_phone_at_all_is_a_reason(text):
    with pytest.raises(Unclear, match="not a phone number"):
        read_phone(text)


@settings(max_examples=400)
@given(st.integers(0, 9_999_999_999), st.sampled_from(["{a}{b}{c}", "({a}) {b}-{c}", "+1{a}{b}{c}", "1-{a}-{b}-{c}"]))
def test_the_quick_way_agrees_with_phonenumbers(digits, form):
    text = f"{digits:010}"
    text = form.format(a=text[:3], b=text[3:6], c=text[6:])
    try:
        number = phonenumbers.parse(text, "US")
        valid = phonenumbers.is_valid_number(number) and number.country_code == 1
        expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None
    except phonenumbers.NumberParseException:  # 011 and a country code that nobody has
        expected = None
    assert read_phone(text) == expected


@pytest.mark.parametrize("text", ["O'Néill345", "Jorge Luis88", "Smith-Jones Jr.", "李", "d’Arc", "St. John (Bea)"])
def test_a_name_keeps_what_people_are_called(text):
    assert values.read_name(f"  {text} ") == text


@pytest.mark.parametrize(
    "text", ["ada@example.com", "1985-03-12", "312-555-0101", "60601", "x" * 101, "?!", "https://x"]
)
def test_an_address_a_number_or_a_date_is_no_name(text):
    with pytest.raises(Unclear, match="not a name"):
        values.read_name(text)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ada@Example.COM ", "Ada@example.com"),
        ("a.b+c@sub.example.com", "a.b+c@sub.example.com"),
        ("ada@example.com; bea@example.com", "ada@example.com"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("none", None),
        ("", None),
    ],
)
def test_an_email_address_is_tidied(text, email):
    assert values.read_email(text) == email


@pytest.mark.parametrize("text", ["ada", "ada@example", "ada example@example.com", "@example.com", "312-555-0101"])
def test_what_is_no_email_address_is_a_reason(text):
    with pytest.raises(Unclear, match="not an email"):
        values.read_email(text)


def test_states_are_codes_however_written_and_abroad_is_not_nowhere():
    assert [values.read_state(text) for text in ("il", "Illinois", " NEW  YORK ", "D.C.")] == ["IL", "IL", "NY", "DC"]
    assert values.read_state("Ontario") == ELSEWHERE
    assert values.read_state("AE") == "AE"
    assert values.read_state("") is None
    with pytest.raises(Unclear, match="not a state"):
        values.read_state("Chicago")


@pytest.mark.parametrize(
    ("text", "state", "zip_"),
    [
        ("60601", "IL", "60601"),
        ("60601-1234", "IL", "60601"),
        ("606011234", "IL", "60601"),
        ("2134", "MA", "02134"),
        ("79901.0", None, "79901"),
        ("2134.0", "MA", "02134"),
        ("09012", "AE", "09012"),
        ("M5V 2T6", None, ELSEWHERE),
        ("", "IL", None),
        ("00000", "IL", None),
    ],
)
def test_a_zip_is_five_digits_with_what_a_spreadsheet_ate_or_added(text, state, zip_):
    assert values.read_zip(text, state) == zip_


@pytest.mark.parametrize("country", ["", "US", "U.S.A.", "United States of America", "usa", "null"])
def test_our_own_country_however_written_leaves_the_address_alone(country):
    assert values.read_home("TX", "79901", country) == ("TX", "79901")


@pytest.mark.parametrize("country", ["MX", "Canada", "Deutschland", "Freedonia"])
def test_an_address_in_another_country_is_no_state_of_ours(country):
    assert values.read_home("Jalisco", "44100", country) == (ELSEWHERE, ELSEWHERE)
    assert values.read_home("", "", country) == (ELSEWHERE, None)


def test_four_digits_are_no_zip_where_zips_have_no_zero():
    with pytest.raises(Unclear, match="not a ZIP"):
        values.read_zip("2134", "IL")


@pytest.mark.parametrize(("text", "code"), [("English", "en"), ("es-MX", "es"), ("Spanish", "es"), ("Klingon", None)])
def test_a_language_is_its_code(text, code):
    assert values.read_language(text) == code


@pytest.mark.parametrize(
    ("whole", "first", "last"),
    [
        ("Jane Doe, MD", "Jane", "Doe"),
        ("Jane Doe, M.D., FACS", "Jane", "Doe"),
        ("Smith, Jr., John", "John", "Smith"),
        ("Smith Jr., John", "John", "Smith"),
        ("Smith, John Jr.", "John", "Smith"),
        ("John Smith Jr.", "John", "Smith"),
        ("John Smith III", "John", "Smith"),
        ("Mr. John Q. Public", "John Q.", "Public"),
        ("Doe, Dr. Jane, RN", "Jane", "Doe"),
        ("Doe, Jane (Janie)", "Jane", "Doe"),
        ("Maria de la Cruz", "Maria", "de la Cruz"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Anh Do", "Anh", "Do"),
        ("Nguyen, Do", "Do", "Nguyen"),
        ("Li Ma", "Li", "Ma"),
        ("Van Morrison", "Van", "Morrison"),
        ("Lane, Ada May", "Ada May", "Lane"),
        ("Ada", "Ada", ""),
        ("MD", "MD", ""),
        ("Ada,", "Ada", ""),
    ],
)
def test_titles_suffixes_and_degrees_are_no_names(whole, first, last):
    assert values.split_name(whole) == (first, last)


@pytest.mark.parametrize(
    "text", ["312-555-0101", "1985-03-12", "(312) 555", "#N/A", "\x1b$B;3ED", "Jos+AOk-", "~{Mu~}"]
)
def test_numbers_dates_and_the_marks_of_other_encodings_are_no_names(text):
    with pytest.raises(Unclear, match="is not a name"):
        values.read_name(text)
