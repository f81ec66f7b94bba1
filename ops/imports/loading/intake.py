"""Takes in the files of a load: kept raw in the database for 30 days, so that any worker can read them, and again."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.imports.models import Import, ImportChunk, ImportFile, ImportState, QuarantinedRow
from ops.imports.reading.recognising import Profile
from ops.practices import refusals
from ops.practices.models import Practice, PracticeStatus

CHUNK = 1 << 20
KEEP_RAW = timedelta(days=30)
"""docs/rules.md A13: raw files and the wrong rows taken from them."""


def refuse_without_baa(practice: Practice) -> None:
    """Raises Refused when this practice's data may not be taken in at all (docs/rules.md A12)."""
    if practice.baa_on is None or practice.baa_on > clock.today(practice.zone):
        raise Refused(f"{practice.name} has no business associate agreement on file: nothing can be imported.")
    if practice.status is PracticeStatus.ENDED:
        raise Refused(f"{practice.name} has ended: nothing can be imported.")


def receive(practice: Practice, files: Sequence[tuple[str, BinaryIO]], created_by: str) -> Import:
    """Keep the raw `files` (name, stream) as one import, not yet begun. Raises Refused without a BAA.

    Whoever uploads says next how each file is read (`choose_profile`) and starts it (`ops.imports.jobs.start`).
    """
    refuse_without_baa(practice)
    load = Import(
        practice_id=practice.id,
        state=ImportState.UPLOADED,
        created_by=created_by,
        created_at=clock.now(),
        dry_run=False,
    )
    db.session.add(load)
    db.session.flush()
    for position, (name, stream) in enumerate(files):
        load.files.append(_keep(load, position, name, stream))
    db.session.flush()
    return load


def _keep(load: Import, position: int, name: str, stream: BinaryIO) -> ImportFile:
    file = ImportFile(import_id=load.id, position=position, name=name, size=0, sha256=b"", profile={}, rows_done=0)
    db.session.add(file)
    db.session.flush()
    digest = hashlib.sha256()
    stream.seek(0)
    number = 0
    while content := stream.read(CHUNK):
        digest.update(content)
        file.size += len(content)
        db.session.execute(sa.insert(ImportChunk).values(file_id=file.id, number=number, content=content))
        number += 1
    file.sha256 = digest.digest()
    return file


def choose_profile(file: ImportFile, profile: Profile | str | None) -> None:
    """How the file will be read: a mapping, the name of a known profile, or None for what its headers say."""
    if isinstance(profile, Profile):
        file.profile = profile.as_json()
    else:
        file.profile = {"name": profile} if profile else {}
    db.session.flush()


def note_reading(file_id: int, profile: Profile | None, columns: Sequence[str], notes: Sequence[str]) -> None:
    """Keep how the file is read, for the pages, for corrections, and for a resumed load to read it the same way."""
    how = profile.as_json() | {"header": list(columns)} if profile else {"name": "fhir-r4", "kind": "both"}
    how |= {"notes": list(notes)}
    db.session.execute(
        sa.update(ImportFile).where(ImportFile.id == file_id).values(profile=how),
        execution_options={"synchronize_session": False},
    )


def chosen_profile(file: ImportFile) -> Profile | str | None:
    """What `choose_profile` was told."""
    stored = file.profile or {}
    return Profile.from_json(stored) if "columns" in stored else stored.get("name")


@contextmanager
def raw(file: ImportFile) -> Iterator[BinaryIO]:
    """The file as it was sent, in a nameless temporary file. Raises Refused when it is no longer kept."""
    with tempfile.TemporaryFile() as spool:
        numbers = db.session.scalars(
            sa.select(ImportChunk.number).where(ImportChunk.file_id == file.id).order_by(ImportChunk.number)
        ).all()
        for number in numbers:
            chunk = sa.select(ImportChunk.content).where(ImportChunk.file_id == file.id, ImportChunk.number == number)
            spool.write(db.session.scalars(chunk).one())
        if file.size and not numbers:
            raise Refused(f"{file.name} is no longer kept (raw files are deleted after {KEEP_RAW.days} days).")
        spool.seek(0)
        yield spool


def forget_raw() -> int:
    """Delete raw files and quarantined rows older than 30 days; how many files. The counts of the import stay.

    What a row said of contacting somebody, and nobody made right in all that time, is a no from then on.
    """
    old = sa.select(ImportFile.id).join(Import).where(Import.created_at < clock.now() - KEEP_RAW)
    _refuse_for_good(old)
    db.session.execute(sa.delete(QuarantinedRow).where(QuarantinedRow.file_id.in_(old)))
    gone = db.session.execute(sa.delete(ImportChunk).where(ImportChunk.file_id.in_(old)).returning(ImportChunk.file_id))
    return len(set(gone.scalars()))


def _refuse_for_good(files: sa.Select[int]) -> None:
    held = sa.table("unread_keys", sa.column("row_id", sa.BigInteger), sa.column("key", sa.LargeBinary))
    said = (
        sa.select(QuarantinedRow.practice_id, QuarantinedRow.import_id, QuarantinedRow.line, held.c.key)
        .join(held, held.c.row_id == QuarantinedRow.id)
        .where(QuarantinedRow.file_id.in_(files))
    )
    found = [
        refusals.Refusal(key, "all", f"import {load}, line {line}, never understood", practice)
        for practice, load, line, key in db.session.execute(said)
    ]
    if found:
        refusals.keep(found, "tick")
