"""Files of strangers are taken apart in a process of its own: what kills or fills that process is a sentence."""

import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import zipfile
from contextlib import ExitStack

import pytest

from ops.imports.reading import apart
from ops.imports.reading.apart import Apart
from ops.imports.reading.packing import packed, size, unpacked
from ops.imports.reading.records import GoodRow, Unreadable
from tests import exports

TABLE = "Patient ID,First Name,DOB\n1,Ada,1985-03-12\n2,Bea,soon\n"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER_OF_VISITS = "Patient ID,First Name,Appointment Date,DND\n"
BREAKS = "made to break what reads it"

MEASURE = """
import resource, sys
from ops.imports.reading.apart import Apart
from ops.imports.reading.packing import packed, size, unpacked
from ops.imports.reading.records import Unreadable

with open(sys.argv[1], "rb") as file, Apart([file]) as reader:
    try:
        reader.opened(0, "bomb.xlsx")
    except Unreadable:
        with open("/proc/self/status") as status:
            print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture
def reader():
    """A process that reads these contents; each begins with its own file."""

    def begin(*contents: bytes | str, **limits) -> Apart:
        files = []
        for content in contents:
            file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
            file.write(content.encode() if isinstance(content, str) else content)
            file.seek(0)
            files.append(file)
        return stack.enter_context(Apart(files, **limits))

    with ExitStack() as stack:
        yield begin


def refused(ask) -> str:
    with pytest.raises(Unreadable) as problem:
        ask()
    return str(problem.value)


def sheet(xml: str, shared: str | None = None) -> bytes:
    with zipfile.ZipFile(io.BytesIO(exports.workbook([["First Name", "Email"], ["Ada", "a@example.com"]]))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (f"<worksheet xmlns='{MAIN}'><sheetData>{xml}</sheetData></worksheet>").encode()
    if shared:
        parts["xl/sharedStrings.xml"] = f"<sst xmlns='{MAIN}'><si><t>{shared}</t></si></sst>".encode()
    return exports.zipped(parts)


def test_rows_cross_over_as_they_were_read(reader):
    there = reader(TABLE)
    source = there.opened(0, "c.csv")
    assert (source.columns, source.content, source.ignored) == (["Patient ID", "First Name", "DOB"], None, False)
    here = exports.opened(TABLE, "c.csv")
    rows = list(there.rows(0, exports.ZONE, exports.TODAY))
    expected = list(here.rows(exports.ZONE, exports.TODAY))
    assert [row._replace(identity=0) if isinstance(row, GoodRow) else row for row in rows] == [
        row._replace(identity=0) if isinstance(row, GoodRow) else row for row in expected
    ]


def test_packing_keeps_every_kind_of_row_as_it_was():
    visits = (
        HEADER_OF_VISITS + '1,Ada,2026-05-02,yes\n2,"B\x1fea",2026-05-02,no\n3,Cleo,2027-01-01,no\n4,Dora,soon,no\n'
    )
    rows = list(exports.opened(visits, "c.csv").rows(exports.ZONE, exports.TODAY))
    assert list(unpacked([packed(row) for row in rows])) == rows
    assert [size(packed(row)) > 0 for row in rows] == [True] * 4


def test_more_rows_than_one_answer_holds_come_in_order(reader):
    there = reader("Patient ID,First Name\n" + "".join(f"{number},Ada\n" for number in range(1_234)))
    there.opened(0, "c.csv")
    assert [row.external_id for row in there.rows(0, exports.ZONE, exports.TODAY)] == [str(n) for n in range(1_234)]


def test_it_knows_no_secret_and_no_database():
    code = apart._MAIN.replace("main(", "print(*sorted(sys.modules)) or (").format(memory=0)
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, env={}, check=True)
    assert "ops.imports.reading.sources" in loaded.stdout
    assert not {"sqlalchemy", "psycopg", "flask", "redis", "ops.crypto", "ops.config"} & set(loaded.stdout.split())


def test_texts_that_share_one_long_string_are_refused_in_little_memory(reader, tmp_path):
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_000))
    bomb = sheet(cells, "x" * 60_000)
    assert len(bomb) < 120_000
    told = refused(lambda: reader(bomb).opened(0, "bomb.xlsx"))
    assert told.startswith("bomb.xlsx: reading it takes more than 300 MB") and BREAKS in told
    (tmp_path / "bomb.xlsx").write_bytes(bomb)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "bomb.xlsx")], capture_output=True, text=True, check=True
    )
    asking, reading = map(int, measured.stdout.split())
    assert asking < 100_000 and reading < 300_000, "kB"


def test_a_process_that_a_file_ends_is_a_sentence_and_the_next_file_is_read(reader, monkeypatch):
    there = reader(TABLE, TABLE)
    there.opened(0, "one.csv")
    os.kill(there._process.pid, signal.SIGSEGV)
    assert BREAKS in refused(lambda: there.opened(1, "two.csv"))
    assert there.preview(1, "two.csv", exports.ZONE, exports.TODAY).good[0].patient.first_name == "Ada"


def test_columns_written_before_rows_and_cells_without_places_are_refused_or_read(reader):
    xml = '<row r="9"><c r="B9"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>'
    refused(lambda: reader(sheet(xml)).opened(0, "c.xlsx"))
    many = "<row>" + "<c><v>1</v></c>" * 1_000 + "</row>"
    assert "more than 2,000,000 cells" in refused(lambda: reader(sheet(many * 2_001)).opened(0, "c.xlsx"))
    for beyond in ('<row r="1"><c r="ZZZZZZ99999999"><v>1</v></c></row>', '<row r="99999999"><c><v>1</v></c></row>'):
        assert "99,999,999 rows" in refused(lambda xml=beyond: reader(sheet(xml)).opened(0, "c.xlsx"))


def test_computing_without_end_is_stopped_and_told(reader, monkeypatch):
    monkeypatch.setattr(apart, "STEP_S", 0)
    monkeypatch.setattr(apart, "PREVIEW_S", 0)
    long = '{"resourceType":"Bundle","entry":[{"resource":{"id":"' + "x\\n" * 20_000_000 + '"}}]}'
    told = refused(lambda: reader(long).opened(0, "b.json"))
    assert told == "b.json: reading it takes longer than 0 seconds of computing. Send it in smaller parts."


def test_a_process_that_ends_among_the_rows_is_told_too(reader):
    there = reader("Patient ID,First Name\n" + "".join(f"{number},{'Ada' * 30}\n" for number in range(20_000)))
    there.opened(0, "c.csv")
    rows = there.rows(0, exports.ZONE, exports.TODAY)
    assert next(rows).external_id == "0"
    os.kill(there._process.pid, signal.SIGABRT)
    assert BREAKS in refused(lambda: list(rows))


def test_an_error_of_ours_is_told_by_its_kind_alone(reader, monkeypatch):
    monkeypatch.setattr(
        apart,
        "_MAIN",
        apart._MAIN.replace("main(", "child.open_source = None; main(", 1).replace(
            "import main;", "import main; from ops.imports.reading import child;"
        ),
    )
    told = refused(lambda: reader(TABLE).opened(0, "c.csv"))
    assert told.startswith("c.csv: cannot be read: it is not built as its format says (TypeError at child.py:")


def test_nothing_but_records_is_taken_from_the_process():
    for evil in (os.system, subprocess.Popen, pickle.loads, apart._shut):
        with pytest.raises(pickle.UnpicklingError):
            apart._Ours(io.BytesIO(pickle.dumps(evil))).load()
