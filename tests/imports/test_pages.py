"""An export's way through the browser: upload, preview, columns, confirm, progress, result, wrong rows."""

import csv
import io
import zipfile

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import Role
from ops.db import db
from ops.imports import jobs
from ops.imports.models import Import, ImportChunk, ImportState, QuarantinedRow, SavedMapping
from ops.practices.models import Milestone, Patient, Practice
from tests import exports
from tests.uploads import number, text, the_file, upload
from tests.world import make_practice, make_user

CLIENTS = """client_id,firstname,lastname,email,cellphone,homephone,dnd,6635
C1,Ada,Lane,ada@example.com,(312) 555-0101,,no,x
C2,Bea,Moss,,312-555-0102,,yes,y
C3,Cy,Nash,not an address,Nash,,no,z
C4,Di,Orr,di@example.com,,,no,
"""
HEADERLESS = "Ada,Lane,312-555-0101,ada@example.com\nBea,Moss,312-555-0102,bea@example.com\n"
ODD = "who,reach\nAda Lane,312-555-0101\nBea Moss,312-555-0102\n"


@pytest.fixture
def practice(app) -> Practice:
    return make_practice("lake", name="Lake Skin")


@pytest.fixture
def lead(sign_in):
    return sign_in(make_user(Role.LEAD, name="Lena Lead"))


def load(browser, *files: tuple[str, str | bytes]) -> str:
    """Upload, confirm and run."""
    address = upload(browser, *files)
    browser.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    db.session.expire_all()
    return address


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def test_rows_without_a_visit_or_without_a_patient_are_previewed_too(practice, lead):
    clients = "client_id,firstname,lastname,lastvisit\nC1,Ada,Lane,\nC2,Bea,Moss,2026-05-01\n"
    assert "C1 Ada Lane" in text(lead.get(upload(lead, ("clients.csv", clients)), expect=200))
    bundle = exports.bundle(exports.fhir_patient(), exports.fhir_encounter())
    assert "Ada May Lane" in text(lead.get(upload(lead, ("b.json", bundle)), expect=200))


def test_an_upload_is_previewed_confirmed_loaded_and_told(practice, lead):
    address = upload(lead, ("clients.csv", CLIENTS))
    page = text(lead.get(address, expect=200))
    assert "Recognized as med-spa-clients: patients" in page
    assert "Dropped, not stored 6635" in page
    assert "C1 Ada Lane – (312) 555-0101 ada@example.com" in page
    assert "no contact" in page, "an opt-out is shown"
    assert "Line 4" in page
    assert count(Patient) == 0
    lead.post(address + "/confirm", expect=303)
    assert "Waiting for a worker" in text(lead.get(address, expect=200))
    far = lead.get(address + "/progress", expect=200).json
    assert (far["state"], far["going_on"], far["counts"]["rows_read"]) == ("queued", True, 0)
    jobs.run_import(number(address))
    far = lead.get(address + "/progress").json
    assert (far["state"], far["going_on"], far["counts"]["patients_new"]) == ("done", False, 3)
    page = text(lead.get(address, expect=200))
    assert "4 rows read 3 patients new" in page.replace("rows read 4", "4 rows read").replace(
        "patients new 3", "3 patients new"
    )
    assert "1 row is kept aside" in page
    assert "Lena Lead" in page
    assert "done" in text(lead.get("/practices/lake/imports"))
    assert count(Patient) == 3


def test_two_files_are_shown_and_one_can_be_left_out(practice, lead):
    visits = "client_id,appt_date,appt_servic\nC1,2026-01-05,Botox\n"
    address = upload(lead, ("visits.csv", visits), ("clients.csv", CLIENTS))
    page = text(lead.get(address, expect=200))
    assert "med-spa-visits: visits" in page
    assert "Jan 5, 2026 Botox" in page
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    assert count(Milestone) == 1
    other = upload(lead, ("visits.csv", visits), ("clients.csv", CLIENTS))
    lead.post(f"{other}/files/{the_file(other)}/leave-out", expect=303)
    here = {"Referer": "http://localhost" + other}
    lead.post(f"{other}/files/{the_file(other)}/leave-out", headers=here, expect=303)
    assert "the only file" in text(lead.get(other))
    assert [file.name for file in db.session.get_one(Import, number(other)).files] == ["clients.csv"]


