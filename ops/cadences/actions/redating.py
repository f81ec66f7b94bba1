"""After an edit of treatments or triggers: the days of cadences going on."""

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.work.states import OPEN_SQL

REDATE = sa.text(
    f"""
    WITH dated AS (
        SELECT r.id,
               (m.happened_on + coalesce(t.delay_days, y.opens_days))::timestamp AT TIME ZONE p.zone AS opens,
               (m.happened_on + coalesce(t.delay_days, y.peaks_days))::timestamp AT TIME ZONE p.zone AS peaks,
               (m.happened_on + coalesce(t.delay_days + t.open_days, y.closes_days))::timestamp AT TIME ZONE p.zone
                   AS closes
        FROM cadence_runs r JOIN practices p ON p.id = r.practice_id
        JOIN triggers t ON t.id = r.trigger_id AND t.practice_id = r.practice_id
        JOIN milestones m ON m.id = r.milestone_id
        LEFT JOIN treatment_types y ON y.id = m.treatment_type_id
        WHERE r.practice_id = :practice AND r.state = 'running' AND (t.delay_days IS NOT NULL OR y.id IS NOT NULL)
          -- what was promised outlasts the days of its cadence
          AND NOT EXISTS (SELECT FROM tasks k WHERE k.run_id = r.id AND k.promised_at IS NOT NULL)
    ), moved AS (
        UPDATE cadence_runs r SET opens_at = d.opens, peaks_at = d.peaks, closes_at = d.closes,
            -- one that waits for its first day waits for the new one
            next_at = CASE WHEN r.position = 0 AND r.next_at = r.opens_at THEN d.opens ELSE r.next_at END
        FROM dated d WHERE r.id = d.id AND (r.opens_at, r.peaks_at, r.closes_at) <> (d.opens, d.peaks, d.closes)
          AND d.closes > :now
        RETURNING r.id, r.closes_at
    )
    UPDATE tasks SET closes_at = moved.closes_at FROM moved
    WHERE tasks.run_id = moved.id AND tasks.state IN ({OPEN_SQL})
    """  # noqa: S608 (our own words)
)


def redate(practice_id: int) -> None:
    """After an edit of treatments or triggers: give the cadences going on the days they would have now.

    A cadence whose days would be over already keeps the days it has: an edit takes nobody's call away.
    """
    db.session.execute(REDATE, {"practice": practice_id, "now": clock.now()})
    db.session.expire_all()
