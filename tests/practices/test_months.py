"""A month on a practice's calendar: the hours bought in it, and the pace by which they should be delivered."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ops.practices.months import Month, days_passed, hours_bought


def test_hours_bought_are_prorated_by_day():
    february, march_, leap = Month(2026, 2), Month(2026, 3), Month(2024, 2)
    whole = [(Decimal(28), date(2025, 1, 1), None)]
    assert hours_bought(february, whole) == 28
    assert hours_bought(february, [(Decimal(28), date(2026, 2, 15), None)]) == 14
    assert hours_bought(leap, [(Decimal(29), date(2024, 2, 29), None)]) == 1
    changed = [(Decimal(31), date(2025, 1, 1), date(2026, 3, 11)), (Decimal(62), date(2026, 3, 11), date(2026, 3, 21))]
    assert hours_bought(march_, changed) == 10 + 20
    assert hours_bought(march_, [(Decimal(31), date(2026, 4, 1), None)]) == 0


@pytest.mark.parametrize(
    ("at", "passed"),
    [
        (datetime(2026, 3, 1, 5, 59, tzinfo=UTC), 0),
        (datetime(2026, 3, 1, 18, tzinfo=UTC), 0.5),
        (datetime(2026, 3, 8, 17, tzinfo=UTC), 7.5),  # the day of 23 hours
        (datetime(2026, 3, 31, 23, tzinfo=UTC), 30.75),
        (datetime(2026, 4, 1, 5, tzinfo=UTC), 31),
    ],
)
def test_the_days_of_a_month_pass_on_the_practices_own_clock(at, passed):
    assert days_passed(Month(2026, 3), at, "America/Chicago") == Decimal(passed)


def test_the_pace_of_a_contract_is_its_hours_spread_evenly_over_the_days_it_has_in_the_month():
    march, since = Month(2026, 3), Decimal("10.5")
    assert hours_bought(march, [(Decimal(31), date(2025, 1, 1), None)], since) == Decimal("10.5")
    assert hours_bought(march, [(Decimal(31), date(2026, 3, 9), None)], since) == Decimal("2.5")
    assert hours_bought(march, [(Decimal(31), date(2026, 1, 1), date(2026, 3, 6))], since) == 5
    assert hours_bought(march, [(Decimal(31), date(2026, 3, 20), None)], since) == 0
