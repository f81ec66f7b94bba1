"""Columns that say how old somebody is without a birth date: "Age", "Minor", "Edad", "Year of Birth".

They are not read as anything: an adult's pass, and a row that speaks of a minor is kept aside.
"""

import re
from datetime import date

from ops.imports.reading.answers import read_permission, read_yes
from ops.imports.reading.records import Unclear, halfwidth
from ops.practices.age import ADULT_YEARS, is_minor

_AGE = re.compile(r"(current|patient|client)?age(years|yrs|inyears)?|edad|edadanos")
_MINOR = re.compile(r"(is)?(a)?(minor|underage|under18)(flag|yn)?|(es)?menor(deedad)?|(is)?(child|pediatric)(patient)?")
_GROWN = re.compile(r"(is)?(an?)?(adult|over18|18plus|18orover|18orolder)(flag|yn)?|(es)?mayordeedad")
_YEAR = re.compile(r"yearofbirth|birthyear|yob|yearborn|anodenacimiento")
_YEARS_OF_BIRTH = re.compile(r"(?:19|20)\d\d(?:\.0+)?$", re.A)
_GROUP = re.compile(r"(patient|client|customer|person|age)(type|category|group|class)")
_YOUNG = re.compile(
    r"minors?|child(ren)?|pa?ediatrics?|peds?|infant|teen(ager)?|adolescent|menor(es)?( de edad)?|under ?18", re.I
)
_YEARS = re.compile(r"(\d{1,3})(?:\.\d+)?\s*(?:\+|y|yo|y/o|yrs?|years?( old)?|anos?|años?)?\.?", re.I)
_MONTHS = re.compile(
    r"\d{1,3}\s*(?:m|mos?|months?|mes|meses|d|days?|dias?|días?|w|wks?|weeks?|semanas?)( old)?\.?", re.I
)

_GUARDIAN = re.compile(
    r"(legal|patient|client|minor|child|primary)?(parents?|guardians?|parents?(or|and)?(legal)?guardians?|mother|father"
    r"|padre|madre|tutor(legal)?|padreotutor|madreotutor|padresotutores|responsablelegal)s?"
    r"(full|first|last|contact)?(name|nombre|phone|mobile|cell|email|signature|contact|telefono)?[12]?"
)
_NOBODY = {"", "no", "n", "none", "n/a", "na", "self", "same", "null", "-", "--", "0", "false", "adult", "patient", "x"}
_NOBODY |= {"ninguno", "ninguna", "not applicable", "unknown", "."}


def of_a_guardian(name: str) -> bool:
    """Whether the column under the plain header `name` names a parent or guardian."""
    return _GUARDIAN.fullmatch(name) is not None


def names_a_guardian(text: str) -> bool:
    """Whether a cell of such a column names somebody: an adult patient has none."""
    return text.strip().casefold() not in _NOBODY


def speaks_of_age(name: str) -> bool:
    """Whether the column under the plain header `name` says how old somebody is."""
    return any(pattern.fullmatch(name) for pattern in (_AGE, _MINOR, _GROWN, _YEAR, _GROUP))


def says_minor(name: str, text: str, today: date) -> bool:
    """Whether a cell under the plain header `name` speaks of a minor, or of somebody who may be one. An age that
    cannot be read says nothing; a flag that cannot be read may."""
    text = halfwidth(text.strip())
    try:
        if _MINOR.fullmatch(name):
            return read_yes(text)
        if _GROWN.fullmatch(name):
            return read_permission(text) is False
    except Unclear:
        return True
    if _YEAR.fullmatch(name):
        return bool(_YEARS_OF_BIRTH.match(text)) and is_minor(date(int(text[:4]), 12, 31), today)
    if _MONTHS.fullmatch(text) or _YOUNG.fullmatch(text):
        return True
    years = _YEARS.fullmatch(text) if _AGE.fullmatch(name) else None
    return years is not None and int(years[1]) < ADULT_YEARS
