"""When the next try is made, and how good a moment it is. Pure."""

from datetime import datetime, timedelta

from ops.work.kinds import Kind

KIND_VALUE = {
    Kind.FRIEND_FOLLOW_UP: 90.0,
    Kind.REPLY: 80.0,
    Kind.ASK: 50.0,
    Kind.LOOP_CLOSING: 45.0,
    Kind.FOLLOW_UP: 40.0,
    Kind.REVIEW_REQUEST: 30.0,
    Kind.RECALL: 25.0,
    Kind.PARTNER_TOUCH: 20.0,
}


ESTIMATE_MINUTES = {
    Kind.ASK: 6.0,
    Kind.FOLLOW_UP: 5.0,
    Kind.REVIEW_REQUEST: 3.0,
    Kind.LOOP_CLOSING: 3.0,
    Kind.FRIEND_FOLLOW_UP: 8.0,
    Kind.REPLY: 4.0,
    Kind.RECALL: 4.0,
    Kind.PARTNER_TOUCH: 6.0,
}
"""What a task of each kind is charged at the claim, corrected at the outcome."""


def closeness(at: datetime, opens: datetime, peaks: datetime, closes: datetime) -> float:
    """How close `at` is to the best moment: 0 outside, rising from opening to 1 at the peak and falling to closing."""
    if at < opens or at >= closes:
        return 0.0
    if at <= peaks:
        return 0.5 + 0.5 * _share(at, opens, peaks)
    return max(0.05, 1.0 - _share(at, peaks, closes))


def _share(at: datetime, start: datetime, end: datetime) -> float:
    whole = (end - start).total_seconds()
    return (at - start).total_seconds() / whole if whole > 0 else 1.0


BEST_MOMENT = 40.0
"""What the peak of the curve adds to a kind's value."""


A_DAY = 1.0


MOST_AGE = 15.0
"""What waiting adds, so that nothing of a lesser kind waits for ever behind the fresh: a point a day, at most this."""


FRESH_WORD = 15.0
"""What a grateful message, a review or a goal reached adds for as long as it is fresh."""


WORD_IS_FRESH = timedelta(days=21)


def rank_parts(
    kind: Kind, at: datetime, curve: tuple[datetime, datetime, datetime] | None, since: datetime, *, word: bool = False
) -> dict[str, float]:
    """What makes up the rank of a task at `at` that waits `since`; `curve` is (opens, peaks, closes), `word` a fresh
    good word of the patient. The sum is the rank."""
    days = max(0.0, (at - since).total_seconds() / 86400)
    return {
        "kind": KIND_VALUE[kind],
        "moment": round(BEST_MOMENT * (closeness(at, *curve) if curve else 0.5), 3),
        "age": round(min(MOST_AGE, A_DAY * days), 3),
        # who is pleased is not asked for a review before the others (docs/rules.md A10)
        "word": FRESH_WORD if word and kind is not Kind.REVIEW_REQUEST else 0.0,
    }


def rank(
    kind: Kind,
    at: datetime,
    curve: tuple[datetime, datetime, datetime] | None,
    since: datetime | None = None,
    *,
    word: bool = False,
) -> float:
    """How good a moment it is for a task inside its practice; higher first. `since`: how long it waits (default: it is
    new)."""
    return round(sum(rank_parts(kind, at, curve, since or at, word=word).values()), 3)
