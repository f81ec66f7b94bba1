"""What the agent pressed and typed on the card."""

from dataclasses import dataclass
from datetime import datetime

from ops.referrals.actions import NOTHING, NewFriend, Told
from ops.work.outcomes import Outcome


@dataclass(frozen=True)
class Saved:
    """`callback_at` aware; `mine`: the promise is the agent's own."""

    outcome: Outcome
    note: str = ""
    callback_at: datetime | None = None
    mine: bool = True
    friend: NewFriend | None = None
    visit: Told = NOTHING
    """What a friend said of the visit they book."""
    own_email: str | None = None
    """The address the friend gave of themself, and may be emailed at."""
    answers: tuple[int, ...] = ()
    """The parts of the script that were opened because they said so, in that order."""
    opening_said: bool = False
    talk_seconds: int | None = None
    wrap_seconds: int | None = None
    away_seconds: int = 0

    def typed(self) -> dict[str, object]:
        """What stands in the form again when the outcome is taken back."""
        friend = self.friend
        return {
            "note": self.note,
            "callback_at": self.callback_at.isoformat() if self.callback_at else None,
            "mine": self.mine,
            "friend_name": friend.name if friend else "",
            "friend_phone": (friend.phone or "") if friend else "",
            "friend_email": (friend.email or "") if friend else "",
            "friend_opt_in": str(friend.opt_in) if friend else "",
            "visit_on": self.visit.visit_on.isoformat() if self.visit.visit_on else "",
            "visit_time": f"{self.visit.visit_time:%H:%M}" if self.visit.visit_time else "",
            "visit_days": self.visit.visit_days,
            "comes_for": self.visit.comes_for,
            "own_email": self.own_email or "",
            "may_email": bool(self.own_email),
            "answers": list(self.answers),
            "opening_said": self.opening_said,
        }
