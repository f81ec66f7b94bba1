"""When an agent's day began, whatever zone they sit in.

Remote agents work across midnight of any calendar, so a day is not a date: it begins with the first thing they did
after a pause of `PAUSE`. What they do is to finish a card, to take one, and to go on a break or come back. Who has done
nothing for that long begins a new day now.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from ops import clock

PAUSE = timedelta(hours=6)
LONGEST = timedelta(hours=24)
"""Nothing is looked for further back than this."""
LONGEST_BREAK = timedelta(days=30)
"""The end of a break that began longer ago is not looked for: their first card begins the day."""

STARTS = """
    acts AS (
        SELECT a.agent_id AS user_id, a.at - a.minutes * interval '1 minute' AS at
        FROM attempts a WHERE a.agent_id = ANY (:agents) AND a.at > :horizon
        UNION ALL SELECT a.agent_id, a.at FROM attempts a WHERE a.agent_id = ANY (:agents) AND a.at > :horizon
        UNION ALL SELECT t.held_by, t.claimed_at FROM tasks t WHERE t.held_by = ANY (:agents) AND t.state = 'claimed'
        UNION ALL SELECT b.user_id, b.started_at FROM breaks b
                  WHERE b.user_id = ANY (:agents) AND b.started_at > :horizon
        UNION ALL SELECT b.user_id, b.ended_at FROM breaks b
                  WHERE b.user_id = ANY (:agents) AND b.started_at > :far AND b.ended_at > :horizon
        UNION ALL SELECT u.id, CAST(:now AS timestamptz) FROM unnest(CAST(:agents AS bigint[])) AS u (id)
    ), gaps AS (
        SELECT user_id, at, at - lag(at) OVER (PARTITION BY user_id ORDER BY at) AS pause FROM acts
    ), starts AS (
        SELECT user_id, max(at) FILTER (WHERE pause IS NULL OR pause > CAST(:pause AS interval)) AS since
        FROM gaps GROUP BY user_id
    )
"""
"""The common table `starts (user_id, since)` and what it needs, for statements about days; with `asked`."""


def asked(agent_ids: Iterable[int]) -> dict[str, Any]:
    """The parameters of `STARTS`."""
    now = clock.now()
    return {
        "agents": list(agent_ids),
        "now": now,
        "horizon": now - LONGEST,
        "far": now - LONGEST_BREAK,
        "pause": PAUSE,
    }
