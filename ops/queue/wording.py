"""The words around a task: why it exists, and the values its script is rendered with."""

from ops.accounts.models import User
from ops.practices.models import Milestone, MilestoneKind, Patient, Practice, TreatmentType
from ops.referrals.models import Referral
from ops.scripts.values import of_practice
from ops.work.kinds import Kind

MILESTONE_WORDS = {
    MilestoneKind.TREATMENT_COMPLETED: "Treated",
    MilestoneKind.VISIT: "Visit",
    MilestoneKind.GOAL_REACHED: "Goal reached",
    MilestoneKind.REVIEW_LEFT: "Left a review",
    MilestoneKind.GRATEFUL_MESSAGE: "Wrote a grateful message",
}


def reason(kind: Kind, milestone: Milestone, treatment: TreatmentType | None) -> str:
    """Why a task exists, for the agent: what happened and when, in the treatment's category only (minimum
    necessary)."""
    happened = f"{MILESTONE_WORDS[milestone.kind]} on {milestone.happened_on:%-d %B %Y}"
    what = f" ({treatment.category})" if treatment else ""
    if kind is Kind.ASK and milestone.kind is MilestoneKind.TREATMENT_COMPLETED:
        return f"{happened}{what}: the result shows now."
    return f"{happened}{what}."


def values(
    practice: Practice,
    patient: Patient,
    *,
    agent: User | None = None,
    referral: Referral | None = None,
    treatment: TreatmentType | None = None,
) -> dict[str, str]:
    """What a script can say about this practice, patient, agent and friend; empty where nothing is known."""
    first, _, last = (agent.name if agent else "").partition(" ")
    found = of_practice(practice) | {
        "patient_first_name": patient.first_name,
        "agent_first_name": first,
        "agent_last_name": last or first,
        "treatment_category": treatment.category if treatment else "treatment",
        "friend_first_name": referral.friend_name.split(" ")[0] if referral else "",
        "referrer_first_name": patient.first_name,
    }
    return {name: value for name, value in found.items() if value}
