"""What the cells say of a visit: whether it took place.

A word that is not known raises Unclear and its row is kept aside: nothing is taken for a treatment because nobody knew
better.
"""

import re
from functools import lru_cache

from ops.imports.reading.answers import FLAGS, NO, day_if_dated, read_yes
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.records import Unclear

OUTCOMES = (Field.VISIT_STATUS, Field.VISIT_CANCELLED, Field.VISIT_DONE)
"""Columns that say whether a visit took place; all of them must agree."""
DECISIVE = {*FLAGS, *OUTCOMES, Field.STATUS, Field.DECEASED, Field.DEATH_DATE}
"""Columns nobody leaves out without saying so."""

_PARTICIPLES = "completad realizad atendid finalizad terminad cumplid efectuad pagad cerrad concluid"
_DONE = {"complete", "completed", "done", "arrived", "finished", "closed", "paid", "showed", "seen", "fulfilled"}
_DONE |= {"attended", "checkedout", "checkout", "show", "treated", "performed", "servicecompleted", "final", "kept"}
_DONE |= {word + end for word in _PARTICIPLES.split() for end in "oa"} | {"asistio", "acudio", "vino", "concluyo"}
_NOT_DONE = re.compile(
    r"cancel|no_?show|didnotshow|notshow|resched|pending|book|schedul|confirm|request|tentative|broken|missed|planned"
    r"|wait|hold|deleted|void|declin|reject|expired|upcoming|invited|notarrived|checkedin|inprogress|incomplete|abandon"
    r"|notcomplete|didnotattend|notattend|dna|checkin|accepted|denied|absent|archived|refund|notperformed|notdone"
    r"|noasisti|noacudi|novino|nosepresent|nollego|ausen|falto|anulad|reprogram|programad|pendiente|agendad|reservad"
    r"|espera|perdid|pospuest|aplazad|rechazad|encurso|enproceso|borrad|elimin|suspendid|solicitad|llegotarde$"
    rf"|no({_PARTICIPLES.replace(' ', '|')})"
)
_DOUBLE_NO = re.compile(r"not(cancel|noshow|resched|pending|missed)")
_DONE_BY_NUMBER = {"1": False, "2": True, "3": False, "5": False, "6": False, "7": False, "8": False}
"""Open Dental: 1 scheduled, 2 complete, 3 unscheduled, 5 broken, 6 planned, 7 and 8 notes."""


_CALLED_OFF = re.compile(
    r"\b(cancel|no[ -]?show|resched|missed app|did not show|anulad|no (se )?(asisti|acudi|present)|reprogramad)", re.I
)


@lru_cache(maxsize=1 << 12)
def names_no_treatment(treatment: str) -> bool:
    """Whether a description says by itself that nothing was done ("CANCELLED - Botox", "No Show Fee")."""
    return _CALLED_OFF.search(treatment) is not None


def speaks_of_a_visit(text: str) -> bool:
    """Whether a cell is what a status of a visit says ("CANCELLED", "Final"): no state of the Union is."""
    word = plain(text) if text.strip() else ""
    return word in _DONE or _NOT_DONE.match(word) is not None


@lru_cache(maxsize=1 << 10)
def took_place(field: Field, name: str, text: str) -> bool | None:
    """Whether a visit took place, by one of OUTCOMES under the plain header `name`; None when it does not say.

    Raises Unclear for a word that is not known, and for no word where a status is due.
    """
    if field is Field.VISIT_CANCELLED:
        return _called_off(name, text)
    held = _by_status(name, text)
    if field is Field.VISIT_DONE:
        return read_yes(text) if held is None else held
    if held is None:
        raise Unclear(f"{text.strip()[:60]!r} is no status of a visit that is known" if text.strip() else "no status")
    return held


def _by_status(name: str, text: str) -> bool | None:
    word = plain(text) if text.strip() else ""
    if name == "aptstatus" and word in _DONE_BY_NUMBER:
        return _DONE_BY_NUMBER[word]
    if _DOUBLE_NO.search(word):
        return None
    if _NOT_DONE.search(word):
        return False
    parts = [plain(part) for part in re.split(r"[/,;()&]| - ", text) if part.strip()]
    return True if parts and set(parts) <= _DONE else None


_AMOUNT = re.compile(r"(?:usd|us\$|\$)?\s?(\d[\d,]*(?:\.\d+)?)(?:\s?usd)?")


def _called_off(name: str, text: str) -> bool | None:
    word = text.strip().casefold()
    if "fee" in name and (amount := _AMOUNT.fullmatch(word)):  # whoever is charged for not coming did not come
        return False if amount[1].strip("0.,") else None
    if name.endswith(("by", "reason", "type")):
        return None if word in NO or word == "n/a" else False
    if _NOT_DONE.search(plain(text) if word else "") and not _DOUBLE_NO.search(plain(text)):
        return False
    return False if read_yes(day_if_dated(name, text)) else None
