"""What workers and the tick do for practices. Each may run twice."""

from ops.db import transaction
from ops.imports.loading import forget_raw, its_turn, resume_dead, ring_next, run


def run_import(import_id: int) -> None:
    """Load the files of an import, or go on with it. Does nothing when another worker has it, or while an earlier one
    of the practice is to be loaded: the newest file has the last word, whichever doorbell is answered first."""
    with transaction("tick"):
        mine = its_turn(import_id)
    if mine:
        run(import_id)
        with transaction("tick"):
            ring_next(import_id)


def resume() -> None:
    """Ring again for imports that wait or died."""
    with transaction("tick"):
        resume_dead()


def forget_raw_files() -> None:
    """Delete raw files and quarantined rows that are older than 30 days (docs/rules.md A13)."""
    with transaction("tick"):
        forget_raw()
