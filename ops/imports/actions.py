"""What a person says about an upload before it is loaded: how its columns are read, and which files stay in."""

from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath

import sqlalchemy as sa

from ops import clock
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.imports.loading import begin, cancel, choose_profile, chosen_profile
from ops.imports.models import Import, ImportChunk, ImportFile, ImportState, QuarantinedRow, SavedMapping
from ops.imports.reading.fields import Field
from ops.imports.reading.preview import Preview
from ops.imports.reading.recognising import Profile, mapped
from ops.practices.models import Practice

BY_HAND = "columns chosen by hand"
BY_POSITION = "columns by position"
MAX_FILES = 20
"""Of one import in the browser."""


def file_name(given: str | None) -> str:
    """The name of an uploaded file as we show it: without folders (of any system) or control characters."""
    name = PureWindowsPath(given or "").name
    printable = "".join(character for character in name if character.isprintable())
    return printable.encode("utf-8", "replace").decode()[-120:].strip() or "file"


def map_columns(
    practice: Practice, file: ImportFile, columns: Mapping[str, Field], save_as: str = "", unused: Sequence[str] = ()
) -> None:
    """Read `file` by these columns (key of the header -> field); `save_as` keeps it for files like this one. Of the
    `unused` somebody said that they refuse nothing.

    Raises Refused when the import has begun.
    """
    _refuse_begun(file)
    chosen = chosen_profile(file)
    headerless = isinstance(chosen, Profile) and chosen.headerless
    name = " ".join(save_as.split())[:80]
    profile = mapped(name or (BY_POSITION if headerless else BY_HAND), dict(columns), headerless, unused)
    choose_profile(file, profile)
    if name:
        save_mapping(practice, name, profile)


def save_mapping(practice: Practice, name: str, profile: Profile) -> None:
    """Keep how files with these columns are read; a mapping of the same name is replaced."""
    saved = db.session.scalar(
        sa.select(SavedMapping).where(SavedMapping.practice_id == practice.id, SavedMapping.name == name)
    )
    if saved is None:
        saved = SavedMapping(practice_id=practice.id, name=name)
        db.session.add(saved)
    saved.headers, saved.profile, saved.saved_at = sorted(profile.columns), profile.as_json(), clock.now()
    db.session.flush()


def read_without_header(file: ImportFile) -> None:
    """The first row is data already: columns are told apart by position. Raises Refused when the import has begun."""
    _refuse_begun(file)
    choose_profile(file, mapped(BY_POSITION, {}, headerless=True))


def read_as_recognised(file: ImportFile) -> None:
    """Forget what was chosen by hand. Raises Refused when the import has begun."""
    _refuse_begun(file)
    choose_profile(file, None)


def leave_out(load: Import, file: ImportFile) -> None:
    """Take one file out of an upload. Raises Refused when the import has begun or it is the only one."""
    _refuse_begun(file)
    if len(load.files) == 1:
        raise Refused("It is the only file; cancel the import instead.")
    load.files.remove(file)
    db.session.flush()


def confirm_import(load: Import, previews: Mapping[int, Preview]) -> None:
    """Load it, each file (by its id) read as the person saw it in the preview.

    Raises Refused when a file cannot be read yet or the import has begun.
    """
    _lock(load)
    for file in load.files:
        seen = previews.get(file.id)
        if seen is None or not seen.may_be_loaded:
            raise Refused(f"{file.name} cannot be read yet: map its columns or leave it out.")
        if seen.profile is not None:
            choose_profile(file, seen.profile)
    begin(load)


def discard(load: Import) -> None:
    """Cancel it. What had not begun to be loaded is forgotten at once: there is no reason to keep it (docs/rules.md
    A12).

    Raises Refused when the import is over.
    """
    _lock(load)
    untouched = load.state is ImportState.UPLOADED
    cancel(load)
    if untouched:
        files = sa.select(ImportFile.id).where(ImportFile.import_id == load.id)
        db.session.execute(sa.delete(ImportChunk).where(ImportChunk.file_id.in_(files)))


def _lock(load: Import) -> None:
    db.session.refresh(load, with_for_update=True)


def _refuse_begun(file: ImportFile) -> None:
    load = db.session.get_one(Import, file.import_id)
    _lock(load)
    if load.state is not ImportState.UPLOADED:
        raise Refused("This import has begun; upload the file again to read it otherwise.")


def set_aside(load: Import) -> int:
    """Whoever uploaded says that the rows still wrong are dealt with (or do not matter); how many they were. A row that
    keeps a patient from being contacted stays: somebody has to say what it says."""
    done = db.session.execute(
        sa.update(QuarantinedRow)
        .where(QuarantinedRow.import_id == load.id, QuarantinedRow.corrected_at.is_(None), ~QuarantinedRow.holding())
        .values(corrected_at=clock.now())
    )
    return rows_changed(done)
