"""Runs an import: every file opened and recognized first, then batch after batch, each one transaction.

A batch and the note of how far the file got become true together, so a load that is killed goes on behind its last
batch and a load that is started twice does nothing twice. Everything already read is read again then, only not written:
who stood in a file before decides on what comes later. Whoever runs an import writes its name on it; who finds
another name there, or a cancelled import, stops.
"""

import traceback
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from ops import clock
from ops.background import Job, ring
from ops.db import db, rows_changed, transaction
from ops.errors import Refused
from ops.imports.loading.accounts import fates
from ops.imports.loading.ahead import ahead
from ops.imports.loading.alive import signs_of_life
from ops.imports.loading.batches import Batch, Batcher, Matcher
from ops.imports.loading.intake import choose_profile, chosen_profile, note_reading, raw, receive, refuse_without_baa
from ops.imports.loading.outcome import LoadCounts, outcome_of
from ops.imports.loading.seen import AGREED, DECEASED, MINOR, SUPPRESSED, UNREACHABLE, Seen
from ops.imports.loading.writing import Writer, Written, hold_back, stated_columns
from ops.imports.models import Import, ImportFile, ImportState, SavedMapping
from ops.imports.reading.apart import Apart
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import Unreadable
from ops.imports.reading.sources import Source
from ops.practices.models import Practice, TreatmentType

log = structlog.get_logger()
MAX_STARTS = 5
"""A load that died so often is given up: it kills its worker each time."""
Report = Callable[[str, int, float], None]
"""Told after each batch: the file's name, rows done in it, share of its bytes read (0 to 1)."""


class Superseded(Exception):
    """Somebody else runs this import, or it was cancelled."""


