"""From milestone to cadence: what triggers start. Set-based, since an import can bring a million milestones."""

from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.cadences.defaults import CADENCES
from ops.cadences.models import Cadence, CadenceStep, Trigger
from ops.db import db, rows_changed
from ops.practices.age import adult_born_by
from ops.practices.defaults import UNKNOWN_CURVE
from ops.practices.models import Milestone, Practice
from ops.queue.actions import moves, shares

BATCH = 5000


NO_CURVE = dict(zip(("opens", "peaks", "closes"), UNKNOWN_CURVE, strict=True))


START = sa.text(
    f"""
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
          -- asked for a friend once and told "never": never again, whatever number they stand under
          AND NOT (b.kind = 'ask' AND EXISTS (
            SELECT FROM records_of(:practice, b.patient_id) o JOIN asks a ON a.patient_id = o.patient_id
            WHERE a.answer = 'never'))
    ), started AS ({moves.STARTED}), looked AS (
        UPDATE milestones SET triggered_at = :now WHERE id IN (SELECT id FROM batch) RETURNING id
    )
    SELECT (SELECT count(*) FROM started), (SELECT count(*) FROM looked)
    """  # noqa: S608 (our own words)
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
    return rows_changed(done)


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
