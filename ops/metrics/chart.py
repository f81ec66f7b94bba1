"""Where bars begin and end, in percent of their width, so that the page only draws. Pure."""

from dataclasses import dataclass

from ops.metrics.cohort import Cohort, Step
from ops.metrics.measures import MEASURES, REFERRED_YARDSTICK, WILLING_YARDSTICK, Measure, Rate


@dataclass(frozen=True)
class GapBar:
    """The practice's own rate beside the yardstick."""

    measure: Measure
    rate: Rate
    yardstick: int

    @property
    def difference(self) -> str:
        """How far the own rate is from the yardstick, in words; the interval decides whether that means anything."""
        if self.rate.percent is None or self.rate.interval is None:
            return ""
        low, high = self.rate.interval
        if low <= self.yardstick <= high:
            return "too few to tell it from the yardstick"
        points = abs(self.rate.percent - self.yardstick)
        where = "above" if self.rate.percent > self.yardstick else "below"
        return f"{points} point{'s' if points != 1 else ''} {where} the yardstick"

    @property
    def spoken(self) -> str:
        """What the picture says, for who cannot see it."""
        if self.rate.interval is None:
            return f"{self.measure.name}: {self.rate.words}. Yardstick {self.yardstick}%."
        low, high = self.rate.interval
        return f"{self.measure.name}: {self.rate.words}, 95% interval {low} to {high}%. Yardstick {self.yardstick}%."


def gap_bars(cohort: Cohort) -> tuple[GapBar, ...]:
    """Willingness beside 83%, referral rate beside 29%."""
    return (
        GapBar(MEASURES["willingness"], cohort.willingness, WILLING_YARDSTICK),
        GapBar(MEASURES["referral_rate"], cohort.referral_rate, REFERRED_YARDSTICK),
    )


@dataclass(frozen=True)
class StepBar:
    """One stage: a bar as long as its share of the eligible, behind it the part that was lost on the way to it."""

    step: Step
    width: float
    lost: float


def steps_chart(cohort: Cohort) -> tuple[StepBar, ...]:
    """The waterfall's bars; all empty when nobody is eligible."""
    whole = cohort.steps[0].count or 1
    return tuple(
        StepBar(step, round(100 * step.count / whole, 2), round(100 * step.leak.count / whole, 2))
        for step in cohort.steps
    )
