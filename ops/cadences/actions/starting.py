"""From milestone to cadence: what triggers start. Set-based, since an import can bring a million milestones."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.cadences.defaults import CADENCES, DefaultCadence
from ops.cadences.models import Cadence, CadenceStep, RuleChange, Trigger
from ops.db import db, rows_changed
from ops.practices.age import adult_born_by
from ops.practices.defaults import UNKNOWN_CURVE
from ops.practices.models import Milestone, MilestoneKind, Practice
from ops.queue.actions import moves, shares
from ops.queue.wording import AGAIN_WORDS
from ops.work.endings import TAKEN_BACK
from ops.work.kinds import Kind

BATCH = 5000


LOCK = 7_034_012 << 32


OF_EVERYBODY = (MilestoneKind.TREATMENT_COMPLETED, MilestoneKind.VISIT)
"""After what a review is requested: what happens to everybody, pleased or not (docs/rules.md A10)."""


NO_CURVE = dict(zip(("opens", "peaks", "closes"), UNKNOWN_CURVE, strict=True))


CAME_BACK = """
    SELECT l.happened_on FROM records_of(:practice, m.patient_id) o JOIN milestones l ON l.patient_id = o.patient_id
    WHERE l.kind = ANY (:of_everybody) AND l.withdrawn_at IS NULL AND l.happened_on > m.happened_on
"""
"""Later visits of whoever the milestone `m` is of, over all their records. Who came back is not called "time for your
next visit" for the visit before; and a later visit is told to whoever calls about an older one."""


UNMADE = f"""
    coalesce(r.end_reason, '') IN ({", ".join(f"'{reason}'" for reason in TAKEN_BACK)}) AND r.position = 0
    AND NOT EXISTS (SELECT FROM tasks k JOIN attempts a ON a.task_id = k.id WHERE k.run_id = r.id)
"""
"""A cadence that was taken back before anybody was contacted keeps no other one away."""


FRESH = f"""
    dated AS (
        SELECT m.id AS milestone_id, p.id AS patient_id, t.id AS trigger_id, t.cadence_id, c.kind, t.spacing_days,
               m.happened_on + coalesce(t.delay_days, y.opens_days, :opens) AS opens_on,
               m.happened_on + coalesce(t.delay_days, y.peaks_days, :peaks) AS peaks_on,
               m.happened_on + coalesce(t.delay_days + t.open_days, y.closes_days, :closes) AS closes_on
        FROM batch m
        JOIN triggers t ON t.practice_id = :practice AND t.active AND t.milestone_kind = m.kind
             AND (t.treatment_type_id IS NULL OR t.treatment_type_id = m.treatment_type_id)
        JOIN cadences c ON c.id = t.cadence_id AND c.active
             AND (c.kind <> '{Kind.REVIEW_REQUEST}' OR m.kind = ANY (:of_everybody))
             AND (c.kind <> '{Kind.RECALL}' OR NOT EXISTS ({CAME_BACK}))
        LEFT JOIN treatment_types y ON y.id = m.treatment_type_id
        LEFT JOIN merged_at('infinity') g ON g.patient_id = m.patient_id
        JOIN patients p ON p.id = coalesce(g.human_id, m.patient_id) AND NOT p.deceased
             AND (p.birth_date IS NULL OR p.birth_date <= :adult_born_by)
    ), alive AS (
        -- two records of one human start one thing, and who died under one of them has died
        SELECT d.*, h.person FROM dated d CROSS JOIN LATERAL (
            SELECT min(o.patient_id) AS person, bool_or(a.deceased) AS dead
            FROM records_of(:practice, d.patient_id) o JOIN patients a ON a.id = o.patient_id) h
        WHERE d.closes_on > CAST(:today AS date) AND NOT h.dead
    ), best AS (
        -- of several milestones that would start the same thing, the one whose moment comes first
        SELECT DISTINCT ON (person, kind) * FROM alive
        ORDER BY person, kind, opens_on, milestone_id
    ), fresh AS (
        SELECT b.* FROM best b
        WHERE NOT EXISTS (
            SELECT FROM records_of(:practice, b.patient_id) o
            JOIN cadence_runs r ON r.patient_id = o.patient_id JOIN cadences rc ON rc.id = r.cadence_id
            WHERE rc.kind = b.kind
              AND (r.milestone_id = b.milestone_id  -- a trigger made again is not a reason to ask again
                   OR (r.opens_at > (b.opens_on - b.spacing_days)::timestamp AT TIME ZONE :zone
                       AND NOT ({UNMADE}))))
          -- asked for a friend once and told "never": never again, whatever number they stand under
          AND NOT (b.kind = 'ask' AND EXISTS (
            SELECT FROM records_of(:practice, b.patient_id) o JOIN asks a ON a.patient_id = o.patient_id
            WHERE a.answer = 'never'))
    )
"""  # noqa: S608 (our own words)
"""What the milestones of `batch` would start, under the rules as they are."""


