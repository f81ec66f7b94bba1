"""What the files of an upload would bring, for the person who confirms it."""

from contextlib import ExitStack

from ops import clock
from ops.errors import Refused
from ops.imports.loading.intake import chosen_profile, raw
from ops.imports.loading.running import saved_mappings
from ops.imports.models import Import
from ops.imports.reading.apart import Apart
from ops.imports.reading.preview import Preview
from ops.imports.reading.records import Unreadable
from ops.practices.models import Practice


def previews(practice: Practice, load: Import) -> tuple[dict[int, Preview], dict[int, str]]:
    """For each file, by its id, what it would bring, or in words why it cannot be read."""
    saved, today = saved_mappings(practice.id), clock.today(practice.zone)
    found, problems = {}, {}
    for file in load.files:
        try:
            with ExitStack() as stack:
                reader = stack.enter_context(Apart([stack.enter_context(raw(file))]))
                found[file.id] = reader.preview(0, file.name, practice.zone, today, chosen_profile(file), saved)
        except (Unreadable, Refused) as problem:
            problems[file.id] = str(problem)
    return found, problems
