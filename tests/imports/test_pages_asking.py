"""The preview of a file with columns that may say who refused: asked about, answered, and the answer kept."""

import pytest
import sqlalchemy as sa

from ops.accounts.models import Role
from ops.db import db
from ops.imports import jobs
from ops.imports.models import Import, ImportState
from ops.practices.models import Patient, Practice
from tests.uploads import number, text, the_file, upload
from tests.world import make_practice, make_user

ASKING = "client_id,firstname,lastname,cellphone,Vital Status\nC1,Ada,Lane,(312) 555-0101,living\n"
ANSWER = {"column-0": "external_id", "column-1": "first_name", "column-2": "last_name", "column-3": "mobile"}


@pytest.fixture
def practice(app) -> Practice:
    return make_practice("lake", name="Lake Skin")


@pytest.fixture
def lead(sign_in):
    return sign_in(make_user(Role.LEAD, name="Lena Lead"))


def test_a_column_that_may_refuse_is_asked_about_and_left_out_only_by_saying_so(practice, lead):
    address = upload(lead, ("clients.csv", ASKING))
    page = text(lead.get(address, expect=200))
    assert "Vital Status: may say who refused contact" in page and "something is to be settled below first" in page
    lead.post(address + "/confirm", headers={"Referer": "http://localhost" + address}, expect=303)
    assert db.session.get_one(Import, number(address)).state is ImportState.UPLOADED
    lead.post(f"{address}/files/{the_file(address)}/map", data=ANSWER, expect=303)
    assert "may say who refused contact" in text(lead.get(address)), "saying nothing about it is no answer"
    answer = ANSWER | {"column-4": "unused", "save_as": "ours"}
    lead.post(f"{address}/files/{the_file(address)}/map", data=answer, expect=303)
    assert '<option value="unused" selected>' in lead.get(address).get_data(as_text=True).replace("\n", " ")
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    page = text(lead.get(address, expect=200))
    assert "read as ours: patients ). Dropped columns: Vital Status" in page.replace("patients)", "patients )")
    assert db.session.scalars(sa.select(Patient.first_name)).all() == ["Ada"]
    again = upload(lead, ("clients.csv", ASKING))
    assert "may say" not in text(lead.get(again, expect=200)), "the answer is kept with the mapping"


def test_such_a_column_can_be_said_to_be_a_death(practice, lead):
    address = upload(lead, ("clients.csv", ASKING.replace("living", "Deceased")))
    lead.post(f"{address}/files/{the_file(address)}/map", data=ANSWER | {"column-4": "deceased"}, expect=303)
    lead.post(address + "/confirm", expect=303)
    jobs.run_import(number(address))
    assert db.session.scalars(sa.select(Patient.deceased)).all() == [True]
