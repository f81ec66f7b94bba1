"""Whether a column of dates has the day or the month first, decided once, over the whole file.

Row by row, 31/12/1985 would be refused and 03/04/1990 beside it silently swapped: a birthday moved by months makes a
minor contactable.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ops.imports.reading.dates import Order
from ops.imports.reading.fields import Field
from ops.imports.reading.recognising import Profile
from ops.imports.reading.records import Record

DATES = (Field.BIRTH_DATE, Field.DEATH_DATE, Field.HAPPENED)
ENOUGH = 2
"""Dates that can only have the day first, before a column is believed to write it so. A single one may be a slip."""
_NUMBERS = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-](?:\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"\d{4}-(\d\d)-(\d\d)")


def orders_of(
    columns: Sequence[str], profile: Profile, records: Iterable[Record], excel: bool = False
) -> dict[Field, Order]:
    """The order of each field that holds dates, where it is not month first. `excel`: plain ISO dates are Excel's own,
    made by a program that may have taken days for months."""
    wanted = [(place, field) for place, field in enumerate(map(profile.field_of, columns)) if field in DATES]
    if not wanted:
        return {}
    counts: dict[Field | None, Counter[str]] = {field: Counter() for _, field in wanted}
    for _, cells, problem in records:
        if not problem:
            for place, field in wanted:
                text = cells[place]
                if text and (excel or text[4:5] != "-"):
                    counts[field][_reading(text)] += 1
    orders = {field: _order(found) for field, found in counts.items() if field}
    return {field: order for field, order in orders.items() if order is not Order.MONTH_FIRST}


@lru_cache(maxsize=1 << 14)
def _reading(text: str) -> str:
    """Which orders a date allows: "day", "month", "either"; "moved" and "stays" are Excel's own dates by whether their
    day could be a month; "" for anything else."""
    if found := _ISO.match(text):
        return "moved" if int(found[2]) <= 12 else "stays"
    found = _NUMBERS.match(text)
    if not found:
        return ""
    one, other = int(found[1]), int(found[2])
    if one == other:
        return ""
    return "either" if max(one, other) <= 12 else "day" if one > other else "month"


def _order(found: Counter[str]) -> Order:
    if not found["day"]:
        return Order.MONTH_FIRST
    if found["month"] or (found["moved"] and not found["stays"]):
        return Order.UNCLEAR
    if found["day"] >= ENOUGH:
        return Order.DAY_FIRST
    return Order.UNCLEAR if found["either"] else Order.MONTH_FIRST
