"""Why a cadence ended: a closed set, what goes with it, and its words. Pure."""

from enum import StrEnum
from typing import NamedTuple

from ops.work.outcomes import OUTCOME_WORDS, Outcome


class EndReason(StrEnum):
    ANSWERED = "answered"
    """A call of its own ended it; with the outcome."""
    OTHER_CALL = "other_call"
    """A call about the same patient ended everything; with the outcome of that call."""
    STEPS_TAKEN = "steps_taken"
    DAYS_OVER = "days_over"
    MAY_NOT = "may_not"
    """The gate said no for good; the task says why."""
    WROTE_BACK = "wrote_back"
    OPTED_OUT = "opted_out"
    """They wrote so."""
    BY_LEAD = "by_lead"
    """With what the lead wrote."""


END_WORDS = {
    EndReason.ANSWERED: "answered",
    EndReason.OTHER_CALL: "said on another call",
    EndReason.STEPS_TAKEN: "all steps taken",
    EndReason.DAYS_OVER: "its days are over",
    EndReason.MAY_NOT: "may not be contacted",
    EndReason.WROTE_BACK: "wrote back",
    EndReason.OPTED_OUT: "opted out",
    EndReason.BY_LEAD: "cancelled by a lead",
}


class Ending(NamedTuple):
    """Why one cadence ended. `outcome` of a call, `words` of a lead: each exactly where the reason has one."""

    reason: EndReason
    outcome: Outcome | None = None
    words: str | None = None

    def __str__(self) -> str:
        """ "answered: Was not happy", "its days are over", "cancelled by a lead: moved away"."""
        more = OUTCOME_WORDS[self.outcome] if self.outcome else self.words
        return f"{END_WORDS[self.reason]}: {more}" if more else END_WORDS[self.reason]
