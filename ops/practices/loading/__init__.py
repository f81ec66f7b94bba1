"""Loading a practice's files into patients and milestones: the database side of `ops.practices.importing`.

    load = receive(practice, [("clients.csv", stream)], actor)   # raw files kept, nothing read yet
    choose_profile(load.files[0], profile)                       # optional
    begin(load)                                                  # a worker runs it; or run(load.id) here and now

`try_out` does everything but the writing.
"""

from ops.practices.loading.intake import choose_profile, chosen_profile, forget_raw, raw, receive, refuse_without_baa
from ops.practices.loading.outcome import Outcome, outcome_of
from ops.practices.loading.running import run, try_out
from ops.practices.loading.sources import Source, open_source
from ops.practices.loading.starting import begin, cancel, resume_dead

__all__ = [
    "Outcome",
    "Source",
    "begin",
    "cancel",
    "choose_profile",
    "chosen_profile",
    "forget_raw",
    "open_source",
    "outcome_of",
    "raw",
    "receive",
    "refuse_without_baa",
    "resume_dead",
    "run",
    "try_out",
]
