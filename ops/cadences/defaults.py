"""The cadences and triggers a practice starts with. They are rows from then on and can be edited."""

from typing import NamedTuple

from ops.cadences.models import SPACING_DAYS
from ops.practices.models import MilestoneKind
from ops.work.kinds import Kind, StepMode


class Step(NamedTuple):
    mode: StepMode
    gap_hours: int
    tries: int = 1


class DefaultCadence(NamedTuple):
    name: str
    kind: Kind
    steps: tuple[Step, ...]
    starts: tuple[tuple[MilestoneKind, int | None, int, int], ...]
    """(milestone, days after it or None: when the result opens, days until the next of the kind, days it makes
    sense)"""


CADENCES = (
    DefaultCadence(
        "Ask when the result shows",
        Kind.ASK,
        (Step(StepMode.CALL, 0, tries=3), Step(StepMode.SMS, 48), Step(StepMode.EMAIL, 120)),
        (
            (MilestoneKind.TREATMENT_COMPLETED, None, SPACING_DAYS, 14),
            (MilestoneKind.GOAL_REACHED, 1, SPACING_DAYS, 30),
            (MilestoneKind.REVIEW_LEFT, 1, SPACING_DAYS, 30),
            (MilestoneKind.GRATEFUL_MESSAGE, 0, SPACING_DAYS, 30),
            (MilestoneKind.LABS_OPTIMIZED, 1, SPACING_DAYS, 30),
        ),
    ),
    DefaultCadence(
        "Check-in after treatment",
        Kind.FOLLOW_UP,
        (Step(StepMode.CALL, 0, tries=2),),
        ((MilestoneKind.TREATMENT_COMPLETED, 2, 30, 7),),
    ),
)
