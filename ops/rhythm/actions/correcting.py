"""Putting right how many minutes an attempt took: a clock that ran through lunch must not be a practice's cost."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.accounts.roles import STAFF
from ops.db import db
from ops.errors import Refused
from ops.queue.actions import shares
from ops.queue.models import Attempt
from ops.rhythm.models import MinuteCorrection

OWN_WITHIN = timedelta(hours=24)
ANYBODYS_WITHIN = timedelta(days=40)
"""Leads: long enough for last month's report."""
LONGEST_REASON = 500
MOST = Decimal(60)


class NotTheirs(Refused):
    """There is no such attempt, or it is somebody else's and not for this person to change."""


def correct_minutes(attempt_id: int, user: User, minutes: Decimal, reason: str, actor: str) -> MinuteCorrection:
    """Say how many minutes (0 to 60) an attempt really took, and why; its practice is charged the difference.

    Agents their own of the last 24 hours, leads anybody's of the last 40 days. The same again is the first one. Raises
    NotTheirs, or Refused out of range or time, without a reason, and when it took that long already.
    """
    attempt = db.session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
    _check_theirs(attempt, user)
    assert attempt
    reason = " ".join(reason.split())[:LONGEST_REASON]
    after = _checked(minutes)
    if not reason:
        raise Refused("Please say why.")
    if attempt.minutes == after:
        return _same_again(attempt, reason, actor)
    corrected = MinuteCorrection(
        attempt_id=attempt.id, before=attempt.minutes, after=after, reason=reason, at=clock.now(), actor=actor
    )
    db.session.add(corrected)
    attempt.minutes = after
    db.session.flush()
    shares.charge(attempt.practice_id, float(corrected.after - corrected.before))
    return corrected


def _check_theirs(attempt: Attempt | None, user: User) -> None:
    leads = user.role in STAFF
    if attempt is None or (attempt.agent_id != user.id and not leads):
        raise NotTheirs("There is no such card.")
    within = ANYBODYS_WITHIN if leads else OWN_WITHIN
    if attempt.at < clock.now() - within:
        how_long = f"{ANYBODYS_WITHIN.days} days" if leads else "24 hours; a lead can still do it"
        raise Refused(f"Minutes can be put right for {how_long}.")


def _checked(minutes: Decimal) -> Decimal:
    if not (minutes.is_finite() and 0 <= minutes <= MOST):
        raise Refused(f"The minutes must be 0 to {MOST}.")
    return minutes.quantize(Decimal("0.01"))


def _same_again(attempt: Attempt, reason: str, actor: str) -> MinuteCorrection:
    """A double press; anything else changes nothing and says so."""
    last = db.session.scalars(
        sa.select(MinuteCorrection)
        .where(MinuteCorrection.attempt_id == attempt.id)
        .order_by(MinuteCorrection.id.desc())
        .limit(1)
    ).first()
    if last and (last.reason, last.actor) == (reason, actor):
        return last
    raise Refused(f"It took {attempt.minutes.normalize():f} minutes already.")
