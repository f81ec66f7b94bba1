"""The steps of a referral that staff and practices note themselves, and what each one asks. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from ops.referrals.states import may_follow
from ops.work.answers import ReferralState as S


class Ask(StrEnum):
    """What can be written down with a step."""

    VISIT = "visit"
    DAY = "day"
    VALUE = "value"
    WHY = "why"


@dataclass(frozen=True)
class Step:
    """One button: what the friend becomes by it, its label, and what it asks; without anything asked one press does."""

    becomes: S
    label: str
    done: str
    """What is said afterwards."""
    asks: frozenset[Ask] = frozenset()

    @property
    def asks_visit(self) -> bool:
        return Ask.VISIT in self.asks

    @property
    def asks_day(self) -> bool:
        return Ask.DAY in self.asks

    @property
    def asks_value(self) -> bool:
        return Ask.VALUE in self.asks

    @property
    def asks_why(self) -> bool:
        return Ask.WHY in self.asks


STEPS = (
    Step(S.SHOWED, "Came", "Noted: they came.", frozenset({Ask.DAY})),
    Step(S.NO_SHOW, "Did not come", "Noted: they did not come. An agent calls them about another day."),
    Step(S.TREATED, "Treated", "Noted: they were treated.", frozenset({Ask.DAY, Ask.VALUE})),
    Step(S.BOOKED, "Booked", "Noted: they booked.", frozenset({Ask.VISIT})),
    Step(S.CONNECTED, "Talked to", "Noted: somebody talked to them."),
    Step(S.CONTACTED, "Contacted", "Noted: they were contacted."),
    Step(S.LOST, "Lost", "Noted: they are not going on.", frozenset({Ask.WHY})),
)
"""In the order of the buttons."""
BY_STATE = {step.becomes: step for step in STEPS}


def steps_from(state: S) -> list[Step]:
    """What can be noted of a friend in this state."""
    return [step for step in STEPS if may_follow(state, step.becomes)]
