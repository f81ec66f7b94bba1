"""`ops import`: load a practice's files here and now, with a progress bar."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click
import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ops.db import db, transaction
from ops.errors import Refused
from ops.imports.actions import file_name
from ops.imports.loading import (
    LoadCounts,
    begin,
    cancel,
    choose_profile,
    outcome_of,
    receive,
    run,
    said_whole,
    try_out,
    withdraw_absent,
)
from ops.imports.loading.outcome import HELD, WAITING, agreed_words
from ops.imports.loading.running import Report
from ops.imports.models import Import, ImportState, SavedMapping
from ops.imports.reading.recognising import KINDS, NAMES, Profile
from ops.imports.reading.records import Unreadable
from ops.practices.models import Practice

ACTOR = "command line"
NOTHING = LoadCounts(0, 0, 0, 0, [], 0, 0, 0, 0)


class Whole(NamedTuple):
    """The files hold every visit of these days; `most`: even if more than half of what we have is not in them."""

    first: date
    last: date
    most: bool


class Unfinished(Unreadable):
    """The load ended early; `outcome` is what it stored."""

    def __init__(self, problem: str, outcome: LoadCounts):
        super().__init__(problem)
        self.outcome = outcome


@click.command("import")
@click.option("--practice", "slug", required=True, help="The practice's short name.")
@click.option("--profile", help=f"How the files are read: {', '.join(NAMES)}, or the name of a saved mapping.")
@click.option(
    "--every-visit-from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    help="With --every-visit-until: the files hold every visit of these days, and what they do not name is withdrawn.",
)
@click.option("--every-visit-until", "last", type=click.DateTime(["%Y-%m-%d"]), help="The last of these days.")
@click.option("--withdraw-most", is_flag=True, help="Even if that is more than half of the visits of these days.")
@click.option("--dry-run", is_flag=True, help="Everything but the writing.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(
    slug: str,
    profile: str | None,
    first: datetime | None,
    last: datetime | None,
    withdraw_most: bool,
    dry_run: bool,
    as_json: bool,
    files: tuple[Path, ...],
) -> None:
    """Load exports of a practice: CSV, TSV, XLSX or FHIR R4 bundles, in any order.

    Wrong rows are quarantined and listed; good rows are kept. Exit code 0 when every row is stored or quarantined,
    1 when nothing could be read, 2 for a wrong command.
    """
    practice = db.session.scalars(sa.select(Practice).where(Practice.slug == slug)).first()
    if practice is None:
        raise click.BadParameter(f"there is no practice called {slug!r}", param_hint="--practice")
    how = _profile(practice, profile)
    if (first is None) != (last is None) or (first and last and first > last):
        raise click.UsageError("--every-visit-from and --every-visit-until are two days, the first before the last.")
    whole = Whole(first.date(), last.date(), withdraw_most) if first and last else None
    try:
        with ExitStack() as stack:
            streams: list[tuple[str, BinaryIO]] = [
                (_name(path), stack.enter_context(path.open("rb"))) for path in files
            ]
            outcome = _try(practice, streams, how, whole) if dry_run else _load(practice, streams, how, whole)
    except (Unreadable, Refused) as problem:
        if as_json:
            stored = problem.outcome if isinstance(problem, Unfinished) else NOTHING
            _say(stored.json_parts(problem=str(problem)))
        click.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    _say(outcome.json_parts() if as_json else [_in_words(outcome, dry_run)])


def _name(path: Path) -> str:
    """As it can be shown and stored: other systems' file names may be no text here."""
    return file_name(os.fsencode(path.name).decode("utf-8", "replace"))


def _say(parts: Iterable[str]) -> None:
    sys.stdout.writelines(parts)  # a million wrong rows would be a million flushes with click
    click.echo()


def _profile(practice: Practice, name: str | None) -> Profile | str | None:
    if name is None or name in NAMES:
        return name
    saved = db.session.scalars(
        sa.select(SavedMapping).where(SavedMapping.practice_id == practice.id, SavedMapping.name == name)
    ).first()
    if saved is None:
        raise click.BadParameter(f"there is no profile or saved mapping called {name!r}", param_hint="--profile")
    return Profile.from_json(saved.profile)


def _try(
    practice: Practice, streams: list[tuple[str, BinaryIO]], how: Profile | str | None, whole: Whole | None
) -> LoadCounts:
    db.session.rollback()
    days = (whole.first, whole.last) if whole else None
    return try_out(practice, [(name, stream, how) for name, stream in streams], ACTOR, days)


