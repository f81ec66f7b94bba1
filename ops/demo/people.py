"""The demo's patients and their treatments, drawn from a seed."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

from ops.demo.agency import AREA_CODES, FIRST_NAMES, LAST_NAMES, ZIPS, DemoPractice

LINES_PER_AREA_CODE = 100


@dataclass
class DemoPatient:
    """One invented patient as the practice's own system has them."""

    number: str
    first: str
    last: str
    birth: date | None
    phone: str
    """(619) 555-0142, or empty."""
    email: str
    state: str
    zip: str
    opted_out: bool = False
    dead: bool = False
    visits: list[tuple[date, str]] = field(default_factory=list)


class Numbers:
    """Hands out fictional numbers (555-0100 to 555-0199), each once per area code."""

    def __init__(self) -> None:
        self._used: dict[str, int] = defaultdict(int)

    def next(self, state: str) -> str:
        code = min(AREA_CODES[state], key=lambda code: self._used[code])
        line = self._used[code]
        if line >= LINES_PER_AREA_CODE:
            raise RuntimeError(f"no fictional numbers left in {state}")
        self._used[code] += 1
        return f"({code}) 555-01{line:02}"


def patients_of(
    practice: DemoPractice, chance: random.Random, numbers: Numbers, first_day: date, last_day: date
) -> list[DemoPatient]:
    """The practice's patients with treatments between the days, a few of them dead, under age or not to be
    contacted."""
    return [
        _patient(practice, number, chance, numbers, first_day, last_day) for number in range(1, practice.patients + 1)
    ]


def _patient(
    practice: DemoPractice, number: int, chance: random.Random, numbers: Numbers, first_day: date, last_day: date
) -> DemoPatient:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    under_age = number % 29 == 0
    age = chance.randint(15, 16) if under_age else chance.randint(24, 71)
    patient = DemoPatient(
        number=str(1000 + number),
        first=first,
        last=last,
        birth=last_day - timedelta(days=age * 365 + chance.randint(1, 300)),
        phone=numbers.next(practice.state) if number % 17 else "",
        email=f"{first}.{last}.{practice.slug}{number}@example.com".lower() if number % 5 else "",
        state=practice.state,
        zip=f"{ZIPS[practice.state]}{chance.randint(1, 9):02}",
        opted_out=number % 23 == 0,
        dead=number % 37 == 0,
    )
    days = (last_day - first_day).days
    for _ in range(1 if chance.random() < 0.8 else 2):
        day = first_day + timedelta(days=round(days * chance.random() ** 0.5))  # more and more: the practice grows
        patient.visits.append((day, chance.choice(practice.services)))
    patient.visits.sort()
    return patient
