"""Why a cadence ended: a closed set, what goes with it, and its words. Pure."""

from enum import StrEnum
from typing import NamedTuple

from ops.work.kinds import Kind
from ops.work.outcomes import COMMON, OUTCOME_WORDS, Outcome

NO_MORE = frozenset(rule.outcome for rule in COMMON if rule.suppresses)
"""Outcomes after which somebody is not contacted any more."""


class EndReason(StrEnum):
    ANSWERED = "answered"
    """A call of its own ended it; with the outcome."""
    OTHER_CALL = "other_call"
    """A call about the same patient ended everything; with the outcome of that call."""
    STEPS_TAKEN = "steps_taken"
    NOT_SENT = "not_sent"
    """Its last steps could not be taken; with what was missing."""
    DAYS_OVER = "days_over"
    MAY_NOT = "may_not"
    """The gate said no for good; the task says why."""
    WROTE_BACK = "wrote_back"
    OPTED_OUT = "opted_out"
    """They wrote so."""
    BY_LEAD = "by_lead"
    """With what the lead wrote."""
    VISIT_WITHDRAWN = "visit_withdrawn"
    """What started it did not take place after all; with what the practice's records say of it."""
    VISIT_CHANGED = "visit_changed"
    """What started it was another treatment, or on another day, by which nothing is due any more."""
    CAME_BACK = "came_back"
    """A later visit took the place of the one it is about."""


SENT_ALL = (EndReason.STEPS_TAKEN, EndReason.NOT_SENT)
"""Ends of a cadence that its last text may still follow, unless it ends by something else before that leaves."""
TAKEN_BACK = (EndReason.VISIT_WITHDRAWN, EndReason.VISIT_CHANGED, EndReason.CAME_BACK)
"""A correction or a later visit ended it; if nobody had been contacted, it is as if it had not begun."""


END_WORDS = {
    EndReason.ANSWERED: "answered",
    EndReason.OTHER_CALL: "said on another call",
    EndReason.STEPS_TAKEN: "all steps taken",
    EndReason.NOT_SENT: "could not be sent",
    EndReason.DAYS_OVER: "its days are over",
    EndReason.MAY_NOT: "may not be contacted",
    EndReason.WROTE_BACK: "wrote back",
    EndReason.OPTED_OUT: "opted out",
    EndReason.BY_LEAD: "cancelled by a lead",
    EndReason.VISIT_WITHDRAWN: "the visit did not take place",
    EndReason.VISIT_CHANGED: "the visit was changed",
    EndReason.CAME_BACK: "came back since",
}


class Ending(NamedTuple):
    """Why one cadence ended. `outcome` of a call, `words` of a lead, of what was missing or of the practice's records:
    each exactly where the reason has one."""

    reason: EndReason
    outcome: Outcome | None = None
    words: str | None = None

    def ends(self, kind: Kind) -> bool:
        """Whether, said of a patient, it ends their work of this kind. A review is requested of everybody by the same
        rule, whatever they said of us: only who may not be contacted at all is left out (docs/rules.md A10)."""
        if kind is not Kind.REVIEW_REQUEST:
            return True
        return self.reason is EndReason.OPTED_OUT or self.outcome in NO_MORE

    def __str__(self) -> str:
        """ "answered: Was not happy", "its days are over", "cancelled by a lead: moved away"."""
        more = OUTCOME_WORDS[self.outcome] if self.outcome else self.words
        return f"{END_WORDS[self.reason]}: {more}" if more else END_WORDS[self.reason]