def _load(
    practice: Practice, streams: list[tuple[str, BinaryIO]], how: Profile | str | None, whole: Whole | None
) -> LoadCounts:
    db.session.rollback()
    with transaction(ACTOR):
        load = receive(practice, streams, ACTOR)
        for file in load.files:
            choose_profile(file, how)
        said_whole(load, *(whole[:2] if whole else (None, None)))
        begin(load, ring_worker=False)
        import_id = load.id
    try:
        with _progress() as report:
            run(import_id, report)
    except (sa.exc.OperationalError, psycopg.OperationalError):
        gone = f"The database went away while import {import_id} was loaded. What it had read is stored, and"
        raise click.ClickException(f"{gone} the running agency goes on with the rest within minutes.") from None
    except KeyboardInterrupt:  # else the tick would take it for dead and go on with it
        db.session.rollback()
        with transaction(ACTOR):
            cancel(db.session.get_one(Import, import_id))
        raise
    db.session.expire_all()
    load = db.session.get_one(Import, import_id)
    if load.state is not ImportState.DONE:
        problem = load.problem or f"Import {import_id} is {load.state} and was not finished here."
        raise Unfinished(problem, outcome_of(import_id))
    outcome = outcome_of(import_id)
    return _withdraw(import_id, whole.most) if whole and outcome.absent and outcome.absent["missing"] else outcome


def _withdraw(import_id: int, most: bool) -> LoadCounts:
    """Withdraw the visits that are missing. Raises Unfinished when that is refused; all the rest is stored."""
    try:
        with transaction(ACTOR):
            withdraw_absent(db.session.get_one(Import, import_id, populate_existing=True), most=most)
    except Refused as refused:
        problem = f"All rows are stored, and no visit was withdrawn. {refused} (--withdraw-most says so again.)"
        raise Unfinished(problem, outcome_of(import_id)) from None
    return outcome_of(import_id)


@contextmanager
def _progress() -> Iterator[Report | None]:
    """A bar on standard error when somebody looks at it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def report(name: str, rows: int, share: float) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=1.0, rows=0)
            bars.update(tasks[name], completed=share, rows=rows)

        yield report


def _in_words(outcome: LoadCounts, dry_run: bool) -> str:
    withdrawn = f", {outcome.rows_withdrawn:,} with a visit withdrawn" if outcome.rows_withdrawn else ""
    ignored = "".join(f", {count:,} ignored: {reason}" for reason, count in outcome.rows_ignored.items())
    lines = [
        *(_how_read(file) for file in outcome.files),
        f"{outcome.rows_read:,} rows read" + (" (nothing was written)" if dry_run else ""),
        f"  of them {outcome.rows_stored:,} stored, {outcome.rows_unchanged:,} unchanged, "
        f"{len(outcome.quarantined):,} quarantined, {outcome.rows_future:,} with a visit still ahead"
        f"{withdrawn}{ignored}",
        f"{outcome.patients_new:,} patients new, {outcome.patients_updated:,} changed",
        f"{outcome.milestones_new:,} milestones new",
        *([_absent_words(outcome.absent)] if outcome.absent else []),
        f"{outcome.suppressed:,} opted out, {outcome.unreachable:,} without phone and email, "
        f"{outcome.deceased:,} deceased, {outcome.minors:,} minors",
        *([said] if (said := agreed_words(outcome.agreed)) else []),
        *(
            [f"{outcome.held:,} of the rows below {'is' if outcome.held == 1 else 'are'} {HELD}"]
            if outcome.held
            else []
        ),
        *(
            [f"{outcome.held_later:,} of the rows below {'says' if outcome.held_later == 1 else 'say'} {WAITING}"]
            if outcome.held_later
            else []
        ),
        f"{len(outcome.quarantined):,} rows quarantined" + (":" if outcome.quarantined else ""),
    ]
    lines += [f"  {row['file']}:{row['line']}: {'; '.join(row['reasons'])}" for row in outcome.quarantined[:20]]
    if len(outcome.quarantined) > 20:
        lines.append(f"  … and {len(outcome.quarantined) - 20:,} more (--json lists all)")
    return "\n".join(lines)


def _absent_words(told: dict[str, Any]) -> str:
    days = f"every visit from {told['from']} to {told['until']}"
    return f"{days}: {told['missing']:,} of {told['of']:,} we have are not in it, {told['withdrawn']:,} withdrawn"


def _how_read(file: dict[str, Any]) -> str:
    dropped = ", ".join(name or "(no name)" for name in file["dropped"])
    said = [f"{file['file']}: read as {file['read_as']} ({KINDS[file['holds']]})."]
    said += [f"Dropped columns: {dropped}."] if dropped else []
    return " ".join([*said, *file["notes"]])


commands = [import_]
