"""Loading a practice's files into patients and milestones: the database side of `ops.imports.reading`.

    load = receive(practice, [("clients.csv", stream)], actor)   # raw files kept, nothing read yet
    choose_profile(load.files[0], profile)                       # optional
    begin(load)                                                  # a worker runs it; or run(load.id) here and now

`try_out` does everything but the writing, `preview` looks at the first rows of one file, `correct` loads a wrong row
again.
"""

from ops.imports.loading.correcting import correct, wrong_rows_csv
from ops.imports.loading.intake import choose_profile, chosen_profile, forget_raw, raw, receive, refuse_without_baa
from ops.imports.loading.outcome import LoadCounts, outcome_of
from ops.imports.loading.preview import Column, Preview, preview
from ops.imports.loading.running import run, saved_mappings, try_out
from ops.imports.loading.sources import Source, open_source
from ops.imports.loading.starting import begin, cancel, resume_dead

__all__ = [
    "Column",
    "LoadCounts",
    "Preview",
    "Source",
    "begin",
    "cancel",
    "choose_profile",
    "chosen_profile",
    "correct",
    "forget_raw",
    "open_source",
    "outcome_of",
    "preview",
    "raw",
    "receive",
    "refuse_without_baa",
    "resume_dead",
    "run",
    "saved_mappings",
    "try_out",
    "wrong_rows_csv",
]
