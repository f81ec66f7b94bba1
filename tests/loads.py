"""Loading contents of files in tests, and looking at what is there afterwards."""

import sqlalchemy as sa

from ops.contact.models import Suppression
from ops.db import db, transaction
from ops.imports import loading
from ops.imports.models import Import, ImportState
from ops.practices.models import Milestone, Patient
from tests import exports

HEAD = "Patient ID,First Name,Last Name,DOB,Mobile,Email,DND\n"
VISITS = "Visit ID,Patient ID,Appt Date,Service\n"


def received(practice, *files, profile=None) -> int:
    """The number of an import of these (name, content), waiting to be run."""
    with transaction("test"):
        load = loading.receive(practice, [(name, exports.stream(content)) for name, content in files], "test")
        for file in load.files:
            loading.choose_profile(file, profile)
        loading.begin(load, ring_worker=False)
        return load.id


def load(practice, *files, profile=None) -> loading.LoadCounts:
    """The outcome of loading contents (or (name, content)), with the counts the import's row shows."""
    named = [file if isinstance(file, tuple) else (f"file{at}.csv", file) for at, file in enumerate(files)]
    number = received(practice, *named, profile=profile)
    assert loading.run(number)
    db.session.expire_all()
    row = db.session.get_one(Import, number)
    assert row.state is ImportState.DONE, row.problem
    return loading.outcome_of(number)


def everything() -> list[tuple]:
    """All patients, milestones and suppressions, with the times at which they changed."""
    db.session.expire_all()
    tables = (Patient.__table__, Milestone.__table__, Suppression.__table__)
    return [tuple(row) for table in tables for row in db.session.execute(sa.select(table).order_by(table.c.id))]


def patient(number: str) -> Patient:
    db.session.expire_all()
    return db.session.scalars(sa.select(Patient).where(Patient.external_id == number)).one()
