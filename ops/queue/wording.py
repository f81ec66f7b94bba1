"""The words around a task: why it exists, and the values its script is rendered with."""

from ops.accounts.models import User
from ops.config import settings
from ops.practices.models import Milestone, MilestoneKind, Patient, Practice, TreatmentType
from ops.queue.models import Kind
from ops.referrals.models import Referral

KIND_WORDS = {
    Kind.ASK: "Referral ask",
    Kind.FOLLOW_UP: "Follow-up call",
    Kind.REVIEW_REQUEST: "Review request",
    Kind.LOOP_CLOSING: "Closing the loop",
    Kind.FRIEND_FOLLOW_UP: "First call to a friend",
    Kind.REPLY: "Answer to a message",
    Kind.RECALL: "Time for the next visit",
    Kind.PARTNER_TOUCH: "Partner call",
}
MILESTONE_WORDS = {
    MilestoneKind.TREATMENT_COMPLETED: "Treated",
    MilestoneKind.VISIT: "Visit",
    MilestoneKind.GOAL_REACHED: "Goal reached",
    MilestoneKind.REVIEW_LEFT: "Left a review",
    MilestoneKind.GRATEFUL_MESSAGE: "Wrote a grateful message",
}
HELPS_BEST = "people who want to look and feel like themselves again"
"""Said in the ask until the practice has told us whom it helps best."""


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
    found = {
        "patient_first_name": patient.first_name,
        "practice_name": practice.name,
        "practice_spoken_name": practice.spoken_name or practice.name,
        "helps_best": practice.helps_best or HELPS_BEST,
        "shareable": practice.shareable,
        "website": practice.website,
        "callback_number": spoken_number(practice.callback_number or settings().agency_number),
        "agent_first_name": first,
        "agent_last_name": last or first,
        "agency_name": settings().agency_name,
        "treatment_category": treatment.category if treatment else "treatment",
        "friend_first_name": referral.friend_name.split(" ")[0] if referral else "",
        "referrer_first_name": patient.first_name,
        "review_links": ", ".join(link.url for link in practice.review_links),
    }
    return {name: value for name, value in found.items() if value}


def spoken_number(number: str) -> str:
    """(619) 555-0142 for +16195550142; another number as it is."""
    if len(number) == 12 and number.startswith("+1"):
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number
