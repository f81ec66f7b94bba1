"""The three sentences a clinic owner reads if they read nothing else. Pure."""

from ops.metrics.cohort import Cohort, Step
from ops.metrics.measures import REFERRED_YARDSTICK, WILLING_YARDSTICK, Owner, Rate, Stage
from ops.practices.months import Month

OWNERS = {
    Owner.AGENCY: "the agency’s to close",
    Owner.PRACTICE: "the practice’s to close",
    Owner.PATIENT: "with the patients themselves",
}
BEFORE = {
    Stage.IN_WINDOW: "before asking could start",
    Stage.ASKED: "before the ask",
    Stage.REACHED: "between the ask and an answer",
    Stage.WILLING: "at the answer",
    Stage.REFERRED: "between being willing and sending a friend",
}


def count(number: int, one: str, many: str = "") -> str:
    """ "1 patient", "3 patients"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def of(month: Month, running: bool, people: Cohort) -> tuple[str, ...]:
    """What was done, what came of it, where most is lost; one sentence when nobody became eligible."""
    eligible = people.count(Stage.ELIGIBLE)
    if not eligible:
        so_far = " so far" if running else ""
        return (f"No treatment result began to show in {month.name}{so_far}, so nobody was due to be asked.",)
    return (_done(month, running, people), _came(people), _lost(people))


def _done(month: Month, running: bool, people: Cohort) -> str:
    so_far = " so far" if running else ""
    asked, reached = people.count(Stage.ASKED), people.count(Stage.REACHED)
    shown = count(people.count(Stage.ELIGIBLE), "patient’s result", "patients’ results")
    return f"In {month.name}{so_far}, {shown} began to show; {asked} {_were(asked)} asked and {reached} answered."


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _came(people: Cohort) -> str:
    willing, sent = people.willingness, people.referral_rate
    saying = f"{_of(willing, 'who answered')} would refer{_beside(willing, WILLING_YARDSTICK)}"
    doing = f"{sent.n} of all {sent.of} sent a friend{_beside(sent, REFERRED_YARDSTICK)}"
    if not willing.of:
        saying = "Nobody has answered yet"
    return f"{saying}; {doing}."


def _of(rate: Rate, who: str) -> str:
    return f"{rate.n} of the {rate.of} {who}"


def _beside(rate: Rate, yardstick: int) -> str:
    """ " (80%, yardstick 83%)"; nothing when there are too few for a percentage."""
    return f" ({rate.percent}%, yardstick {yardstick}%)" if rate.rankable else ""


def _lost(people: Cohort) -> str:
    widest = people.widest
    if widest is None:
        return "Nobody was lost on the way to a friend."
    lost, still = widest.leak.count, widest.leak.open
    where = f"Most are missing {BEFORE[widest.stage]}: {count(lost, 'patient')}"
    if still == lost:
        return f"{where}, all still being worked on."
    going_on = f" ({still} still being worked on)" if still else ""
    return f"{where}{going_on}; {_mostly(widest)}."


def _mostly(step: Step) -> str:
    """The most frequent reason that is not still open, and whose it is."""
    if len(step.leak.reasons) == 1:
        why, _ = step.leak.reasons[0]
        return f"“{why.words.lower()}”, {OWNERS[why.owner]}"
    why, number = next((why, number) for why, number in step.leak.reasons if not why.open)
    return f"most often “{why.words.lower()}” ({number}), {OWNERS[why.owner]}"
