"""What is typed by hand about a practice or a person."""

import pytest

from ops.errors import Refused
from ops.practices import checks


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("(312) 555-0101", "+13125550101"),
        ("+1 312 555 0101", "+13125550101"),
        ("+44 20 7946 0958", "+442079460958"),
        ("011 44 20 7946 0958", "+442079460958"),
        (" ", ""),
    ],
)
def test_a_number_typed_by_hand_is_kept_as_the_one_it_is(typed, number):
    assert checks.phone(typed) == number


@pytest.mark.parametrize(
    "typed", ["0000000000", "555-2368", "+4912", "2125 Main St", "212-2671 Bob", "1-800-FLOWERS", "55 1234 5678", "x"]
)
def test_what_nobody_can_dial_is_refused_with_a_sentence(typed):
    with pytest.raises(Refused, match="no number that can be dialled"):
        checks.phone(typed)


def test_a_home_may_be_an_overseas_post_or_not_readable_and_a_practice_may_not():
    assert [checks.home_state(state) for state in ("tx", "AE", "PW", "??")] == ["TX", "AE", "PW", "??"]
    with pytest.raises(Refused, match="no US state"):
        checks.home_state("ZZ")
    with pytest.raises(Refused, match="no US state"):
        checks.state("AE")
