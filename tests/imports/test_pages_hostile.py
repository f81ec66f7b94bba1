"""What a file made to break its reader does to its page and to its load: a sentence."""

import io
import zipfile

from ops.accounts.models import Role
from ops.db import db
from ops.imports import jobs, loading
from ops.imports.loading import looking
from ops.imports.models import Import
from tests import exports
from tests.world import make_practice, make_user


def test_a_workbook_made_to_fill_the_memory_is_a_sentence_on_its_page_and_in_its_load(app, sign_in, monkeypatch):
    make_practice("lake")
    lead = sign_in(make_user(Role.LEAD))
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_000))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(io.BytesIO(exports.workbook([["First Name"], ["Ada"]]))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = f"<worksheet xmlns='{main}'><sheetData>{rows}</sheetData></worksheet>".encode()
    parts["xl/sharedStrings.xml"] = f"<sst xmlns='{main}'><si><t>{'x' * 60_000}</t></si></sst>".encode()
    sent = {"files": [(io.BytesIO(exports.zipped(parts)), "bomb.xlsx")]}
    address = lead.post("/practices/lake/imports/upload", data=sent, expect=303).location
    number = int(address.rpartition("/")[2])
    monkeypatch.setattr(looking, "WAIT_S", 0.0)
    with looking.turn_to_look(0), looking.turn_to_look(0):  # as many look already as may
        assert looking.BUSY in lead.get(address, expect=200).get_data(as_text=True)
    assert "bomb.xlsx: reading it takes more than 300 MB of memory" in lead.get(address, expect=200).get_data(
        as_text=True
    )
    lead.post(address + "/confirm", expect=400)
    loading.begin(db.session.get_one(Import, number), ring_worker=False)
    db.session.commit()
    jobs.run_import(number)
    db.session.expire_all()
    assert "takes more than 300 MB" in lead.get(address, expect=200).get_data(as_text=True)
