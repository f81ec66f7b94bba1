"""What workers and the tick do for practices. Each may run twice."""

from ops.db import transaction
from ops.imports.loading import forget_raw, resume_dead, run


def run_import(import_id: int) -> None:
    """Load the files of an import, or go on with it. Does nothing when another worker has it."""
    run(import_id)


def resume() -> None:
    """Ring again for imports that wait or died."""
    with transaction("tick"):
        resume_dead()


def forget_raw_files() -> None:
    """Delete raw files and quarantined rows that are older than 30 days (docs/rules.md A13)."""
    with transaction("tick"):
        forget_raw()
