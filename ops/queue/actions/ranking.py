"""Ranking waiting tasks again: as their moment comes closer or passes, and when facts change."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.practices.models import MilestoneKind
from ops.queue import rank as queue_rank
from ops.work.kinds import Kind

BATCH = 2000


WORTH_IT = 0.5
"""A rank that would change by less stays: each change costs an index entry."""


GOOD_WORDS = (MilestoneKind.GRATEFUL_MESSAGE, MilestoneKind.REVIEW_LEFT, MilestoneKind.GOAL_REACHED)


WAITING = sa.text(
    """
    SELECT t.id, t.kind, t.rank, t.created_at, r.opens_at, r.peaks_at, r.closes_at,
           EXISTS (SELECT FROM records_at(t.patient_id, g.human_id, 'infinity') o
                   JOIN milestones m ON m.patient_id = o.patient_id WHERE m.kind = ANY (:words)
                   AND m.withdrawn_at IS NULL
                   AND m.happened_on BETWEEN :fresh_since AND :today) AND t.referral_id IS NULL AS word
    FROM tasks t LEFT JOIN cadence_runs r ON r.id = t.run_id
    LEFT JOIN merged_at('infinity') g ON g.patient_id = t.patient_id
    WHERE t.state = 'waiting' AND t.id > :after AND (CAST(:practice AS bigint) IS NULL OR t.practice_id = :practice)
    ORDER BY t.id LIMIT :batch
    """
).bindparams(sa.bindparam("words", type_=sa.ARRAY(sa.Text)))


RANK = sa.text(
    """
    UPDATE tasks SET rank = fresh.rank, ranked_at = :now
    FROM unnest(CAST(:ids AS bigint[]), CAST(:ranks AS numeric[])) AS fresh (id, rank)
    WHERE tasks.id = fresh.id AND tasks.state = 'waiting'
    """
)


class RankInputs(NamedTuple):
    """What a rank is made of."""

    id: int
    kind: str
    rank: float
    created_at: datetime
    opens_at: datetime | None
    peaks_at: datetime | None
    closes_at: datetime | None
    word: bool


def rerank(after: int = 0, practice_id: int | None = None) -> int | None:
    """Rank the next `BATCH` waiting tasks with numbers above `after` (of one practice, or all) for this moment.

    The number to go on after, None when these were the last.
    """
    now = clock.now()
    fresh_since = (now - queue_rank.WORD_IS_FRESH).date()
    asked = {
        "after": after,
        "practice": practice_id,
        "batch": BATCH,
        "words": list(GOOD_WORDS),
        "fresh_since": fresh_since,
        "today": now.date(),
    }
    rows = [RankInputs(*row) for row in db.session.execute(WAITING, asked)]
    moved = {row.id: fresh for row in rows if abs((fresh := _fresh(row, now)) - float(row.rank)) >= WORTH_IT}
    if moved:
        db.session.execute(RANK, {"ids": list(moved), "ranks": list(moved.values()), "now": now})
        db.session.expire_all()
    return rows[-1].id if len(rows) == BATCH else None


def _fresh(row: RankInputs, now: datetime) -> float:
    curve = (row.opens_at, row.peaks_at, row.closes_at) if row.opens_at and row.peaks_at and row.closes_at else None
    return queue_rank.rank(Kind(row.kind), now, curve, row.created_at, word=row.word)
