"""What is a table, in which encoding and shape; and every kind of file that is none."""

import io
import struct
import tracemalloc
import zipfile
from datetime import date

import pytest

from ops.imports.reading.files import MAX_COLUMNS
from ops.imports.reading.records import Unreadable
from tests import exports
from tests.exports import opened, read

HEAD = "Patient ID,First Name,Last Name,Email\n"
ROW = "1,Ada,Lane,ada@example.com\n"


def names(content, **how):
    good, bad = read(content, **how)
    assert not bad
    return [f"{row.patient.first_name} {row.patient.last_name}" for row in good]


def refusal(content, name="file.csv"):
    with pytest.raises(Unreadable) as refused:
        list(opened(content, name).rows(exports.ZONE, exports.TODAY))
    assert str(refused.value).startswith(name)
    return str(refused.value)


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_any_usual_delimiter_is_found(delimiter):
    assert names((HEAD + ROW).replace(",", delimiter)) == ["Ada Lane"]


def test_the_delimiter_hint_of_excel_is_followed():
    assert names("sep=;\nPatient ID;Name;Email\n1;Lane, Ada;ada@example.com\n") == ["Ada Lane"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "shift_jis"])
def test_names_survive_the_encoding_of_the_file(encoding):
    people = ["山田 太郎", "鈴木 花子", "佐藤 明"] if encoding == "shift_jis" else ["José Nuñez", "Zoë Bélanger"]
    rows = "".join(f"{number},{person.replace(' ', ',')},\n" for number, person in enumerate(people))
    assert names((HEAD + rows).encode(encoding)) == people


def test_one_accent_far_down_a_long_file_decides_the_encoding():
    plain = "".join(f"{number},Ada,Lane,\n" for number in range(10_000))
    good, bad = read((HEAD + plain + "x,Zoë,Böll,\n").encode("cp1252"))
    assert not bad
    assert good[-1].patient.first_name == "Zoë"


def test_a_damaged_byte_quarantines_its_row_and_no_other():
    rows = HEAD.encode() + "1,Zoë,Lane,\n2,José,Cole,\n".encode() + b"3,Be\xff\xfea,Drew,\n" + b"4,Cleo,Ennis,\n"
    good, bad = read(rows)
    assert [row.external_id for row in good] == ["1", "2", "4"]
    assert [row.line for row in bad] == [4]
    assert "bytes" in bad[0].reasons[0]


def test_a_nul_byte_quarantines_its_row_and_no_other():
    good, bad = read(HEAD + "1,A\0da,Lane,\n2,Bea,Cole,\n")
    assert [row.external_id for row in good] == ["2"]
    assert (bad[0].line, "NUL" in bad[0].reasons[0]) == (2, True)


def test_quotes_and_newlines_inside_them_keep_a_row_together_and_the_lines_right():
    text = HEAD + '1,"Ada ""Addie""","Lane,\nof the Hill",\n2,Bea,,"not mail"\n'
    good, bad = read(text)
    assert good[0].patient[2:4] == ('Ada "Addie"', "Lane, of the Hill")
    assert bad[0].line == 4, "the second record starts on the fourth physical line"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(ending):
    assert names((HEAD + ROW + "2,Bea,Cole,\n").replace("\n", ending)) == ["Ada Lane", "Bea Cole"]


def test_a_quote_that_is_never_closed_costs_its_own_row_only():
    rows = "".join(f"{number},Ada,Lane,\n" for number in range(2, 3000))
    good, bad = read(HEAD + '1,"Ada,Lane,\n' + rows)
    assert len(good) == 2998
    assert [(row.line, "quotes" in row.reasons[0]) for row in bad] == [(2, True)]


def test_ragged_rows_are_quarantined_whole_with_their_line():
    good, bad = read(HEAD + "1,Ada,Lane\n2,Bea,Cole,bea@example.com\n3,Cleo,Drew,a,b,c\n4,Dora,Ennis,,,\n")
    assert [row.external_id for row in good] == ["2", "4"], "empty cells at the end are no surplus"
    assert [row.line for row in bad] == [2, 4]
    assert bad[0].reasons == ("has 3 cells where the header has 4",)
    assert bad[1].cells == ["3", "Cleo", "Drew", "a", "b", "c"]


def test_comments_titles_blank_lines_and_a_repeated_header_are_passed_over():
    text = "Client list of May\n# made by hand\n\n" + HEAD + ROW + "# half time\n,,,\n" + HEAD + "2,Bea,Cole,\n"
    good, bad = read(text)
    assert ([row.line for row in good], bad) == ([5, 9], [])


