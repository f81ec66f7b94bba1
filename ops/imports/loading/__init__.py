"""Loading a practice's files into patients and milestones: the database side of `ops.imports.reading`.

    load = receive(practice, [("clients.csv", stream)], actor)   # raw files kept, nothing read yet
    choose_profile(load.files[0], profile)                       # optional
    begin(load)                                                  # a worker runs it; or run(load.id) here and now

`try_out` does everything but the writing, `previews` looks at the first rows of each file, `correct` loads a wrong row
again. Files are read in a process of their own (`ops.imports.reading.apart`).
"""

from ops.imports.loading.absent import Absent, absent, said_whole, withdraw_absent
from ops.imports.loading.correcting import correct, wrong_rows_csv
from ops.imports.loading.intake import choose_profile, chosen_profile, forget_raw, raw, receive, refuse_without_baa
from ops.imports.loading.looking import Preview, previews
from ops.imports.loading.outcome import LoadCounts, outcome_of
from ops.imports.loading.running import run, saved_mappings, try_out
from ops.imports.loading.starting import begin, cancel, its_turn, resume_dead, ring_next

__all__ = [
    "Absent",
    "LoadCounts",
    "Preview",
    "absent",
    "begin",
    "cancel",
    "choose_profile",
    "chosen_profile",
    "correct",
    "forget_raw",
    "its_turn",
    "outcome_of",
    "previews",
    "raw",
    "receive",
    "refuse_without_baa",
    "resume_dead",
    "ring_next",
    "run",
    "said_whole",
    "saved_mappings",
    "try_out",
    "withdraw_absent",
    "wrong_rows_csv",
]
