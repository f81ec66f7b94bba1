"""`ops import`: what it prints and how it ends."""

import json
import tracemalloc

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ops.db import db
from ops.imports.cli import import_
from ops.imports.loading.outcome import LoadCounts, Quarantined
from ops.imports.models import Import
from ops.practices.models import Patient
from tests import exports
from tests.world import make_practice

KEYS = ["rows_read", "patients_new", "patients_updated", "milestones_new", "quarantined", "suppressed", "unreachable",
        "deceased", "minors", "rows_stored", "rows_unchanged", "rows_future", "rows_withdrawn",
        "rows_ignored", "agreed", "held", "held_later", "absent", "files"]  # fmt: skip


@pytest.fixture
def ops_import(app, tmp_path):
    """Runs the command with files by name and content; (exit code, stdout, stderr)."""
    make_practice("lake", zone="America/Chicago")

    def run(files, *options, slug="lake"):
        paths = []
        for name, content in files.items():
            path = tmp_path / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(str(path))
        done = CliRunner().invoke(import_, ["--practice", slug, *options, *paths])
        assert not done.exception or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout, done.stderr

    return run


def test_json_has_exactly_the_promised_keys(ops_import):
    code, out, _ = ops_import(
        {"d.csv": exports.OPEN_DENTAL, "bad.csv": "Patient ID,First Name,DOB\n9,Ada,soon\n"}, "--json"
    )
    said = json.loads(out)
    assert (code, list(said)) == (0, KEYS)
    assert said["quarantined"] == [{"file": "bad.csv", "line": 2, "reasons": ["DOB: 'soon' is not a date"]}]
    assert (said["rows_read"], said["patients_new"], said["milestones_new"], said["deceased"]) == (4, 3, 1, 1)


def test_in_words_the_wrong_rows_are_named_by_file_and_line(ops_import):
    code, out, _ = ops_import({"bad.csv": "Patient ID,First Name,DOB\n9,Ada,soon\n"})
    assert code == 0, "every row is quarantined"
    assert "bad.csv:2: DOB: 'soon' is not a date" in out


def test_a_dry_run_says_the_same_and_leaves_nothing(ops_import):
    files = {"v.csv": exports.MED_SPA_VISITS, "c.csv": exports.MED_SPA_CLIENTS}
    code, dry, _ = ops_import(files, "--dry-run", "--json")
    assert (code, db.session.scalar(sa.select(sa.func.count(Import.id)))) == (0, 0)
    assert ops_import(files, "--json")[1] == dry
    assert db.session.scalar(sa.select(sa.func.count(Patient.id))) == 1


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"scan.csv": b"%PDF-1.7"}, "scan.csv: this looks like a PDF"),
        ({"e.csv": b""}, "e.csv: the file is empty"),
        ({"o.csv": exports.SYNTHEA_ORGANIZATIONS}, "Nothing to read. o.csv: Holds no patients"),
        ({"p.csv": "1,Ada,Lane,ada@example.com\n"}, "no header"),
        ({"b.json": exports.bundle(exports.fhir_encounter(**{"class": []}))}, "Only FHIR R4 is read"),
    ],
)
def test_when_nothing_can_be_read_it_ends_with_1_and_says_what_and_where(ops_import, files, told, options):
    code, out, err = ops_import(files, "--json", *options)
    assert code == 1
    said = json.loads(out)
    assert told in err and told in said.pop("problem")
    assert list(said) == KEYS and not any(said.values())


def test_without_an_agreement_nothing_is_read(ops_import):
    make_practice("open", baa_on=None)
    code, _, err = ops_import({"c.csv": exports.FRESHA}, slug="open")
    assert (code, "agreement" in err) == (1, True)


def test_a_wrong_command_ends_with_2(ops_import):
    assert ops_import({"c.csv": exports.FRESHA}, slug="nowhere")[0] == 2
    assert ops_import({"c.csv": exports.FRESHA}, "--profile", "fresher")[0] == 2
    assert ops_import({})[0] == 2


def test_a_profile_can_be_named(ops_import):
    assert ops_import({"c.csv": exports.FRESHA}, "--profile", "fresha")[0] == 0


def test_a_file_wrong_a_million_times_is_listed_in_little_memory():
    reasons = ["has 2 cells where the header has 7"]
    tracemalloc.start()
    listed = Quarantined(("c.csv", line, reasons) for line in range(100_000))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 4_000_000
    assert (len(listed), listed[-1]) == (100_000, {"file": "c.csv", "line": 99_999, "reasons": reasons})
    text = "".join(
        LoadCounts(2, 0, 0, 0, Quarantined([("c", 2, ["[]"]), ("c", 3, [])]), 0, 0, 0, 0).json_parts(problem="x")
    )
    said = json.loads(text)
    assert said["quarantined"] == [
        {"file": "c", "line": 2, "reasons": ["[]"]},
        {"file": "c", "line": 3, "reasons": []},
    ]
    assert list(said) == [*KEYS, "problem"]
