"""What the files of an upload would bring, for the person who confirms it.

A file can be made so that the look takes all the computing it may (PREVIEW_S), and a person who waits for a page
presses reload. So few look at files at once on a machine, and who comes then is told to come again.
"""

from contextlib import ExitStack

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.imports.loading.intake import chosen_profile, raw
from ops.imports.loading.running import saved_mappings
from ops.imports.loading.turns import turn_to_look
from ops.imports.models import Import
from ops.imports.reading.apart import Apart
from ops.imports.reading.preview import Preview
from ops.imports.reading.records import Unreadable
from ops.practices.models import Practice

WAIT_S = 2.0
BUSY = "Other files are being looked at right now. Load this page again in a minute."


def previews(practice: Practice, load: Import) -> tuple[dict[int, Preview], dict[int, str]]:
    """For each file, by its id, what it would bring, or in words why it cannot be read."""
    with turn_to_look(WAIT_S) as mine:
        return _look(practice, load) if mine else ({}, {file.id: BUSY for file in load.files})


def _look(practice: Practice, load: Import) -> tuple[dict[int, Preview], dict[int, str]]:
    saved, zone, today = saved_mappings(practice.id), practice.zone, clock.today(practice.zone)
    found: dict[int, Preview] = {}
    problems: dict[int, str] = {}
    with ExitStack() as stack:
        files = []
        for file in load.files:
            try:
                files.append((file.id, file.name, chosen_profile(file), stack.enter_context(raw(file))))
            except Refused as problem:
                problems[file.id] = str(problem)
        db.session.rollback()  # so that no transaction stays open while they are looked through
        for number, name, profile, stream in files:
            try:
                with Apart([stream]) as reader:
                    found[number] = reader.preview(0, name, zone, today, profile, saved)
            except Unreadable as problem:
                problems[number] = str(problem)
    return found, problems
