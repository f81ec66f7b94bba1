"""Ending an experiment that harms, without waiting for somebody to look at it."""

import sqlalchemy as sa
import structlog

from ops.db import db, transaction
from ops.errors import Refused
from ops.experiments.results import results
from ops.isolated import each
from ops.scripts.actions import trying
from ops.scripts.experiments import Verdict
from ops.scripts.models import Ending, Script

log = structlog.get_logger()
ENDINGS = {Verdict.B_HARMS: Ending.KEPT_A, Verdict.A_HARMS: Ending.TOOK_B}


def end_harmful() -> int:
    """For the tick: where one version harms more than the other, everybody is told the other again; how many."""
    running = db.session.scalars(sa.select(Script.id).where(Script.experiment_id.is_not(None))).all()
    db.session.rollback()
    return sum(each("end harmful experiments", running, _end_if_harmful, owner=Script.practice_id))


def _end_if_harmful(script_id: int) -> bool:
    with transaction("tick") as session:
        script = session.get_one(Script, script_id, populate_existing=True)
        experiment = trying.running(script)
        if experiment is None:
            return False
        ending = ENDINGS.get(results(script, experiment).verdict)
        if ending is None:
            return False
        try:
            trying.end_experiment(script_id, ending, "tick", experiment.id)
        except Refused:  # somebody ended it in this moment
            return False
        log.warning("experiment_ended_by_harm", script=script_id, ending=str(ending))
        return True
