"""What a marked card is worth, and what many of them say about an agent. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from ops.coaching.models import Mark

TOO_FEW = 5
"""Fewer marked cards than this say nothing about an agent."""
HALVES = {Mark.MET: 2, Mark.PARTLY: 1, Mark.MISSED: 0}
NORMAL_975 = 1.959964


def points(marked: Iterable[tuple[int, bool, Mark]]) -> int | None:
    """0 to 100: the share of the weights that was met, of the questions that applied; partly counts half. Takes
    (weight, critical, mark). A critical question that was missed makes it 0. None: no question applied."""
    applied = [(weight, critical, mark) for weight, critical, mark in marked if mark is not Mark.NOT_APPLICABLE]
    if not applied:
        return None
    if any(critical and mark is Mark.MISSED for _, critical, mark in applied):
        return 0
    got = sum(weight * HALVES[mark] for weight, _, mark in applied)
    whole = 2 * sum(weight for weight, _, _ in applied)
    return (200 * got + whole) // (2 * whole)  # a half goes up


@dataclass(frozen=True)
class Average:
    """The mean of an agent's marked cards, each 0 to 100. `low` and `high`: the 95% interval of the mean; all three
    None where there are too few to say."""

    cards: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None


def average(of: Sequence[int]) -> Average:
    """The mean and its 95% interval by Student's t, kept within 0 to 100; nothing under `TOO_FEW` cards."""
    if len(of) < TOO_FEW:
        return Average(len(of))
    middle = mean(of)
    either_side = _t_975(len(of) - 1) * stdev(of) / sqrt(len(of))
    return Average(len(of), middle, max(0.0, middle - either_side), min(100.0, middle + either_side))


def _t_975(freedom: int) -> float:
    """The 97.5% point of Student's t: the expansion in 1/freedom of Abramowitz and Stegun 26.7.5, whose error is
    below 0.01 from four degrees of freedom on."""
    z, v = NORMAL_975, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )
