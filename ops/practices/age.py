"""Who is of age. Minors are stored and counted, and never contacted (docs/rules.md A3).

The gate asks its dated table of limits, which a test holds to ADULT_YEARS.
"""

from datetime import date

ADULT_YEARS = 18


def age(born: date, on: date) -> int:
    """Whole years lived on the day `on`; someone born on February 29 has the birthday on March 1 of common years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def is_minor(born: date | None, on: date) -> bool:
    """Whether somebody born then is a minor on that day. An unknown birth date is not a minor's."""
    return born is not None and age(born, on) < ADULT_YEARS


def adult_born_by(day: date) -> date:
    """The last birth date of an adult on `day`, for comparing many: whoever was born later is a minor then."""
    if (day.month, day.day) == (2, 29):  # the year of majority before is a common year
        return date(day.year - ADULT_YEARS, 2, 28)
    return day.replace(year=day.year - ADULT_YEARS)
