"""From milestone to work: triggers start cadences, cadences take their steps.

Starting is set-based (an import can bring a million milestones); taking steps is one run at a time, each in its own
claim, so that two ticks at once share the work.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.db import db
from ops.errors import Refused
from ops.messages.actions import queue_message
from ops.practices.age import adult_born_by
from ops.practices.defaults import UNKNOWN_CURVE
from ops.practices.models import Milestone, Patient, Practice, TreatmentType
from ops.queue import wording
from ops.queue.actions import shares, tasks
from ops.queue.defaults import CADENCES
from ops.queue.models import Cadence, CadenceRun, CadenceStep, Kind, RunState, StepMode, Task, TaskState, Trigger
from ops.referrals.models import Referral
from ops.scripts import queries as scripts
from ops.scripts.models import Medium
from ops.scripts.render import ScriptError, render

BATCH = 5000
NO_CURVE = dict(zip(("opens", "peaks", "closes"), UNKNOWN_CURVE, strict=True))

START = sa.text(
    """
    WITH batch AS (
        SELECT id, patient_id, kind, happened_on, treatment_type_id FROM milestones
        WHERE practice_id = :practice AND triggered_at IS NULL
        ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
    ), dated AS (
        SELECT m.id AS milestone_id, m.patient_id, t.id AS trigger_id, t.cadence_id, c.kind, t.spacing_days,
               m.happened_on + coalesce(t.delay_days, y.opens_days, :opens) AS opens_on,
               m.happened_on + coalesce(t.delay_days, y.peaks_days, :peaks) AS peaks_on,
               m.happened_on + coalesce(t.delay_days + t.open_days, y.closes_days, :closes) AS closes_on
        FROM batch m
        JOIN triggers t ON t.practice_id = :practice AND t.active AND t.milestone_kind = m.kind
             AND (t.treatment_type_id IS NULL OR t.treatment_type_id = m.treatment_type_id)
        JOIN cadences c ON c.id = t.cadence_id AND c.active
        LEFT JOIN treatment_types y ON y.id = m.treatment_type_id
        JOIN patients p ON p.id = m.patient_id AND NOT p.deceased
             AND (p.birth_date IS NULL OR p.birth_date <= :adult_born_by)
    ), best AS (
        -- of several milestones that would start the same thing, the one whose moment comes first
        SELECT DISTINCT ON (patient_id, kind) * FROM dated
        WHERE closes_on > CAST(:today AS date)
        ORDER BY patient_id, kind, opens_on, milestone_id
    ), fresh AS (
        SELECT b.* FROM best b
        WHERE NOT EXISTS (
            SELECT FROM cadence_runs r JOIN cadences rc ON rc.id = r.cadence_id
            WHERE r.patient_id = b.patient_id AND rc.kind = b.kind
              AND (r.milestone_id = b.milestone_id  -- a trigger made again is not a reason to ask again
                   OR r.opens_at > (b.opens_on - b.spacing_days)::timestamp AT TIME ZONE :zone))
          -- asked for a friend once and told "never": never again
          AND NOT (b.kind = 'ask' AND EXISTS (
            SELECT FROM asks a WHERE a.patient_id = b.patient_id AND a.answer = 'never'))
    ), started AS (
        INSERT INTO cadence_runs (practice_id, patient_id, cadence_id, milestone_id, trigger_id, state, position,
        next_at,
                                  opens_at, peaks_at, closes_at, started_at)
        SELECT :practice, patient_id, cadence_id, milestone_id, trigger_id, 'running', 0,
               opens_on::timestamp AT TIME ZONE :zone, opens_on::timestamp AT TIME ZONE :zone,
               peaks_on::timestamp AT TIME ZONE :zone, closes_on::timestamp AT TIME ZONE :zone, :now
        FROM fresh
        ON CONFLICT DO NOTHING RETURNING id
    ), looked AS (
        UPDATE milestones SET triggered_at = :now WHERE id IN (SELECT id FROM batch) RETURNING id
    )
    SELECT (SELECT count(*) FROM started), (SELECT count(*) FROM looked)
    """
)


def start_due_cadences(practice: Practice) -> tuple[int, int]:
    """Look at one batch of the practice's new milestones; (cadences started, milestones looked at).

    Unique for ever per (milestone, trigger). The dead and minors are stored and never contacted; a milestone whose days
    are over starts nothing. Call until the second number is below BATCH.
    """
    today = clock.today(practice.zone)
    row = db.session.execute(
        START,
        {
            "practice": practice.id,
            "batch": BATCH,
            "today": today,
            "adult_born_by": adult_born_by(today),
            "zone": practice.zone,
            "now": clock.now(),
            **NO_CURVE,
        },
    ).one()
    return row[0], row[1]


def look_again(practice_id: int, since_days: int = 365) -> int:
    """After an edit of triggers or treatments: have the recent milestones looked at again; how many."""
    since = clock.now().date() - timedelta(days=since_days)
    done = db.session.execute(
        sa.update(Milestone)
        .where(Milestone.practice_id == practice_id, Milestone.happened_on >= since)
        .values(triggered_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


def due_runs(limit: int) -> list[int]:
    """Ids of runs whose next step is due."""
    active = sa.select(Practice.id).where(Practice.status == "active")
    return list(
        db.session.scalars(
            sa.select(CadenceRun.id)
            .where(
                CadenceRun.state == RunState.RUNNING,
                CadenceRun.next_at <= clock.now(),
                CadenceRun.practice_id.in_(active),
            )
            .order_by(CadenceRun.next_at)
            .limit(limit)
        )
    )


def take_step(run_id: int) -> bool:
    """Take the due step of a run: open its task or queue its message; False when somebody else did."""
    run = db.session.scalars(
        sa.select(CadenceRun)
        .where(CadenceRun.id == run_id, CadenceRun.state == RunState.RUNNING, CadenceRun.next_at <= clock.now())
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).first()
    if run is None:
        return False
    if clock.now() >= run.closes_at:
        tasks.end_run(run, "its days are over")
        return True
    patient = db.session.get_one(Patient, run.patient_id)
    steps = _steps(run.cadence_id)
    while run.position < len(steps):
        step = steps[run.position]
        if _do(run, step, patient):
            return True
        run.position += 1  # no way to reach them by this step: on to the next one
    tasks.end_run(run, "all steps taken")
    return True


def _steps(cadence_id: int) -> list[CadenceStep]:
    return list(
        db.session.scalars(
            sa.select(CadenceStep).where(CadenceStep.cadence_id == cadence_id).order_by(CadenceStep.position)
        )
    )


def _do(run: CadenceRun, step: CadenceStep, patient: Patient) -> bool:
    """Do one step; False when this patient cannot be reached that way."""
    if step.mode is StepMode.CALL:
        return _open_call(run, step, patient)
    if not send_template(patient, run.cadence.kind, Medium(step.mode.value), f"run:{run.id}:step:{step.id}"):
        return False
    advance(run)
    return True


def _open_call(run: CadenceRun, step: CadenceStep, patient: Patient) -> bool:
    if not patient.phone:
        return False
    run.next_at = None
    tasks.open_task(
        practice_id=run.practice_id,
        patient_id=run.patient_id,
        kind=run.cadence.kind,
        reason=_reason(run),
        actor="cadence",
        run=run,
        max_tries=step.tries,
    )
    return True


def _reason(run: CadenceRun) -> str:
    milestone = db.session.get_one(Milestone, run.milestone_id)
    treatment = db.session.get(TreatmentType, milestone.treatment_type_id) if milestone.treatment_type_id else None
    return wording.reason(run.cadence.kind, milestone, treatment)


def advance(run: CadenceRun) -> None:
    """The current step is over without an answer: the next one is due after its gap; after the last the run ends.

    A run that was ended while its call was in hands (they wrote back, or said stop) stays ended.
    """
    if run.state is RunState.ENDED:
        return
    steps = _steps(run.cadence_id)
    run.position += 1
    if run.position >= len(steps):
        tasks.end_run(run, "all steps taken")
        return
    run.next_at = clock.now() + timedelta(hours=steps[run.position].gap_hours)


def send_template(
    patient: Patient, kind: Kind, medium: Medium, reason_key: str, *, send_after: datetime | None = None
) -> bool:
    """Queue the practice's text or mail of this kind, once per reason, to leave at once or not before `send_after`;
    False when it cannot be written."""
    practice = db.session.get_one(Practice, patient.practice_id)
    try:
        written = write(practice, patient, kind, medium)
        queue_message(
            practice,
            patient,
            channel=medium.value,
            kind=str(kind),
            reason_key=reason_key,
            to_address=written.address,
            subject=written.subject,
            body=written.body,
            script_version_id=written.version_id,
            send_after=send_after,
        )
    except Refused:  # the practice's page says what is missing; the cadence goes on without this step
        return False
    return True


class Written(NamedTuple):
    """A text or mail as it would be sent."""

    address: str
    subject: str
    body: str
    version_id: int
    name: str
    """What the template is called."""


def write(
    practice: Practice,
    patient: Patient,
    kind: Kind,
    medium: Medium,
    *,
    referral: Referral | None = None,
    agent: User | None = None,
) -> Written:
    """The published text or mail of this kind as it would be sent to this patient, or to the friend of `referral`.

    Raises Refused, with the reason in words, when it cannot be written. To a friend nothing names who sent them (RULES
    decision 8): a text that would is refused.
    """
    address = _address(patient, referral, medium)
    if not address:
        raise Refused("We have no number to text." if medium is Medium.SMS else "We have no e-mail address.")
    version = scripts.published(practice.id, kind, medium, patient.id)
    if version is None:
        raise Refused("Nobody has published a text for it.")
    values = wording.values(practice, patient, agent=agent, referral=referral)
    if referral:
        values = {name: value for name, value in values.items() if name not in OF_THE_REFERRER}
    try:
        subject = render(version.subject, values) if version.subject else ""
        return Written(address, subject, render(version.body, values), version.id, version.script.name)
    except ScriptError as problem:
        raise Refused(str(problem)) from problem


OF_THE_REFERRER = {"patient_first_name", "referrer_first_name"}


def _address(patient: Patient, referral: Referral | None, medium: Medium) -> str | None:
    if referral:
        return referral.friend_phone if medium is Medium.SMS else referral.friend_email
    return patient.phone if medium is Medium.SMS else patient.email


def close_stale() -> int:
    """Cancel waiting tasks whose days are over, and end their runs; how many."""
    now = clock.now()
    stale = db.session.scalars(
        sa.select(Task)
        .where(Task.state == TaskState.WAITING, Task.closes_at <= now)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for task in stale:
        tasks.cancel(task, "tick", "its days are over")
        if task.run_id:
            tasks.end_run(db.session.get_one(CadenceRun, task.run_id), "its days are over")
    return len(stale)


def add_default_cadences(practice_id: int) -> int:
    """Give a practice without any cadence the default ones; how many were added."""
    shares.refresh_shares()
    if db.session.scalar(sa.select(sa.exists().where(Cadence.practice_id == practice_id))):
        return 0
    for default in CADENCES:
        cadence = Cadence(practice_id=practice_id, name=default.name, kind=default.kind)
        cadence.steps = [
            CadenceStep(position=number, mode=step.mode, gap_hours=step.gap_hours, tries=step.tries)
            for number, step in enumerate(default.steps)
        ]
        db.session.add(cadence)
        db.session.flush()
        for milestone, delay, spacing, open_days in default.starts:
            db.session.add(
                Trigger(
                    practice_id=practice_id,
                    cadence_id=cadence.id,
                    milestone_kind=milestone,
                    delay_days=delay,
                    spacing_days=spacing,
                    open_days=open_days,
                )
            )
    db.session.flush()
    return len(CADENCES)
