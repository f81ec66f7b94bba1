"""Whatever a practice's system wrote comes back, or is kept aside whole: no row is ever lost."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.imports.reading.files import open_table
from tests.exports import read

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)
LATIN = st.text(st.sampled_from("abcXYZ 0123,;|\t\"'#\n-éèüñçß"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), max_size=8),
    st.sampled_from([",", "\t", ";", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_row_comes_back_as_written_or_with_its_problem(rows, delimiter, encoding, quoting):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(["Patient ID", "First Name", "Email"])
    writer.writerows(rows)
    table = open_table(io.BytesIO(text.getvalue().encode(encoding)), "file.csv")
    found = list(table.records())
    stated = [list(row) for row in rows if any(cell.strip() for cell in row)]
    for record in found:
        whole = [cell.lstrip(" ") for cell in record.cells]
        assert record.problem or whole in [[cell.lstrip(" ") for cell in row] for row in stated]
    assert len(found) == len(stated)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(LATIN, LATIN), min_size=1, max_size=8), st.sampled_from(["cp1252", "utf-8", "utf-16-le"]))
def test_people_are_all_accounted_for_in_every_encoding(people, encoding):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["Patient ID", "First Name", "Last Name", "Email", "Comment for the width"])
    for number, (first, last) in enumerate(people):
        writer.writerow([f"N{number}", first, last, "ada@example.com", "x"])
    good, bad = read(text.getvalue().encode(encoding))
    accounted = [row.external_id for row in good] + [row.cells[0] for row in bad]
    assert sorted(accounted) == sorted(f"N{number}" for number in range(len(people)))


@pytest.mark.parametrize("noise", [b"\x00", b"\xff", b'"', b"\n", b",,,,,,,,,", b"\xf0\x9f", b"\r"])
def test_noise_inside_a_file_costs_at_most_the_rows_it_touches(noise):
    rows = [f"{number},Ada,ada{number}@example.com\n".encode() for number in range(50)]
    rows[20] = rows[20][:5] + noise + rows[20][5:]
    good, bad = read(b"Patient ID,First Name,Email\n" + b"".join(rows))
    assert len(good) >= 48
    assert {row.external_id for row in good} >= {str(number) for number in range(50) if number not in (20, 21)}
    assert all(row.line in (22, 23) for row in bad)
