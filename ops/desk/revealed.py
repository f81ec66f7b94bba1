"""How many numbers an agent was shown, and how many they may be shown (docs/rules.md A12).

Whoever works shows a number, calls, and records what came of it. Whoever collects shows, skips, shows. So what counts
most is numbers without an outcome; all of them count as well, by more than anybody can call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead
from ops.db import db
from ops.errors import Refused
from ops.phrases import count_of
from ops.queue.models import Attempt
from ops.rhythm.queries import desk_settings
from ops.work.reads import ReadOf

WITHIN = timedelta(hours=1)


@dataclass(frozen=True)
class Shown:
    """One task whose number or address somebody was shown; `used`: they recorded an outcome after that."""

    task_id: int
    at: datetime
    used: bool


class TooMany(Refused):
    """No more numbers for now."""

    def __init__(self, words: str, shown: list[Shown], until: datetime) -> None:
        minutes = max(1, ceil((until - clock.now()).total_seconds() / 60))
        super().__init__(f"{words} The next one can be shown in {count_of(minutes, 'minute')}. Your leads are told.")
        self.shown = len(shown)
        self.unused = sum(not each.used for each in shown)


def shown_to(user_id: int) -> list[Shown]:
    """What this person was shown in the last hour, one for each task, oldest first."""
    first = sa.func.min(PatientRead.at)
    theirs = (Attempt.task_id == PatientRead.subject_id, Attempt.agent_id == user_id)
    outcome = sa.exists().where(*theirs, Attempt.at >= first)
    which = (
        sa.select(PatientRead.subject_id, first, outcome)
        .where(
            PatientRead.user_id == user_id,
            PatientRead.what.in_((ReadOf.NUMBER, ReadOf.ADDRESS)),
            PatientRead.at > clock.now() - WITHIN,
        )
        .group_by(PatientRead.subject_id)
        .order_by(first)
    )
    return [Shown(task_id or 0, at, used) for task_id, at, used in db.session.execute(which)]


def refuse_too_many(user_id: int, task_id: int) -> None:
    """Raises TooMany when this person may not be shown the number of this task now. What they were shown already they
    may see again."""
    shown, limits = shown_to(user_id), desk_settings()
    if any(each.task_id == task_id for each in shown):
        return
    unused = [each for each in shown if not each.used]
    if len(unused) >= limits.unused_numbers:
        words = f"You were shown {len(unused)} numbers in the last hour for which you recorded nothing."
        raise TooMany(words, shown, unused[-limits.unused_numbers].at + WITHIN)
    if len(shown) >= limits.numbers_an_hour:
        words = f"You were shown {len(shown)} numbers in the last hour, as many as anybody may be."
        raise TooMany(words, shown, shown[-limits.numbers_an_hour].at + WITHIN)
