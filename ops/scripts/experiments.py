"""What two versions of a script tell apart, and when it may be said. Pure statistics over counts.

The plan is fixed before the start: how many answers each version needs, from a stated baseline and the smallest
difference worth knowing. Nothing is concluded before both have them; looking earlier, and stopping when it looks good,
would find differences that are not there. Only harm stops earlier. After sixty days the question is closed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, exp, fsum, lgamma, log, log1p, sqrt
from statistics import NormalDist

SURE = 0.05
"""Chance of finding a difference that is not there (two-sided)."""
POWER = 0.80
"""Chance of finding the smallest difference worth knowing, where it is there."""
LONGEST_DAYS = 60
HARM_AT_LEAST = 5
HARM_SURE = 0.01
DEFAULT_BASELINE = 0.40
DEFAULT_DIFFERENCE = 0.15
RULE = (
    "Nothing is concluded before both versions have the planned answers. Then the difference, within practices, "
    "decides: where its 95% interval leaves 0 out, one is better; else no difference was found. After 60 days without "
    "the planned answers: no difference found. Harm (“do not contact”, “not happy”) ends it by itself, within minutes: "
    "at least 5 in one version, and so many more than in the other that chance would do it less than once in a hundred."
)


class Verdict(StrEnum):
    RUNNING = "running"
    A_BETTER = "a_better"
    B_BETTER = "b_better"
    NO_DIFFERENCE = "no_difference"
    A_HARMS = "a_harms"
    B_HARMS = "b_harms"


@dataclass(frozen=True)
class Tally:
    """What came of one version: `attempts` made, `reached` of them, patients who `answered`, `willing` of those, and
    patients `harmed` of those reached (asked to be removed, or were not happy)."""

    attempts: int = 0
    reached: int = 0
    answered: int = 0
    willing: int = 0
    harmed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.attempts + other.attempts,
            self.reached + other.reached,
            self.answered + other.answered,
            self.willing + other.willing,
            self.harmed + other.harmed,
        )


@dataclass(frozen=True)
class Both:
    """The tallies of both versions in one practice."""

    a: Tally = Tally()
    b: Tally = Tally()


@dataclass(frozen=True)
class Difference:
    """B minus A, as shares (0.1 is ten points), with its 95% interval; no interval where the numbers are too few."""

    value: float
    low: float | None
    high: float | None


def total(practices: Iterable[Both]) -> Both:
    found = Both()
    for each in practices:
        found = Both(found.a + each.a, found.b + each.b)
    return found


def planned_answers(baseline: float, difference: float) -> int:
    """Answers each version needs to tell `baseline` from `baseline + difference` (shares, 0 to 1).

    The usual formula for two proportions (Fleiss, Statistical Methods for Rates and Proportions, without continuity
    correction), at 5% and 80%. Raises ValueError when either share is not between 0 and 1 or the difference is none.
    """
    better = baseline + difference
    if not (0 < baseline < 1 and 0 < better < 1 and difference > 0):
        raise ValueError("the shares must lie between 0 and 1")
    between = (baseline + better) / 2
    sure, power = NormalDist().inv_cdf(1 - SURE / 2), NormalDist().inv_cdf(POWER)
    spread = sure * sqrt(2 * between * (1 - between)) + power * sqrt(baseline * (1 - baseline) + better * (1 - better))
    return ceil((spread / difference) ** 2)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927): (0, 1) where nothing is known."""
    if not whole:
        return 0.0, 1.0
    z, share = NormalDist().inv_cdf(1 - SURE / 2), part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    # at the ends rounding would leave a hair
    return 0.0 if part == 0 else middle - half, 1.0 if part == whole else middle + half


def difference(practices: Sequence[Both]) -> Difference | None:
    """How much more of those who answered were willing with B, compared within each practice (Mantel-Haenszel), with
    Sato's variance (Biometrics 1989), which holds for few large practices and for many small ones. None when no
    practice has answers to both."""
    weights = gain = p_sum = q_sum = 0.0
    for each in practices:
        n1, n0, x1, x0 = each.b.answered, each.a.answered, each.b.willing, each.a.willing
        if not n1 or not n0:
            continue
        whole = n1 + n0
        weights += n1 * n0 / whole
        gain += (x1 * n0 - x0 * n1) / whole
        p_sum += (n1 * n1 * x0 - n0 * n0 * x1 + n1 * n0 * (n0 - n1) / 2) / whole**2
        q_sum += (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * whole)
    if not weights:
        return None
    value = gain / weights
    variance = (value * p_sum + q_sum) / weights**2
    if variance <= 0:
        return Difference(value, None, None)
    half = NormalDist().inv_cdf(1 - SURE / 2) * sqrt(variance)
    return Difference(value, max(-1.0, value - half), min(1.0, value + half))


def harms(one: Tally, other: Tally) -> bool:
    """Whether `one` harms more than `other`: at least five, and as many of all the harm would fall to it by chance less
    than once in a hundred (one-sided, given who was reached)."""
    if one.harmed < HARM_AT_LEAST or not one.reached:
        return False
    harmed, share = one.harmed + other.harmed, one.reached / (one.reached + other.reached)
    return _at_least(one.harmed, harmed, share) < HARM_SURE


def _at_least(wins: int, tries: int, chance: float) -> float:
    """The probability of `wins` or more in `tries`, `chance` under 1 unless nothing else can happen."""
    if chance >= 1:
        return 1.0
    # by logarithms: beyond about a thousand tries the numbers themselves are larger than a float holds
    ways = (lgamma(tries + 1) - lgamma(k + 1) - lgamma(tries - k + 1) for k in range(wins, tries + 1))
    return fsum(exp(way + k * log(chance) + (tries - k) * log1p(-chance)) for k, way in enumerate(ways, wins))


def verdict(practices: Sequence[Both], planned: int, days: float) -> Verdict:
    """What may be said after `days`, by RULE."""
    both = total(practices)
    if harms(both.b, both.a):
        return Verdict.B_HARMS
    if harms(both.a, both.b):
        return Verdict.A_HARMS
    if min(both.a.answered, both.b.answered) < planned:
        return Verdict.NO_DIFFERENCE if days >= LONGEST_DAYS else Verdict.RUNNING
    found = difference(practices)
    if found is None or found.low is None or found.high is None or found.low <= 0 <= found.high:
        return Verdict.NO_DIFFERENCE
    return Verdict.B_BETTER if found.low > 0 else Verdict.A_BETTER