def test_unknown_columns_are_mapped_by_hand_and_the_mapping_is_kept_for_the_next_file(practice, lead):
    address = upload(lead, ("odd.csv", ODD))
    assert "It cannot be read yet" in text(lead.get(address, expect=200))
    lead.post(address + "/confirm", headers={"Referer": "http://localhost" + address}, expect=303)
    assert db.session.get_one(Import, number(address)).state is ImportState.UPLOADED
    columns = {"column-0": "full_name", "column-1": "mobile", "save_as": "odd list", "column-7": "email"}
    lead.post(f"{address}/files/{the_file(address)}/map", data=columns, expect=303)
    assert "(312) 555-0101" in text(lead.get(address, expect=200))
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    assert count(Patient) == 2
    assert count(SavedMapping) == 1
    again = upload(lead, ("odd-march.csv", ODD))
    assert "Recognized as odd list" in text(lead.get(again, expect=200))
    nonsense = {"column-0": "colour", "column-1": "mobile"}
    lead.post(f"{again}/files/{the_file(again)}/map", data=nonsense, expect=303)
    assert "It cannot be read yet" in text(lead.get(again))
    lead.post(f"{again}/files/{the_file(again)}/as-recognized", expect=303)
    assert "Recognized as odd list" in text(lead.get(again))


def test_a_file_without_header_is_mapped_by_position(practice, lead):
    address = upload(lead, ("list.csv", HEADERLESS))
    page = text(lead.get(address, expect=200))
    assert "there is no header" in page
    assert "The first row is data" in page
    lead.post(f"{address}/files/{the_file(address)}/without-header", expect=303)
    assert "column 4" in text(lead.get(address, expect=200))
    columns = dict(
        zip(
            ("column-0", "column-1", "column-2", "column-3"),
            ("first_name", "last_name", "mobile", "email"),
            strict=True,
        )
    )
    lead.post(f"{address}/files/{the_file(address)}/map", data=columns, expect=303)
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    assert {patient.name for patient in db.session.scalars(sa.select(Patient))} == {"Ada Lane", "Bea Moss"}


def test_a_wrong_row_is_corrected_on_its_page(practice, lead):
    address = load(lead, ("clients.csv", CLIENTS))
    row = db.session.scalars(sa.select(QuarantinedRow)).one()
    page = lead.get(f"{address}/rows/{row.id}/correct", expect=200)
    assert 'value="not an address"' in page.get_data(as_text=True)
    cells = {f"cell-{place}": cell for place, cell in enumerate(row.cells)}
    still = lead.post(f"{address}/rows/{row.id}/correct", data={**cells, "cell-3": "cy@example.com"}, expect=422)
    assert "cellphone" in text(still)
    assert 'value="cy@example.com"' in still.get_data(as_text=True), "what was typed is kept"
    right = {**cells, "cell-3": "cy@example.com", "cell-4": "312-555-0103"}
    row_id = row.id
    lead.post(f"{address}/rows/{row_id}/correct", data=right, expect=303)
    page = text(lead.get(address, expect=200))
    assert "Line 4 is stored" in page
    assert "None is left" in page
    assert count(Patient) == 4
    lead.post(f"{address}/rows/{row_id}/correct", data=right, expect=404)
    assert count(Patient) == 4


def test_wrong_rows_are_downloaded_corrected_and_loaded_again_until_none_is_left(practice, lead):
    formula = CLIENTS.replace("Cy,Nash", "=1+cmd|'/C calc'!A0,Nash")
    address = load(lead, ("clients list.csv", formula))
    answer = lead.get(f"{address}/files/{the_file(address)}/wrong-rows.csv", expect=200)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clients-list-wrong-rows.csv"'
    raw = answer.get_data()
    assert raw.startswith(b"\xef\xbb\xbf"), "spreadsheets read it as UTF-8"
    header, row = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
    assert header[:3] == ["client_id", "firstname", "lastname"]
    assert row[1].startswith("'=")
    assert row[header.index("line")] == "4"
    assert "email" in row[header.index("reasons")]
    as_it_was = load(lead, ("again.csv", raw))
    assert count(Patient) == 3
    assert db.session.get_one(Import, number(as_it_was)).quarantined == 1
    row[1], row[3], row[4] = "Cy", "cy@example.com", "312-555-0103"
    out = io.StringIO()
    csv.writer(out).writerows([header, row])
    load(lead, ("corrected.csv", out.getvalue()))
    assert count(Patient) == 4
    assert "None is left" in text(lead.get(address))


