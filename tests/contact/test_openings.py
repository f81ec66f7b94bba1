"""From when on: caps end at an hour of their own, hours open at theirs, and both have to be over."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.contact.openings import Foreseen, first_open, whole

NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)
HOURS = (9, 17)


def asked_of(frees: list[datetime], limit: int = 1, other: str = ""):
    """A number that may be called from nine to five, and as often as `limit` says; each call counts until it frees."""

    def ask(moment: datetime) -> Foreseen:
        counted = sum(moment < until for until in frees)
        against = {"CAP_24H"} if counted >= limit else set()
        against |= {other} if other else set()
        day = moment.replace(hour=HOURS[0], minute=0, second=0)
        if HOURS[0] <= moment.hour < HOURS[1]:
            return Foreseen(frozenset(against), moment)
        return Foreseen(frozenset(against | {"HOURS_STATE"}), day if moment < day else day + timedelta(days=1))

    return ask


@pytest.mark.parametrize(
    ("frees", "limit", "opens"),
    [
        ([], 1, NINE),
        ([NINE + timedelta(hours=2)], 1, NINE + timedelta(hours=2)),
        ([NINE + timedelta(hours=2, minutes=3, seconds=1)], 1, NINE + timedelta(hours=2, minutes=5)),
        ([NINE + timedelta(hours=20)], 1, NINE + timedelta(days=1)),
        ([NINE + timedelta(hours=3), NINE + timedelta(hours=5)], 1, NINE + timedelta(hours=5)),
        ([NINE + timedelta(hours=3), NINE + timedelta(hours=5)], 2, NINE + timedelta(hours=3)),
    ],
    ids=["now", "a cap that is over", "whole minutes", "over at night", "the later", "the earlier"],
)
def test_a_contact_is_possible_when_neither_the_cap_nor_the_hours_are_against_it(frees, limit, opens):
    assert first_open(asked_of(frees, limit), NINE, frees) == opens


def test_what_the_clock_does_not_end_has_no_time():
    assert first_open(asked_of([], other="DNC_INTERNAL"), NINE, []) is None
    assert first_open(asked_of([NINE + timedelta(hours=1)]), NINE, []) is None, "nobody knows when the cap is over"


def test_a_whole_moment_stays_and_any_other_is_the_next_whole_one():
    assert whole(NINE) == NINE
    assert whole(NINE + timedelta(microseconds=1)) == NINE + timedelta(minutes=5)