def test_rows_whose_number_begins_with_a_hash_are_rows():
    good, bad = read(HEAD + "#1,Ada,Lane,ada@example.com\n#2,Bea,Cole\n# half time, they said\n#3\n")
    assert [row.external_id for row in good] == ["#1"]
    assert [row.line for row in bad] == [3], "a comment is words after a hash, or stands alone"


def test_a_hash_is_the_name_of_a_column():
    source = opened("#,First Name,Last Name,DOB,Mobile\n1,Ada,Lane,1985-03-12,312-555-0101\n")
    assert (source.columns[0], source.content.header_line) == ("#", 1)
    assert [row.patient.first_name for row in source.rows(exports.ZONE, exports.TODAY)] == ["Ada"]
    assert names("#;First Name;Last Name;DOB\n1;Ada;Lane;1985-03-12\n") == ["Ada Lane"]


def test_cells_protected_from_spreadsheets_are_read_without_their_armor():
    good, bad = read(HEAD + '="00123",="Ada","=""Lane""",="ada@example.com"\n="00124",Bea,Cole,\n=,Cleo,Drew,\n')
    assert [row.external_id for row in good] == ["00123", "00124", "="]
    assert (good[0].patient[2:4], good[0].patient.email, bad) == (("Ada", "Lane"), "ada@example.com", [])


def test_a_column_that_is_there_twice_is_read_where_it_is_filled():
    good, _ = read("Patient ID,First Name,Last Name,Email,Email\n1,Ada,Lane,,ada@example.com\n2,B,C,b@example.com,\n")
    assert [row.patient.email for row in good] == ["ada@example.com", "b@example.com"]


def test_a_file_without_a_header_is_refused_with_an_offer():
    told = refusal("1,Ada,Lane,ada@example.com\n2,Bea,Cole,bea@example.com\n")
    assert "no header" in told and "position" in told and "line 1" in told


def test_a_header_alone_is_a_file_with_no_rows():
    assert read(HEAD) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_called_empty(content):
    assert "empty" in refusal(content)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
        (b"\n\n%PDF-1.4 late", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or password-protected Excel"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"<!DOCTYPE html><html><table>", "web page"),
        (b"<?xml version='1.0'?><Workbook/>", "XML"),
        (exports.zipped({"word/document.xml": b"x"}), "Word"),
        (exports.zipped({"a.txt": b"x"}), "ZIP"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (bytes(range(1, 32)) * 40, "binary"),
        (b'{"a": 1}', "no FHIR Bundle"),
        (b'[{"resourceType": "Patient"}]', "no FHIR Bundle"),
    ],
)
def test_what_is_no_table_is_named_for_what_it_looks_like(content, kind):
    assert kind in refusal(content, "clients.csv")