def test_wrong_rows_can_be_set_aside(practice, lead):
    address = load(lead, ("clients.csv", CLIENTS))
    lead.post(address + "/rows/set-aside", expect=303)
    assert "1 wrong rows are set aside" in text(lead.get(address))
    assert "None is left" in text(lead.get(address))


def test_an_import_that_has_not_begun_can_be_cancelled_and_then_never_runs(practice, lead):
    address = upload(lead, ("clients.csv", CLIENTS))
    lead.post(address + "/cancel", expect=303)
    assert "It was cancelled" in text(lead.get(address, expect=200))
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    assert count(Patient) == 0
    waiting = upload(lead, ("clients.csv", CLIENTS))
    lead.post(waiting + "/confirm", expect=303)
    lead.post(waiting + "/cancel", expect=303)
    jobs.run_import(number(waiting))
    assert count(Patient) == 0


def test_a_confirmed_import_cannot_be_mapped_or_confirmed_again(practice, lead):
    address = upload(lead, ("clients.csv", CLIENTS))
    lead.post(address + "/confirm", expect=303)
    lead.post(address + "/confirm", expect=303)
    here = {"Referer": "http://localhost" + address}
    lead.post(f"{address}/files/{the_file(address)}/map", data={"column-0": "full_name"}, headers=here, expect=303)
    assert "has begun" in text(lead.get(address))
    jobs.run_import(number(address))
    assert count(Patient) == 3


def test_without_a_baa_nothing_is_taken_in(app, lead):
    make_practice("hill", name="Hill", baa_on=None)
    assert "no business associate agreement" in text(lead.get("/practices/hill/imports", expect=200))
    parts = [(io.BytesIO(CLIENTS.encode()), "clients.csv")]
    here = {"Referer": "http://localhost/practices/hill/imports"}
    answer = lead.post("/practices/hill/imports/upload", data={"files": parts}, headers=here, expect=303)
    assert answer.location.endswith("/practices/hill/imports")
    assert (count(Import), count(ImportChunk)) == (0, 0)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", b"\0" * 300_000_000)
    return out.getvalue()


