"""Which system wrote a file and what its columns are, told by the headers.

Known exports are recognised by a few headers only they have together (docs/rules.md, "Column headers seen in real
exports"); anything else is read by the names of its columns, or by a mapping a person saved. Columns that mean nothing
to us are dropped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.imports.reading.dates import Order
from ops.imports.reading.fields import SYNONYMS, Field, plain

PATIENTS, VISITS, BOTH, IGNORED = "patients", "visits", "both", "ignored"


@dataclass(frozen=True)
class Profile:
    """How a file is read. `columns` maps the plain header (or "column 3") to a field; `kind` is one of the above."""

    name: str
    kind: str
    columns: Mapping[str, Field]
    headerless: bool = False
    milestone: str = "treatment_completed"
    """What a dated row is: "treatment_completed" or "visit"."""
    dates: Mapping[Field, Order] = field(default_factory=dict)
    """The order of day and month where the file at hand does not write the month first."""

    def field_of(self, header: str) -> Field | None:
        """What the column under this header means; None when it is dropped."""
        return self.columns.get(header if self.headerless else plain(header))

    def orders_by_place(self, columns: Sequence[str]) -> dict[int, Order]:
        """`dates` by the place of the column."""
        fields = enumerate(map(self.field_of, columns))
        return {place: self.dates[each] for place, each in fields if each and each in self.dates}

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": {name: str(meaning) for name, meaning in self.columns.items()}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Profile":
        """Raises ValueError for an unknown field and KeyError for a missing part."""
        columns = {str(name): Field(meaning) for name, meaning in stored["columns"].items()}
        milestone = stored.get("milestone") or _milestone(columns)
        dates = {Field(each): Order(order) for each, order in (stored.get("dates") or {}).items()}
        return cls(stored["name"], stored["kind"], columns, bool(stored.get("headerless")), milestone, dates)


@dataclass(frozen=True)
class _Known:
    name: str
    signature: frozenset[str]
    kind: str | None = None
    milestone: str | None = None
    meanings: Mapping[str, Field | None] = field(default_factory=dict)


def _known(
    name: str, signature: str, kind: str | None = None, milestone: str | None = None, **meanings: Field | None
) -> _Known:
    return _Known(name, frozenset(signature.split()), kind, milestone, meanings)


KNOWN = (
    _known("synthea-patients", "id birthdate deathdate ssn first last", PATIENTS),
    _known(
        "synthea-encounters",
        "id start stop patient encounterclass",
        VISITS,
        "visit",
        id=Field.VISIT_ID,
        start=Field.HAPPENED,
        patient=Field.EXTERNAL_ID,
        description=Field.TREATMENT,
    ),
    _known(
        "synthea-procedures",
        "start patient encounter code description",
        VISITS,
        start=Field.HAPPENED,
        date=Field.HAPPENED,
        patient=Field.EXTERNAL_ID,
        description=Field.TREATMENT,
    ),
    _known("synthea-organizations", "id name lat lon revenue utilization", IGNORED),
    _known("open-dental", "patnum lname fname"),
    _known("fresha", "clientid firstname lastname mobilenumber blocked"),
    _known("mindbody", "firstname lastname mobilephone sendpromotionalemails"),
    _known("mindbody", "firstname lastname mobilephone isprospect"),
    _known("med-spa-visits", "clientid apptdate apptservic"),
    _known("med-spa-visits", "clientid apptdate apptservice"),
    _known("med-spa-clients", "clientid firstname lastname cellphone homephone"),
)
"""Looked through in this order; the first whose signature is among the headers."""

NAMES = tuple(dict.fromkeys(known.name for known in KNOWN))


def recognise(headers: Sequence[str], wanted: str | None = None) -> Profile:
    """The profile of a known system (`wanted` by name, if given), or the best guess by the names of the columns.

    Raises KeyError when `wanted` is no known profile.
    """
    names = [plain(header) for header in headers]
    candidates = [known for known in KNOWN if wanted in (None, known.name)]
    if wanted and not candidates:
        raise KeyError(wanted)
    known = next((known for known in candidates if known.signature <= set(names)), None)
    known = known or (candidates[0] if wanted else _Known("by column names", frozenset()))
    columns = _meanings(names, known.meanings, by_kind=known.kind)
    milestone = known.milestone or _milestone(columns)
    return Profile(known.name, known.kind or _kind(columns), columns, milestone=milestone)


def mapped(name: str, columns: Mapping[str, Field], headerless: bool = False) -> Profile:
    """The profile of a mapping a person made: plain header (or "column 3") to field."""
    return Profile(name, _kind(columns), columns, headerless, _milestone(columns))


def _milestone(columns: Mapping[str, Field]) -> str:
    return "treatment_completed" if Field.TREATMENT in columns.values() else "visit"


def _meanings(names: Sequence[str], special: Mapping[str, Field | None], by_kind: str | None) -> dict[str, Field]:
    if by_kind == IGNORED:
        return {}
    found = {name: special[name] if name in special else SYNONYMS.get(name) for name in names}
    columns = {name: meaning for name, meaning in found.items() if meaning}
    if "patientid" in columns and "id" in columns:  # "id" beside a patient's own number is the row's number
        columns["id"] = Field.VISIT_ID
    return columns


def _kind(columns: Mapping[str, Field]) -> str:
    meanings = set(columns.values())
    named = bool(meanings & {Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME})
    if Field.HAPPENED not in meanings:
        return PATIENTS
    return VISITS if Field.EXTERNAL_ID in meanings and not named else BOTH


def missing(profile: Profile) -> list[str]:
    """What the file lacks to be of use, in plain words; empty when it can be read."""
    if profile.kind == IGNORED:
        return []
    meanings = set(profile.columns.values())
    if profile.kind == VISITS:
        needed = {"the patient's number": {Field.EXTERNAL_ID}, "the date of the visit": {Field.HAPPENED}}
    else:
        needed = {"a name": {Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME}}
    return [words for words, any_of in needed.items() if not meanings & any_of]


_DATA = re.compile(r"[^@\s]+@[^@\s]+\.\w+|[\d\s()+./:-]{5,}|\d+")
_SURELY_DATA = re.compile(r"[^@\s]+@[^@\s]+\.\w+|[\d\s()+./:TZ-]{7,}")


def looks_like_data(cells: Sequence[str]) -> bool:
    """True for a first row that holds values (addresses, numbers, dates) instead of the names of columns."""
    return any(_DATA.fullmatch(cell.strip()) for cell in cells if cell.strip())


def likeness_to_header(cells: Sequence[str]) -> int:
    """How many of these cells are names of columns we know; addresses, dates and phone numbers count against it."""
    names = {plain(cell) for cell in cells}
    signature = max((len(known.signature) for known in KNOWN if known.signature <= names), default=0)
    known = max(signature, sum(name in SYNONYMS for name in names))
    return known - 2 * sum(_SURELY_DATA.fullmatch(cell.strip()) is not None for cell in cells if cell.strip())
