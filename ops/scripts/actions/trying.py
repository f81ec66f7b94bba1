"""Trying a new version against the one in use, and ending that. Both count from the next task on."""

from decimal import Decimal

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.scripts import experiments
from ops.scripts.actions.publishing import ready_draft, retire_published, take_into_use
from ops.scripts.actions.writing import Seen, lock, now_said
from ops.scripts.models import Ending, Script, ScriptExperiment, Variant


def start_experiment(script_id: int, seen: Seen, baseline: float, difference: float, actor: str) -> ScriptExperiment:
    """Publish the open draft as B beside the version in use, each for half of the patients of every practice.

    `baseline`, `difference`: shares between 0 and 1, from which the planned answers follow. Raises as `publish`
    does, and Refused without a version in use or for shares that make no plan.
    """
    script = lock(script_id)
    draft, a = ready_draft(script, seen), now_said(script_id)
    if a is None:
        raise Refused("Nothing is in use that it could be tried against: publish it instead.")
    try:
        planned = experiments.planned_answers(baseline, difference)
    except ValueError:
        raise Refused("Say what you expect now and by how much more: together less than 100%.") from None
    b = take_into_use(draft, Variant.B, actor)
    experiment = ScriptExperiment(
        script_id=script_id,
        a_version_id=a.id,
        b_version_id=b.id,
        baseline=Decimal(str(round(baseline, 3))),
        difference=Decimal(str(round(difference, 3))),
        planned_answers=planned,
        started_at=clock.now(),
        started_by=actor,
    )
    db.session.add(experiment)
    db.session.flush()
    script.experiment_id = experiment.id
    db.session.flush()
    return experiment


def running(script: Script) -> ScriptExperiment | None:
    """The experiment that is running on this script."""
    return db.session.get(ScriptExperiment, script.experiment_id) if script.experiment_id else None


def end_experiment(script_id: int, ending: Ending, actor: str, shown_id: int | None = None) -> None:
    """Say one of the two to everybody again. `shown_id`: the experiment that was looked at, where that is known; ending
    it the same way twice ends it once. Raises Refused without one, and when another one is running by now."""
    script = lock(script_id)
    if shown_id is not None and shown_id != script.experiment_id:
        shown = db.session.get(ScriptExperiment, shown_id, populate_existing=True)
        if shown and shown.script_id == script_id and shown.ending is ending:
            return
        raise Refused("That experiment was ended meanwhile. Nothing was changed; this is how it is now.")
    if script.experiment_id is None:
        raise Refused("No experiment is running.")
    experiment = db.session.get_one(ScriptExperiment, script.experiment_id, populate_existing=True)
    b = now_said(script_id, Variant.B)
    match ending:
        case Ending.KEPT_A:
            retire_published(script_id, Variant.B, actor)
        case Ending.TOOK_B:
            retire_published(script_id, Variant.A, actor)
            assert b
            b.variant = Variant.A
    experiment.stopped_at, experiment.stopped_by, experiment.ending = clock.now(), actor, ending
    script.experiment_id = None
    db.session.flush()