BAD = {
    "empty": (b"", "empty"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
    "ten million columns": (b"a," * 10_000_000, "line 1"),
    "a bundle without entries": (b'{"resourceType": "Bundle", "entry": []}', "empty"),
    "no bundle": (b'{"resourceType": "Patient"}', "Patient"),
    "broken JSON": (b'{"resourceType": "Bundle", "entry": [', "JSON"),
    "a damaged workbook": (b"PK\x03\x04 nothing more", "XLSX or ZIP"),
    "NUL bytes": (b"\0" * 5000, ""),
    "a header alone": (b"first name,last name\n", None),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_read_says_so_and_stores_nothing(practice, lead, what):
    content, says = BAD[what]
    address = upload(lead, ("clients.csv", content))
    page = text(lead.get(address, expect=200))
    if says is not None:
        assert says in page
        assert "Load this file" not in page
        lead.post(address + "/confirm", headers={"Referer": "http://localhost" + address}, expect=303)
        assert db.session.get_one(Import, number(address)).state is ImportState.UPLOADED
    assert count(Patient) == 0


def test_a_zip_bomb_is_refused_in_words(practice, lead):
    address = upload(lead, ("clients.xlsx", bomb()))
    page = text(lead.get(address, expect=200))
    assert "something is to be settled" in page


def test_utf16_and_shift_jis_are_read_as_what_they_are(practice, lead):
    for codec, name in (("utf-16", "Zoë"), ("shift_jis", "山田")):
        address = upload(
            lead, ("clients.csv", f"first name,last name,mobile\n{name},Lane,312-555-0101\n".encode(codec))
        )
        assert name in text(lead.get(address, expect=200))


def test_no_file_too_many_files_and_too_large_a_file_are_refused(practice, lead, app):
    here = {"Referer": "http://localhost/practices/lake/imports"}
    lead.post("/practices/lake/imports/upload", data={}, headers=here, expect=303)
    assert "Choose at least one file" in text(lead.get("/practices/lake/imports"))
    many = [(io.BytesIO(b"a"), f"{n}.csv") for n in range(21)]
    lead.post("/practices/lake/imports/upload", data={"files": many}, headers=here, expect=303)
    assert "At most 20 files" in text(lead.get("/practices/lake/imports"))
    app.config["MAX_CONTENT_LENGTH"] = 1000
    large = {"files": [(io.BytesIO(b"a" * 2000), "a.csv")]}
    assert "200 MB" in text(lead.post("/practices/lake/imports/upload", data=large, expect=413))
    assert count(Import) == 0


def test_the_name_of_a_file_is_shown_without_its_folders(practice, lead):
    address = upload(lead, ("C:\\patients\\<b>clients</b>.csv", CLIENTS))
    page = lead.get(address, expect=200).get_data(as_text=True)
    assert "&lt;b&gt;clients&lt;/b&gt;.csv" in page or "b&gt;.csv" in page
    assert "patients\\" not in page


def test_raw_files_and_wrong_rows_are_forgotten_after_thirty_days_and_the_counts_stay(practice, sign_in):
    user = make_user(Role.LEAD)
    with freeze_time("2026-03-01 17:00"):
        lead = sign_in(user)
        address = load(lead, ("clients.csv", CLIENTS))
    with freeze_time("2026-03-31 16:00"):
        jobs.forget_raw_files()
        assert count(ImportChunk) == 1
    with freeze_time("2026-03-31 18:00"):
        jobs.forget_raw_files()
        db.session.expire_all()
        assert (count(ImportChunk), count(QuarantinedRow)) == (0, 0)
        page = text(sign_in(user).get(address, expect=200))
    assert "None is left" in page
    assert "patients new" in page


IMPORT_PAGES = ["", "/progress", "/files/{file}/wrong-rows.csv", "/rows/{row}/correct"]


@pytest.mark.parametrize("page", IMPORT_PAGES)
def test_an_import_is_seen_by_insiders_only_and_only_under_its_own_practice(practice, lead, sign_in, client, page):
    address = load(lead, ("clients.csv", CLIENTS))
    row = db.session.scalars(sa.select(QuarantinedRow.id)).one()
    path = address + page.format(file=the_file(address), row=row)
    lead.get(path, expect=200)
    make_practice("hill")
    lead.get(path.replace("/lake/", "/hill/"), expect=404)
    for outsider in (make_user(Role.AGENT), make_user(Role.MEMBER, practice)):
        sign_in(outsider).get(path, expect=404)
    client.get(path, expect=303)


@pytest.mark.parametrize("verb", ["confirm", "cancel", "rows/set-aside", "files/{file}/map", "files/{file}/leave-out"])
def test_an_import_is_changed_by_insiders_only_and_only_under_its_own_practice(practice, lead, sign_in, verb):
    address = upload(lead, ("clients.csv", CLIENTS), ("more.csv", CLIENTS))
    path = f"{address}/{verb}".format(file=the_file(address))
    make_practice("hill")
    lead.post(path.replace("/lake/", "/hill/"), expect=404)
    for outsider in (make_user(Role.AGENT), make_user(Role.MEMBER, practice)):
        sign_in(outsider).post(path, expect=404)
    stored = db.session.get_one(Import, number(address))
    assert (stored.state, len(stored.files)) == (ImportState.UPLOADED, 2)


def test_what_was_cancelled_before_it_began_is_forgotten_at_once(practice, lead):
    address = upload(lead, ("clients.csv", CLIENTS))
    lead.post(address + "/cancel", expect=303)
    assert count(ImportChunk) == 0
    begun = upload(lead, ("clients.csv", CLIENTS))
    lead.post(begun + "/confirm", expect=303)
    lead.post(begun + "/cancel", expect=303)
    assert count(ImportChunk) == 1, "what was begun is kept for its 30 days"
    jobs.run_import(number(begun))
    here = {"Referer": "http://localhost" + begun}
    lead.post(begun + "/cancel", headers=here, expect=303)
    assert "This import is over" in text(lead.get(begun))
