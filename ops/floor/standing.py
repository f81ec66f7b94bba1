"""Who works just now, who is on a break since when, and who is done: for leads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops.db import db
from ops.queue.presence import presences
from ops.rhythm.day_start import STARTS, asked
from ops.rhythm.models import BreakKind, WrapUp
from ops.rhythm.queries import BREAK_WORDS, desk_settings


@dataclass(frozen=True)
class Standing:
    """How somebody stands now; minutes and counts are of their own day (see `day_start`). `over_time`: cards whose time
    after the call was longer than leads set; None unless it is timed."""

    card_since: datetime | None
    on_break: BreakKind | None
    break_since: datetime | None
    last_at: datetime | None
    done: int
    worked: float
    break_minutes: float
    trained: float
    over_time: int | None
    present: bool

    @property
    def words(self) -> str:
        if self.on_break:
            return BREAK_WORDS[self.on_break]
        if self.card_since:
            return "On a card"
        return "At work" if self.present else "Not here"

    @property
    def since(self) -> datetime | None:
        return self.break_since if self.on_break else self.card_since

    @property
    def tag(self) -> str:
        if self.on_break:
            return "" if self.on_break is BreakKind.DONE else "tag-warn"
        return "tag-good" if self.words != "Not here" else ""


NOW = sa.text(
    f"""
    WITH {STARTS}, worked AS (
        SELECT s.user_id, count(a.id) AS done, coalesce(sum(a.minutes), 0) AS minutes, max(a.at) AS last_at,
               count(a.id) FILTER (WHERE a.wrap_seconds > :wrap_up) AS over_time
        FROM starts s LEFT JOIN attempts a ON a.agent_id = s.user_id AND a.at >= s.since GROUP BY s.user_id
    ), on_break AS (
        SELECT s.user_id, b.kind,
               sum(extract(epoch FROM coalesce(b.ended_at, :now) - greatest(b.started_at, s.since))) / 60 AS minutes
        FROM starts s JOIN breaks b ON b.user_id = s.user_id AND coalesce(b.ended_at, :now) > s.since
        WHERE b.kind <> 'done' GROUP BY s.user_id, b.kind
    )
    SELECT w.user_id, t.claimed_at, o.kind, o.started_at, w.last_at, w.done, w.minutes,
           coalesce((SELECT sum(r.minutes) FROM on_break r WHERE r.user_id = w.user_id AND r.kind <> 'training'), 0),
           coalesce((SELECT sum(r.minutes) FROM on_break r WHERE r.user_id = w.user_id AND r.kind = 'training'), 0),
           w.over_time
    FROM worked w
    LEFT JOIN breaks o ON o.user_id = w.user_id AND o.ended_at IS NULL
    LEFT JOIN tasks t ON t.held_by = w.user_id AND t.state = 'claimed'
    """  # noqa: S608 (our own words)
)


def standings(user_ids: Iterable[int]) -> dict[int, Standing]:
    """How each of them stands now."""
    settings = desk_settings()
    timed = settings.wrap_up is WrapUp.TIMED
    here = presences()
    rows = db.session.execute(NOW, asked(user_ids) | {"wrap_up": settings.wrap_up_seconds})
    return {
        user_id: Standing(
            card_since,
            BreakKind(kind) if kind else None,
            break_since,
            last_at,
            done,
            float(worked),
            float(break_minutes),
            float(trained),
            over_time if timed else None,
            here[user_id].present,
        )
        for user_id, card_since, kind, break_since, last_at, done, worked, break_minutes, trained, over_time in rows
    }
