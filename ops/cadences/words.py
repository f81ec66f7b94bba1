"""Cadences and triggers in the sentences a lead reads. Pure."""

from collections.abc import Sequence

from ops.cadences.models import CadenceStep, Trigger
from ops.phrases import count_of
from ops.practices.models import MilestoneKind
from ops.work.kinds import Kind, StepMode

MODE_WORDS = {StepMode.CALL: "call", StepMode.SMS: "text", StepMode.EMAIL: "email"}


AFTER_WORDS = {
    MilestoneKind.TREATMENT_COMPLETED: "treatment completed",
    MilestoneKind.VISIT: "a visit",
    MilestoneKind.GOAL_REACHED: "a goal reached",
    MilestoneKind.REVIEW_LEFT: "a review left",
    MilestoneKind.GRATEFUL_MESSAGE: "a grateful message",
    MilestoneKind.LABS_OPTIMIZED: "labs optimized",
}


CADENCE_KINDS = (Kind.ASK, Kind.FOLLOW_UP, Kind.REVIEW_REQUEST, Kind.RECALL)
"""What a milestone can start. The other kinds come from replies, friends and partners."""


HOURS_A_DAY = 24


def gap_words(hours: int) -> str:
    """ "48 h"; from three days on "5 days", when it is whole days."""
    days, rest = divmod(hours, HOURS_A_DAY)
    return f"{hours} h" if rest or days < 3 else count_of(days, "day")


def step_words(step: CadenceStep, *, first: bool) -> str:
    """ "call, up to 3 tries", "48 h later a text". The first step comes when the cadence starts, whatever its gap."""
    tries = f", up to {count_of(step.tries, 'try', 'tries')}" if step.mode is StepMode.CALL else ""
    what = f"{'an' if step.mode is StepMode.EMAIL else 'a'} {MODE_WORDS[step.mode]}{tries}"
    if first:
        return what
    return f"{gap_words(step.gap_hours)} later {what}" if step.gap_hours else f"right after it {what}"


def steps_words(steps: Sequence[CadenceStep]) -> str:
    """All steps in one line: "a call, up to 3 tries; 48 h later a text; 5 days later an email"."""
    if not steps:
        return "no steps yet"
    return "; ".join(step_words(step, first=number == 0) for number, step in enumerate(steps))


def left_out_words(left_out: Sequence[dict] | None) -> list[str]:
    """The steps a run left out: "Step 1 was left out. No call: asked not to be called." and so on."""
    return [f"Step {each['step'] + 1} was left out. {each['why']}" for each in left_out or ()]


def trigger_words(trigger: Trigger, treatment: str | None) -> str:
    """ "14 days after treatment completed (Filler)", "When the result of Filler opens". `treatment` None: any."""
    after = AFTER_WORDS[trigger.milestone_kind]
    only = f" ({treatment})" if treatment else ""
    if trigger.delay_days is None:
        return f"When the result of {treatment or 'the treatment'} opens, after {after}"
    if trigger.delay_days == 0:
        return f"On the day of {after}{only}"
    return f"{count_of(trigger.delay_days, 'day')} after {after}{only}"


def spacing_words(trigger: Trigger, kind_words: str) -> str:
    """For how long it makes sense, and how far apart two cadences of the same kind stay for one patient."""
    lasting = "" if trigger.delay_days is None else f"for {count_of(trigger.open_days, 'day')}; "
    return f"{lasting}not within {count_of(trigger.spacing_days, 'day')} of another “{kind_words}” of the same patient"