START = f"""
    WITH batch AS (
        SELECT id, patient_id, kind, happened_on, treatment_type_id FROM milestones
        WHERE practice_id = :practice AND triggered_at IS NULL AND withdrawn_at IS NULL
        ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
    ), {FRESH}, started AS ({moves.STARTED}), outdone AS (
        -- another one of the same patient came first: it is looked at again once that one has started
        SELECT d.milestone_id FROM alive d
        JOIN fresh f ON f.person = d.person AND f.kind = d.kind AND f.milestone_id <> d.milestone_id
    ), looked AS (
        UPDATE milestones SET triggered_at = :now
        WHERE id IN (SELECT id FROM batch) AND id NOT IN (SELECT milestone_id FROM outdone) RETURNING id
    )
    SELECT (SELECT count(*) FROM started), (SELECT count(*) FROM looked), (SELECT count(*) FROM outdone)
"""  # noqa: S608 (our own words)


RECENT = """
    SELECT id, patient_id, kind, happened_on, treatment_type_id FROM milestones
    WHERE practice_id = :practice AND withdrawn_at IS NULL AND happened_on > CAST(:today AS date) - greatest(
        :closes, (SELECT max(delay_days + open_days) FROM triggers WHERE practice_id = :practice AND active),
        (SELECT max(closes_days) FROM treatment_types WHERE practice_id = :practice))
"""
"""The milestones whose days some rule may still leave open; older ones start nothing."""


AGAIN = f"""
    WITH batch AS ({RECENT} AND triggered_at IS NOT NULL), {FRESH}
    UPDATE milestones SET triggered_at = NULL WHERE id IN (SELECT milestone_id FROM fresh)
"""  # noqa: S608 (our own words)


BEHIND = f"""
    SELECT r.id FROM cadence_runs r JOIN cadences c ON c.id = r.cadence_id JOIN milestones m ON m.id = r.milestone_id
    WHERE r.practice_id = :practice AND r.state = 'running' AND EXISTS ({CAME_BACK})
      AND (c.kind = '{Kind.RECALL}' OR EXISTS (
        SELECT FROM tasks k WHERE k.run_id = r.id AND k.state = 'waiting' AND strpos(k.reason, '{AGAIN_WORDS}') = 0))
"""  # noqa: S608 (our own words)


MISSED = f"""
    WITH batch AS ({RECENT} AND (triggered_at IS NOT NULL OR created_at < :looked_by)), {FRESH}
    SELECT count(*) FROM fresh
"""  # noqa: S608 (our own words)


class Looked(NamedTuple):
    """What one look at a batch of new milestones came to; `left`: those that wait for another one of the patient."""

    started: int
    looked: int
    left: int


def hold(practice_id: int) -> None:
    """Until the transaction ends nobody else looks at this practice's milestones: what one look starts, the next one
    has to see, or a patient with two treatments is asked twice."""
    db.session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK + practice_id})


def start_due_cadences(practice: Practice) -> Looked:
    """Look at one batch of the practice's new milestones.

    Unique for ever per (milestone, trigger). The dead and minors are stored and never contacted; a milestone whose days
    are over starts nothing. Call until nothing was started and fewer than BATCH were looked at.
    """
    hold(practice.id)
    given = _given(practice.id, practice.zone) | {"batch": BATCH, "now": clock.now()}
    return Looked(*db.session.execute(sa.text(START), given).one())


