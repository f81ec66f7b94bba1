"""The words around a task: why it exists, and the values its script is rendered with."""

from datetime import date
from typing import Protocol

from ops.accounts.models import User
from ops.phrases import day_words
from ops.practices.models import ANY_TREATMENT, Milestone, MilestoneKind, TreatmentType
from ops.scripts.values import OfPractice, of_practice
from ops.work.kinds import Kind

MILESTONE_WORDS = {
    MilestoneKind.TREATMENT_COMPLETED: "Treated",
    MilestoneKind.VISIT: "Visit",
    MilestoneKind.GOAL_REACHED: "Goal reached",
    MilestoneKind.REVIEW_LEFT: "Left a review",
    MilestoneKind.GRATEFUL_MESSAGE: "Wrote a grateful message",
    MilestoneKind.LABS_OPTIMIZED: "Labs came back optimized",
}


AGAIN_WORDS = "Was here again on"


def reason(kind: Kind, milestone: Milestone, treatment: TreatmentType | None, here_again: date | None = None) -> str:
    """Why a task exists, for the agent: what happened and when, in the treatment's category only (minimum necessary),
    and when they were here since."""
    again = f" {AGAIN_WORDS} {day_words(here_again)}." if here_again else ""
    return _happened(kind, milestone, treatment) + again


def _happened(kind: Kind, milestone: Milestone, treatment: TreatmentType | None) -> str:
    happened = f"{MILESTONE_WORDS[milestone.kind]} on {day_words(milestone.happened_on)}"
    what = f" ({treatment.category})" if treatment and treatment.category != ANY_TREATMENT else ""
    if milestone.withdrawn_why:
        return f"{happened}{what}, as we were told first. The practice's records say now: {milestone.withdrawn_why}."
    if kind is Kind.ASK and milestone.kind is MilestoneKind.TREATMENT_COMPLETED:
        return f"{happened}{what}: the result shows now."
    return f"{happened}{what}."


class Named(Protocol):
    """A patient, as far as scripts name them."""

    @property
    def first_name(self) -> str: ...


def values(
    practice: OfPractice,
    patient: Named,
    *,
    agent: User | None = None,
    friend_name: str | None = None,
    treatment_category: str | None = None,
) -> dict[str, str]:
    """What a script can say about this practice, patient, agent and friend; empty where nothing is known."""
    first, _, last = (agent.name if agent else "").partition(" ")
    found = of_practice(practice) | {
        "patient_first_name": patient.first_name,
        "agent_first_name": first,
        "agent_last_name": last or first,
        "treatment_category": treatment_category or "treatment",
        "friend_first_name": (friend_name or "").split(" ")[0],
        "referrer_first_name": patient.first_name,
    }
    return {name: value for name, value in found.items() if value}