class LoadError(Exception):
    """An error of ours during a load: its kind and places, without its message. PostgreSQL's messages quote rows, and
    a patient must not get into a log that way."""

    def __init__(self, import_id: int, problem: Exception):
        frames = traceback.extract_tb(problem.__traceback__)[-3:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        self.kind = type(problem).__name__
        super().__init__(f"import {import_id}: {self.kind} at {places}")


class _Undone(Exception):
    """Takes a try-out back."""


@dataclass(frozen=True)
class _Part:
    """One file of the load, as plain facts: the session may forget its objects between batches."""

    file_id: int
    number: int
    size: int
    rows_done: int
    source: Source
    stream: BinaryIO


def run(import_id: int, report: Report | None = None) -> bool:
    """Load what `import_id` names, or go on with it; False when it was not waiting to be run, or somebody took it over.

    Its row says afterwards what came of it: done with counts, or failed with the problem in words. Raises LoadError for
    an error of ours, after noting it; a lost database is raised and left to be resumed.
    """
    me = _claim(import_id)
    if me is None:
        return False
    try:
        with signs_of_life(import_id, me), ExitStack() as files:
            _Run(import_id, me, report).all(files)
        return True
    except Superseded:
        return False
    except (Unreadable, Refused) as problem:
        _fail(import_id, me, str(problem))
        return True
    except (sa.exc.OperationalError, psycopg.OperationalError):
        raise
    except Exception as problem:
        error = LoadError(import_id, problem)
    log.error("import_failed", import_id=import_id, error=str(error))
    _fail(import_id, me, f"An error of ours ({error.kind}). What was read before it is stored.")
    raise error


def try_out(
    practice: Practice,
    files: list[tuple[str, BinaryIO, Profile | str | None]],
    actor: str,
    days: tuple[date, date] | None = None,
) -> LoadCounts:
    """Everything `run` does but the writing: one transaction that is taken back. Raises Unreadable and Refused."""
    found: list[LoadCounts] = []

    try:
        with transaction(actor) as session:
            load = receive(practice, [(name, stream) for name, stream, _ in files], actor)
            for file, (_, _, profile) in zip(load.files, files, strict=True):
                choose_profile(file, profile)
            load.state, load.runner, load.dry_run = ImportState.RUNNING, "try-out/1", True
            load.whole_from, load.whole_until = days or (None, None)
            session.flush()
            with ExitStack() as opened:
                _Run(load.id, "try-out/1", None, within=session).all(opened)
            session.expire_all()
            found.append(outcome_of(load.id))
            raise _Undone
    except _Undone:
        return found[0]


def _claim(import_id: int) -> str | None:
    """Write our name on a waiting import; None when it waits no more. Gives up one that died too often."""
    name = uuid.uuid4().hex[:12]
    with transaction(f"import:{import_id}") as session:
        load = session.scalars(
            sa.select(Import).where(Import.id == import_id, Import.state == ImportState.QUEUED).with_for_update()
        ).first()
        if load is None:
            return None
        starts = int((load.runner or "/0").rpartition("/")[2]) + 1
        load.beat_at = clock.now()
        load.started_at = load.started_at or load.beat_at
        if starts > MAX_STARTS:
            load.state, load.finished_at = ImportState.FAILED, load.beat_at
            load.problem = (
                f"Given up: it ended the process that read it {MAX_STARTS} times. What it had read is stored."
            )
            return None
        load.state, load.runner = ImportState.RUNNING, f"{name}/{starts}"
        return load.runner


def _fail(import_id: int, me: str, problem: str) -> None:
    db.session.rollback()
    with transaction(f"import:{import_id}") as session:
        session.execute(
            sa.update(Import)
            .where(Import.id == import_id, Import.runner == me, Import.state == ImportState.RUNNING)
            .values(state=ImportState.FAILED, problem=problem[:2000], finished_at=clock.now())
        )


def saved_mappings(practice_id: int) -> list[Profile]:
    """The mappings people saved for this practice, newest first."""
    newest = (
        sa.select(SavedMapping).where(SavedMapping.practice_id == practice_id).order_by(SavedMapping.saved_at.desc())
    )
    return [Profile.from_json(mapping.profile) for mapping in db.session.scalars(newest)]


class _Raw:
    """A file taken from the database, not looked at yet."""

    def __init__(self, file: ImportFile, files: ExitStack):
        self._file_id, self._name, self._size, self._done = file.id, file.name, file.size, file.rows_done
        self._profile = chosen_profile(file)
        self.stream = files.enter_context(raw(file))

    def opened(self, reader: Apart, number: int, saved: list[Profile]) -> _Part:
        source = reader.opened(number, self._name, self._profile, saved)
        return _Part(self._file_id, number, self._size, self._done, source, self.stream)


class _Run:
    """One run of one import. `within`: a session whose transaction holds all of it (a try-out), else one per batch."""

    def __init__(self, import_id: int, me: str, report: Report | None, within: Session | None = None):
        self._import_id = import_id
        self._me = me
        self._report = report
        self._within = within
        self._actor = f"import:{import_id}"

    def all(self, files: ExitStack) -> None:
        parts = self._parts(files)
        batcher = Batcher(Matcher(self._treatments), self._today, Seen())
        self._clashed: set[str] = set()
        for part in parts:
            self._file(part, batcher)
        self._finish()

    def _edge(self) -> AbstractContextManager[Session]:
        return nullcontext(self._within) if self._within else transaction(self._actor)

    def _parts(self, files: ExitStack) -> list[_Part]:
        """Every file, opened and recognized before the first row is written. Raises Unreadable, Refused."""
        load = db.session.get_one(Import, self._import_id)
        practice = db.session.get_one(Practice, load.practice_id)
        refuse_without_baa(practice)
        self._practice_id, self._zone, self._today = practice.id, practice.zone, clock.today(practice.zone)
        self._names_all = load.is_whole
        kinds = sa.select(TreatmentType).where(TreatmentType.practice_id == practice.id).order_by(TreatmentType.id)
        self._treatments = [(kind.id, kind.match_words) for kind in db.session.scalars(kinds)]
        mappings = saved_mappings(practice.id)
        raws = [_Raw(file, files) for file in load.files]
        if self._within is None:
            db.session.rollback()  # so that no transaction stays open while the files are looked through
        self._reader = files.enter_context(Apart([one.stream for one in raws]))
        parts = [one.opened(self._reader, number, mappings) for number, one in enumerate(raws)]
        if all(part.source.ignored for part in parts):
            notes = "; ".join(f"{part.source.name}: {' '.join(part.source.notes)}" for part in parts)
            raise Unreadable(f"Nothing to read. {notes}")
        return sorted(parts, key=lambda part: part.source.order)

    def _file(self, part: _Part, batcher: Batcher) -> None:
        source = part.source
        rows = iter(()) if source.ignored else self._reader.rows(part.number, self._zone, self._today)
        with self._edge():
            note_reading(part.file_id, source.profile, source.columns, source.notes)
        stated = stated_columns(source.profile)
        names = (self._practice_id, self._import_id, part.file_id, self._actor)
        bundle = source.profile is None
        writer = Writer(*names, stated, self._clashed, of_a_bundle=bundle, names_all=self._names_all)
        for batch in ahead(batcher.batches(rows)):
            with self._edge() as session:
                written = Written()
                if batch.rows_done > part.rows_done:
                    written = writer.write(session, batch, clock.now())
                elif batch.patients:
                    writer.note_clashes(session, batch)
                self._note(session, part, batch, written)
            if self._report:
                self._report(source.name, batch.rows_done, min(1.0, part.stream.tell() / max(1, part.size)))
        with self._edge() as session:
            session.execute(sa.update(ImportFile).where(ImportFile.id == part.file_id).values(finished=True))

    def _note(self, session: Session, part: _Part, batch: Batch, written: Written) -> None:
        """How far we are, in the transaction that makes it true. Raises Superseded."""
        fresh = max(0, batch.rows_done - max(part.rows_done, batch.rows_done - batch.rows))
        counts, became = batch.counts, fates(batch, written, fresh)
        values = {
            "beat_at": clock.now(),
            "rows_read": Import.rows_read + fresh,
            "patients_new": Import.patients_new + written.patients_new,
            "patients_updated": Import.patients_updated + written.patients_updated,
            "milestones_new": Import.milestones_new + written.milestones_new,
            "suppressed": counts[SUPPRESSED],
            "unreachable": counts[UNREACHABLE],
            "deceased": counts[DECEASED],
            "minors": counts[MINOR],
            "agreed": {channel: counts[flag] for channel, flag in AGREED.items() if counts[flag]},
        } | {fate: getattr(Import, fate) + number for fate, number in became.items()}
        self._still_ours(session, values)
        if fresh:
            done = sa.update(ImportFile).where(ImportFile.id == part.file_id).values(rows_done=batch.rows_done)
            session.execute(done, execution_options={"synchronize_session": False})

    def _still_ours(self, session: Session, values: dict[str, object]) -> None:
        ours = sa.update(Import).where(
            Import.id == self._import_id, Import.runner == self._me, Import.state == ImportState.RUNNING
        )
        done = session.execute(ours.values(values), execution_options={"synchronize_session": False})
        if rows_changed(done) != 1:
            raise Superseded

    def _finish(self) -> None:
        with self._edge() as session:
            now = clock.now()
            self._still_ours(session, {"state": ImportState.DONE, "beat_at": now, "finished_at": now})
            hold_back(session, self._practice_id)
            if self._within is None:
                ring(Job.IMPORT_FINISHED, self._practice_id)
