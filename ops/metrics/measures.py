"""Every measure of the monthly report, defined once: page, CSV and JSON take names and formulas from here. Pure.

The cohort of a month are the patients whose treatment result began to show in it. It follows the same people for as
long as it takes: a friend who comes two months later still counts for the month their referrer's result showed.

**A later fact proves the earlier ones.** Facts arrive in odd orders: a patient sends a friend before anybody asked, one
who said "never" sends a friend after all, a booking is confirmed for a friend nobody noted as called. Whoever reached a
stage counts in every stage before it, so each stage is part of the one before and no leak is ever negative. How many
sent a friend without having been asked is said beside the number.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from ops.practices.defaults import UNKNOWN_CURVE

RANKABLE = 5
"""Fewer than this many are shown as counts: no percentage is drawn, ranked or compared."""
Z95 = 1.959963984540054
WILLING_YARDSTICK, REFERRED_YARDSTICK = 83, 29
"""Percent. From the trade articles this product was commissioned from (secondary sources): yardsticks, not proof."""
YARDSTICK_SOURCE = (
    "83% and 29% are yardsticks from trade writing (secondary sources): the share of satisfied patients who say they "
    "would refer, and who do. They are not results of this practice or of others we serve."
)
DEFAULT_OPENS_DAYS = UNKNOWN_CURVE[0]
"""When the result of a treatment without a type shows, in days after it."""


class Owner(StrEnum):
    """Whose a leak is to close."""

    AGENCY = "agency"
    PRACTICE = "practice"
    PATIENT = "patient"


class Stage(StrEnum):
    """The gap waterfall, in its order."""

    ELIGIBLE = "eligible"
    IN_WINDOW = "in_window"
    ASKED = "asked"
    REACHED = "reached"
    WILLING = "willing"
    REFERRED = "referred"
    BOOKED = "booked"
    SHOWED = "showed"
    TREATED = "treated"


STAGES = tuple(Stage)
GAP = STAGES[: STAGES.index(Stage.REFERRED) + 1]
"""The part between a result that shows and a friend who was sent: where the gap is."""


@dataclass(frozen=True)
class Measure:
    """One number of the report: what it is called, what it means in one sentence, and how it is counted."""

    key: str
    name: str
    meaning: str
    numerator: str
    denominator: str = ""
    unit: str = "patients"
    owner: Owner | None = None
    """Who, as a rule, can close the leak before this stage; single reasons may be another's."""


_BEFORE = "the stage before"
MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            Stage.ELIGIBLE,
            "Eligible",
            "Patients whose treatment result began to show this month: living, adult on that day, each counted once "
            "(records that were merged are one patient).",
            "distinct patients with a completed treatment whose day, plus the days its result needs to show "
            f"({DEFAULT_OPENS_DAYS} without a treatment type), lies in the month",
        ),
        Measure(
            Stage.IN_WINDOW,
            "In window",
            "Eligible patients for whom asking was started while the moment was right.",
            "eligible patients with an ask cadence for that treatment",
            _BEFORE,
            owner=Owner.AGENCY,
        ),
        Measure(
            Stage.ASKED,
            "Asked",
            "Patients who were asked for a referral, by a call, text or email.",
            "in window, with an ask on record or an ask message delivered",
            _BEFORE,
            owner=Owner.AGENCY,
        ),
        Measure(
            Stage.REACHED,
            "Reached",
            "Asked patients who gave an answer, whatever it was.",
            "asked, and the answer is not “no answer”",
            _BEFORE,
            owner=Owner.AGENCY,
        ),
        Measure(
            Stage.WILLING,
            "Willing",
            "Reached patients who said they would refer, or did.",
            "reached, and the answer is “willing” or a friend came",
            _BEFORE,
            owner=Owner.PATIENT,
        ),
        Measure(
            Stage.REFERRED,
            "Friend sent",
            "Patients who sent at least one friend who agreed to be contacted.",
            "patients with a referral from that ask, or received since that result showed and before the next one did",
            _BEFORE,
            owner=Owner.AGENCY,
        ),
        Measure(
            Stage.BOOKED,
            "Friend booked",
            "Patients of whose friends at least one booked a visit.",
            "friend sent, with a friend booked",
            _BEFORE,
            owner=Owner.PRACTICE,
        ),
        Measure(
            Stage.SHOWED,
            "Friend showed",
            "Patients of whose friends at least one came to the visit.",
            "friend booked, with a friend who came",
            _BEFORE,
            owner=Owner.PRACTICE,
        ),
        Measure(
            Stage.TREATED,
            "Friend treated",
            "Patients of whose friends at least one was treated.",
            "friend showed, with a friend treated",
            _BEFORE,
            owner=Owner.PRACTICE,
        ),
        Measure(
            "referral_rate",
            "Referral rate",
            "Of the patients whose result began to show, how many sent a friend.",
            "friend sent",
            "eligible",
            "%",
        ),
        Measure(
            "willingness",
            "Willingness",
            "Of the patients who answered, how many would refer.",
            "willing",
            "reached",
            "%",
        ),
        Measure(
            "told",
            "Referrers told",
            "Of the steps of friends a referrer may hear of, how many they were told of.",
            "steps of this month that the referrer was told of",
            "steps of this month that the referrer may be told of",
            "steps",
            Owner.AGENCY,
        ),
        Measure(
            "friends",
            "Friends received",
            "Friends who agreed to be contacted this month, whichever month their referrer belongs to.",
            "referrals received in the month, in the practice's zone",
            unit="friends",
        ),
        Measure(
            "first_contact",
            "Time to first contact",
            "How long a friend received this month waited for the first contact; half waited less.",
            "median hours from received to contacted, of the friends contacted so far",
            unit="hours",
            owner=Owner.AGENCY,
        ),
        Measure(
            "hours_bought",
            "Hours bought",
            "Hours of the contract for this month, day by day where it began, changed or ended within it.",
            "sum over days of hours per month / days in the month",
            unit="hours",
        ),
        Measure(
            "hours_delivered",
            "Hours delivered",
            "Hours agents worked for the practice this month.",
            "minutes of all attempts in the month / 60",
            unit="hours",
        ),
    )
}


@dataclass(frozen=True)
class Rate:
    """`n` of `of`, with what may honestly be said about it."""

    n: int
    of: int

    @property
    def rankable(self) -> bool:
        """Whether there are enough to speak of a percentage."""
        return self.of >= RANKABLE

    @property
    def percent(self) -> int | None:
        """Whole percent, half rounded up; None when too few."""
        return (200 * self.n + self.of) // (2 * self.of) if self.rankable else None

    @property
    def interval(self) -> tuple[int, int] | None:
        """The 95% interval in whole percent; None when too few."""
        if not self.rankable:
            return None
        low, high = wilson(self.n, self.of)
        return round(low * 100), round(high * 100)

    @property
    def counts(self) -> str:
        return f"{self.n} of {self.of}"

    @property
    def words(self) -> str:
        """ "80% (16 of 20)", or "3 of 4, too few to rank"."""
        return f"{self.percent}% ({self.counts})" if self.rankable else f"{self.counts}, too few to rank"


def wilson(n: int, of: int) -> tuple[float, float]:
    """The 95% interval (0..1) of a share, by Wilson's score method (E. B. Wilson, JASA 22, 1927). `of` > 0."""
    share, square = n / of, Z95 * Z95
    middle = share + square / (2 * of)
    reach = Z95 * sqrt(share * (1 - share) / of + square / (4 * of * of))
    whole = 1 + square / of
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