def look_again(practice: Practice) -> int:
    """Have those milestones looked at again that were looked at and would start something now; how many."""
    hold(practice.id)
    return rows_changed(db.session.execute(sa.text(AGAIN), _given(practice.id, practice.zone)))


def missed(connection: sa.Connection, practice_id: int, zone: str, looked_by: datetime) -> int:
    """How many milestones should have started something and did not: those looked at, and those nobody has looked at
    that were there at `looked_by`. Who came of age only yesterday is not among them."""
    given = _given(practice_id, zone)
    given |= {"adult_born_by": adult_born_by(given["today"] - timedelta(days=1)), "looked_by": looked_by}
    return connection.scalar(sa.text(MISSED), given) or 0


def _given(practice_id: int, zone: str) -> dict[str, Any]:
    today = clock.today(zone)
    return {
        "practice": practice_id,
        "today": today,
        "adult_born_by": adult_born_by(today),
        "zone": zone,
        "of_everybody": [kind.value for kind in OF_EVERYBODY],
        **NO_CURVE,
    }


def came_back(practice_id: int) -> list[int]:
    """The cadences going on about a visit that somebody was here after: recalls, and calls whose agent was not told."""
    return list(db.session.scalars(sa.text(BEHIND), {"practice": practice_id, "of_everybody": list(OF_EVERYBODY)}))


def has_milestones(practice_id: int) -> bool:
    """Whether anything is known that a cadence could follow from, or has followed from."""
    return bool(db.session.scalar(sa.select(sa.exists().where(Milestone.practice_id == practice_id))))


def changed_rules(practice_id: int) -> int | None:
    """The version of the practice's rules, if its milestones were not looked at under it yet."""
    which = (RuleChange.practice_id == practice_id, RuleChange.version > RuleChange.applied)
    return db.session.scalar(sa.select(RuleChange.version).where(*which))


def applied_rules(practice_id: int, version: int) -> None:
    """Its milestones were looked at under this version."""
    which = (RuleChange.practice_id == practice_id, RuleChange.applied < version)
    done = sa.update(RuleChange).where(*which).values(applied=version)
    db.session.execute(done.execution_options(synchronize_session=False))


def doubt_rules() -> None:
    """Have every practice's milestones looked at again: days bring what no rule does (somebody comes of age)."""
    every = sa.update(RuleChange).values(version=RuleChange.version + 1)
    db.session.execute(every.execution_options(synchronize_session=False))


def add_default_cadences(practice_id: int) -> int:
    """Give a practice a share of the floor, and if it has no cadence the default ones; how many were added."""
    shares.refresh_shares()
    return ensure_cadences(practice_id)


def ensure_cadences(practice_id: int) -> int:
    """Give a practice without any cadence the default ones; how many were added."""
    hold(practice_id)  # of two at once the second finds those of the first
    if db.session.scalar(sa.select(sa.exists().where(Cadence.practice_id == practice_id))):
        return 0
    cadences = [_default(practice_id, each) for each in CADENCES]
    db.session.add_all(cadences)
    db.session.flush()  # all at once: one by one it was a third of what adding a practice cost
    for cadence, default in zip(cadences, CADENCES, strict=True):
        db.session.add_all(_triggers(cadence, default))
    db.session.flush()
    return len(CADENCES)


def _default(practice_id: int, default: DefaultCadence) -> Cadence:
    steps = [
        CadenceStep(position=number, mode=step.mode, gap_hours=step.gap_hours, tries=step.tries)
        for number, step in enumerate(default.steps)
    ]
    return Cadence(practice_id=practice_id, name=default.name, kind=default.kind, steps=steps)


def _triggers(cadence: Cadence, default: DefaultCadence) -> list[Trigger]:
    return [
        Trigger(
            practice_id=cadence.practice_id,
            cadence_id=cadence.id,
            milestone_kind=milestone,
            delay_days=delay,
            spacing_days=spacing,
            open_days=open_days,
        )
        for milestone, delay, spacing, open_days in default.starts
    ]