def test_ten_million_columns_are_refused_quickly_and_in_little_memory():
    wide = io.BytesIO(b"a," * 10_000_000 + b"\n")
    tracemalloc.start()
    with pytest.raises(Unreadable, match="longer than 1,000,000 characters"):
        from ops.imports.reading.sources import open_source

        open_source(wide, "wide.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_more_columns_than_any_export_has_are_refused_with_their_number():
    told = refusal(",".join(f"first name {number}" for number in range(MAX_COLUMNS + 1)) + "\n")
    assert "501 columns" in told and "line 1" in told


def test_a_row_that_never_ends_is_quarantined_and_the_next_is_read():
    good, bad = read(HEAD + "1," + "x" * 3_000_000 + ",,\n2,Bea,Cole,\n")
    assert [row.external_id for row in good] == ["2"]
    assert (bad[0].line, "1,000,000" in bad[0].reasons[0], len(bad[0].cells[0])) == (2, True, 1000)


def test_a_large_file_is_read_in_bounded_memory():
    class Long(io.RawIOBase):
        """4 MB of rows that are never held anywhere."""

        line, at, size = ROW.encode(), 0, 4_000_000

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, at, whence=0):
            self.at = at
            return at

        def tell(self):
            return self.at

        def readinto(self, buffer):
            head = HEAD.encode()
            whole = head + self.line * (len(buffer) // len(self.line) + 3)
            start = self.at if self.at < len(head) else len(head) + (self.at - len(head)) % len(self.line)
            piece = whole[start : start + min(len(buffer), self.size - self.at)]
            buffer[: len(piece)] = piece
            self.at += len(piece)
            return len(piece)

    from ops.imports.reading.sources import open_source

    source = open_source(io.BufferedReader(Long()), "long.csv")
    tracemalloc.start()
    count = sum(1 for _ in source.content.records())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 140_000
    assert peak < 1_000_000


def test_a_workbook_is_read_with_its_dates_numbers_and_leading_zeros():
    rows = [
        ["Patient ID", "First Name", "Last Name", "DOB", "Mobile", "Zip", "State", "Appt Date", "Service"],
        [17, "Ada", "Lane", date(1985, 3, 12), 3125550101, 2134, "MA", date(2026, 5, 2), "Botox"],
        ["018", "Bea", "Cole", 31118, "312-555-0102", "60601", "IL", "05/03/2026", "Filler"],
    ]
    good, bad = read(exports.workbook(rows), "clients.csv")
    assert not bad
    first, second = good
    assert (first.external_id, first.patient.birth_date, first.patient.phone) == (
        "17",
        date(1985, 3, 12),
        "+13125550101",
    )
    assert (first.patient.zip, first.milestone.happened_on) == ("02134", date(2026, 5, 2))
    assert (second.external_id, second.patient.birth_date) == ("018", date(1985, 3, 12)), "an Excel serial number"
    assert [row.line for row in good] == [2, 3]


def test_other_sheets_of_a_workbook_are_named_as_not_read():
    source = opened(exports.workbook([["First Name", "Email"], ["Ada", "a@example.com"]], ["Old", "Notes"]))
    assert "Old, Notes" in source.notes[0]


def sheet_parts(sheet: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(exports.workbook([["First Name"], ["Ada"]]))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    return parts | {"xl/worksheets/sheet1.xml": sheet}


def test_a_workbook_that_unpacks_to_more_than_we_open_is_refused(monkeypatch):
    monkeypatch.setattr("ops.imports.reading.sheets.MAX_UNPACKED", 5_000_000)
    with_bomb = sheet_parts(b"<worksheet><sheetData>" + b" " * 5_000_000 + b"</sheetData></worksheet>")
    packed = exports.zipped(with_bomb)
    assert len(packed) < 50_000
    told = refusal(packed, "clients.xlsx")
    assert "unpacks to" in told and "CSV" in told


def test_a_workbook_that_lies_about_its_size_is_refused():
    packed = bytearray(exports.zipped(sheet_parts(b"<worksheet>" + b" " * 5_000_000 + b"</worksheet>")))
    real = struct.pack("<I", 5_000_023)
    assert packed.count(real) == 2, "local and central header"
    assert "more than it declares" in refusal(bytes(packed).replace(real, struct.pack("<I", 1000)), "clients.xlsx")


def test_a_cell_in_the_last_corner_does_not_make_a_grid_of_billions():
    cells = b'<row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>'
    told = refusal(
        exports.zipped(sheet_parts(b"<worksheet><sheetData>" + cells + b"</sheetData></worksheet>")), "c.xlsx"
    )
    assert "16,384 columns by 1,048,576 rows" in told


def test_a_sheet_that_lies_elsewhere_in_the_archive_makes_no_grid_of_billions_either():
    parts = sheet_parts(b'<worksheet><sheetData><row><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>')
    sheet, links = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
    moved = parts | {"xl/else.xml": parts[sheet], links: parts[links].replace(b"worksheets/sheet1.xml", b"else.xml")}
    del moved[sheet]
    assert "16,384 columns by 1,048,576 rows" in refusal(exports.zipped(moved), "c.xlsx")


def test_a_damaged_workbook_is_called_damaged():
    packed = exports.workbook([["First Name"], ["Ada"]])
    assert "damaged" in refusal(packed[: len(packed) // 2], "clients.xlsx")


def test_lines_of_a_workbook_are_its_rows_even_below_empty_ones():
    rows = [[], [], ["Patient ID", "First Name", "Email"], [], ["1", "Ada", "nobody"], ["2", "Bea", "b@example.com"]]
    good, bad = read(exports.workbook(rows))
    assert ([row.line for row in good], [row.line for row in bad]) == ([6], [5])


def test_a_workbook_that_begins_in_another_column_keeps_its_cells_in_place():
    rows = [["", "", "Patient ID", "First Name"], ["", "", "1", "Ada"]]
    good, bad = read(exports.workbook(rows))
    assert ([row.external_id for row in good], bad) == (["1"], [])
