"""After an edit of treatments or triggers, or of a milestone's day: the days of the cadences that follow from it.

The days are worked out from the rules alone, so whichever doorbell rang, only a cadence whose own rule or milestone
changed gets other ones. What a person decided (an outcome that calls again, a snooze, an assignment) may have made
its days longer; no rule makes them shorter again.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.work.states import BY_A_PERSON, OPEN_SQL

RULED = """
    SELECT r.id, m.patient_id AS began_under, r.closes_at AS had,
           (m.happened_on + coalesce(t.delay_days, y.opens_days))::timestamp AT TIME ZONE p.zone AS opens,
           (m.happened_on + coalesce(t.delay_days, y.peaks_days))::timestamp AT TIME ZONE p.zone AS peaks,
           (m.happened_on + coalesce(t.delay_days + t.open_days, y.closes_days))::timestamp AT TIME ZONE p.zone
               AS closes
    FROM cadence_runs r JOIN practices p ON p.id = r.practice_id
    JOIN triggers t ON t.id = r.trigger_id AND t.practice_id = r.practice_id
    JOIN milestones m ON m.id = r.milestone_id
    LEFT JOIN treatment_types y ON y.id = m.treatment_type_id
    WHERE (t.delay_days IS NOT NULL OR y.id IS NOT NULL)
"""
REDATE = sa.text(
    f"""
    WITH ruled AS ({RULED} AND r.practice_id = :practice AND r.state = 'running'), dated AS (
        SELECT id, opens, peaks, CASE WHEN EXISTS (
            -- a task that was over when its record was merged stays there
            SELECT FROM ever_under(ruled.began_under) u JOIN tasks k ON k.patient_id = u.patient_id
            JOIN task_events e ON e.task_id = k.id
            WHERE k.run_id = ruled.id AND e.kind = ANY (:by_a_person)
        ) THEN greatest(had, closes) ELSE closes END AS closes
        FROM ruled WHERE closes > :now
    ), moved AS (
        UPDATE cadence_runs r SET opens_at = d.opens, peaks_at = d.peaks, closes_at = d.closes,
            -- one that waits for its first day waits for the new one
            next_at = CASE WHEN r.position = 0 AND r.next_at = r.opens_at THEN d.opens ELSE r.next_at END
        FROM dated d WHERE r.id = d.id AND (r.opens_at, r.peaks_at, r.closes_at) <> (d.opens, d.peaks, d.closes)
        RETURNING r.id, r.closes_at
    )
    UPDATE tasks SET closes_at = moved.closes_at FROM moved
    WHERE tasks.run_id = moved.id AND tasks.state IN ({OPEN_SQL})
    """  # noqa: S608 (our own words)
)


def redate(practice_id: int) -> None:
    """Give the practice's cadences going on the days that its rules, and what people decided, give them now.

    A cadence whose days would be over already keeps the days it has: an edit takes nobody's call away.
    """
    db.session.execute(REDATE, {"practice": practice_id, "now": clock.now(), "by_a_person": list(BY_A_PERSON)})
    db.session.expire_all()


class Days(NamedTuple):
    """When contact about a milestone makes sense."""

    opens: datetime
    peaks: datetime
    closes: datetime


def days_of(run_id: int) -> Days | None:
    """The days its rule gives a cadence now; None when that rule is gone, or knows no days for the treatment."""
    ruled = sa.text(f"SELECT opens, peaks, closes FROM ({RULED} AND r.id = :run) ruled")  # noqa: S608 (our own words)
    row = db.session.execute(ruled, {"run": run_id}).first()
    return Days(*row) if row else None
