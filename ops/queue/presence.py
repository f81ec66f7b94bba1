"""Who is there: signed in and not gone, as ops/queue/presence.sql has it, which says what counts.

Whatever is kept for one person asks this: who gets the first offer, to whom a lead may assign, what the board and the
empty desk call assigned to a colleague.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.phrases import age_words

GONE_AFTER = timedelta(minutes=10)
"""Who did nothing for so long, and has no card in progress, is not there any more."""
BREAK_COUNTS = timedelta(minutes=15)
"""So long what is assigned to somebody stays theirs on a break."""


class Presence(NamedTuple):
    """How somebody stands. `present`: things may be assigned to them; also at the beginning of a break.

    `on_break`: the kind of break they are on ("done": for the day). `since`: since when, or when they were last seen;
    None for who has never signed in.
    """

    user_id: int
    present: bool
    on_break: str | None
    since: datetime | None

    @property
    def words(self) -> str:
        """ "at work", "on a break for 14 min", "away for 3 h": for a list to choose from."""
        length = f" for {age_words(self.since, clock.now())}" if self.since else ""
        if self.on_break == "done":
            return f"done for the day{length}"
        if self.on_break:
            return f"on a break{length}" + ("" if self.present else ", away")
        if self.present:
            return "at work"
        return f"away{length}" if self.since else "has not signed in yet"


PRESENCE = "SELECT user_id, present, on_break, since FROM presence(:now)"
HERE = "SELECT user_id FROM presence(:now) WHERE present"
"""Those who are present, for a statement that knows `now`."""


def presences() -> dict[int, Presence]:
    """Everybody, closed accounts too."""
    rows = db.session.execute(sa.text(PRESENCE), {"now": clock.now()})
    return {row.user_id: Presence(*row) for row in rows}


def is_present(user_id: int) -> bool:
    """Whether something may be kept for this person now."""
    one = sa.text(f"SELECT EXISTS ({HERE} AND user_id = :user)")
    return bool(db.session.scalar(one, {"now": clock.now(), "user": user_id}))
