"""By what a person and a visit are recognized in the next file."""

import re
from datetime import date
from hashlib import blake2b

from ops.imports.reading.records import Unclear

MAX_ID = 200
SAME_WORDS = "w:"
"""Begins the keys made of words since capitals count for nothing in them; older ones begin with nothing."""
_FLOAT = re.compile(r"(?<!\d)(\d+)\.0+$", re.ASCII)
"""A number as a spreadsheet writes one it takes for a measure."""


def made_up_id(person: str, born: date | None, contact: str | None) -> str:
    """A key for a person whose file has no numbers: name and birth date, or name and contact.

    Raises Unclear when there is neither: two people of one name would become one.
    """
    if born is None and not contact:
        raise Unclear("too little to tell who this is: no number, birth date, phone or email")
    whole = person if born else f"{person}{contact}"
    return "~" + blake2b(whole.encode(), digest_size=10).hexdigest()


def visit_key(visit_id: str, kind: str, when: str, treatment: str) -> str:
    """What makes a milestone the same one in the next file: its number there (a visit may hold several treatments), or
    kind, time and description, in capitals or not. Hashed: a description is more than an agent may see."""
    visit_id = _FLOAT.sub(r"\1", visit_id)
    if visit_id and kind == "visit":
        return f"id:{visit_id}" if len(visit_id) <= MAX_ID else f"id:{_short(visit_id)}"
    same = f"{kind}|{when}|{' '.join(treatment.casefold().split())}"
    return f"id:{_short(visit_id + '|' + treatment)}" if visit_id else SAME_WORDS + _short(same)


def visit_of(visit_id: str, kind: str) -> str:
    """What the treatments of one visit share, whatever they are called in the next file; empty without a number."""
    return "" if kind == "visit" or not visit_id else _short(_FLOAT.sub(r"\1", visit_id))


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=10).hexdigest()
