"""One patient's number in different writings: 00101, 101 and 101.0 are what spreadsheets make of one another.

A patient keeps the number as it was written first. Those that are not written plainly are few, and have an index of
their own, so nothing is paid for all the others.
"""

import re
from collections.abc import Iterable

from psycopg import Cursor

from ops.practices.models import SAME_ID

_NUMBER = re.compile(r"0*([1-9]\d*|0)(?:\.0+)?", re.ASCII)


def same_id(number: str) -> str:
    """What all writings of a number share (`SAME_ID` says the same in SQL)."""
    found = _NUMBER.fullmatch(number)
    return found[1] if found else number


def written_otherwise(cursor: Cursor, practice_id: int, numbers: Iterable[str]) -> dict[str, str]:
    """Those of these numbers that stand for a patient of the practice in another writing, with that writing."""
    plain = {number: same_id(number) for number in numbers}
    odd = [same for number, same in plain.items() if number != same]
    cursor.execute(_KNOWN, {"practice": practice_id, "all": list(set(plain.values())), "odd": odd})
    there: dict[str, list[str]] = {}
    for known, same in cursor:
        there.setdefault(same, []).append(known)
    return {number: there[same][0] for number, same in plain.items() if same in there and number not in there[same]}


_KNOWN = f"""
SELECT external_id, {SAME_ID} FROM patients
WHERE practice_id = %(practice)s AND external_id <> {SAME_ID} AND {SAME_ID} = ANY(%(all)s)
UNION ALL
SELECT external_id, external_id FROM patients WHERE practice_id = %(practice)s AND external_id = ANY(%(odd)s)
ORDER BY 1
"""  # noqa: S608 (our own words)
