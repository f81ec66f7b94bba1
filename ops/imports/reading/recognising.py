"""Which system wrote a file and what its columns are, told by the headers.

Known exports are recognized by a few headers only they have together (docs/rules.md, "Column headers seen in real
exports"); anything else is read by the names of its columns, or by a mapping a person saved. Columns that mean nothing
to us are dropped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.imports.reading.attendance import DECISIVE
from ops.imports.reading.dates import Order
from ops.imports.reading.fields import SYNONYMS, Field, plain
from ops.imports.reading.permission_headers import by_words, must_be_asked, of_a_visit
from ops.imports.reading.tables import not_ours, of_visits

PATIENTS, VISITS, BOTH, IGNORED = "patients", "visits", "both", "ignored"
KINDS = {
    PATIENTS: "patients",
    VISITS: "visits",
    BOTH: "patients and their visits",
    IGNORED: "neither patients nor visits: not read",
}
"""What a file was taken for, in words."""


@dataclass(frozen=True)
class Profile:
    """How a file is read. `columns` maps the plain header (or "column 3") to a field; `kind` is one of the above."""

    name: str
    kind: str
    columns: Mapping[str, Field]
    headerless: bool = False
    milestone: str = "treatment_completed"
    """What a dated row is: "treatment_completed" or "visit"."""
    unused: tuple[str, ...] = ()
    """Plain headers of which a person said that they mean nothing to us."""
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
        columns = {name: str(meaning) for name, meaning in self.columns.items()}
        return asdict(self) | {"columns": columns, "unused": list(self.unused)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Profile":
        """Raises ValueError for an unknown field and KeyError for a missing part."""
        columns = {str(name): Field(meaning) for name, meaning in stored["columns"].items()}
        milestone = stored.get("milestone") or _milestone(columns)
        dates = {Field(each): Order(order) for each, order in (stored.get("dates") or {}).items()}
        unused = tuple(stored.get("unused") or ())
        return cls(stored["name"], stored["kind"], columns, bool(stored.get("headerless")), milestone, unused, dates)


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
    _known("synthea-medications", "start patient payer encounter code description dispenses", IGNORED),
    _known("synthea-devices", "start patient encounter code description udi", IGNORED),
    _known("synthea-supplies", "date patient encounter code description quantity", IGNORED),
    _known("synthea-claims", "id patientid providerid primarypatientinsuranceid", IGNORED),
    _known("synthea-claims-transactions", "id claimid chargeid patientid", IGNORED),
    _known("synthea-payers", "id name address city stateheadquartered zip phone", IGNORED),
    _known("synthea-payer-transitions", "patient startyear endyear payer", IGNORED),
    _known(
        "synthea-procedures",
        "start patient encounter code description basecost",
        VISITS,
        start=Field.HAPPENED,
        patient=Field.EXTERNAL_ID,
        description=Field.TREATMENT,
    ),
    _known(
        "synthea-procedures",
        "date patient encounter code description basecost reasoncode",
        VISITS,
        date=Field.HAPPENED,
        patient=Field.EXTERNAL_ID,
        description=Field.TREATMENT,
    ),
    _known("synthea-conditions, allergies or care plans", "start patient encounter code description", IGNORED),
    _known("synthea-observations or immunizations", "date patient encounter code description", IGNORED),
    _known("synthea-imaging studies", "id date patient encounter seriesuid", IGNORED),
    _known("synthea-organizations", "id name lat lon revenue utilization", IGNORED),
    _known("boulevard", "appointmentid clientid appointmentdate cancelledat state", state=Field.VISIT_STATUS),
    _known("jane", "patientguid treatmentname startat state noshow", state=Field.VISIT_STATUS),
    _known("acuity", "starttime endtime firstname lastname type calendar", BOTH, type=Field.TREATMENT),
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
    other = None if known.kind else not_ours(names, columns)
    if other:
        return Profile(other, IGNORED, {})
    milestone = known.milestone or _milestone(columns)
    return Profile(known.name, known.kind or _kind(columns), columns, milestone=milestone)


def mapped(name: str, columns: Mapping[str, Field], headerless: bool = False, unused: Sequence[str] = ()) -> Profile:
    """The profile of a mapping a person made: plain header (or "column 3") to field; `unused` were said to be
    nothing."""
    return Profile(name, _kind(columns), columns, headerless, _milestone(columns), tuple(unused))


def _milestone(columns: Mapping[str, Field]) -> str:
    return "treatment_completed" if Field.TREATMENT in columns.values() else "visit"


def _meanings(names: Sequence[str], special: Mapping[str, Field | None], by_kind: str | None) -> dict[str, Field]:
    if by_kind == IGNORED:
        return {}
    found = {name: special[name] if name in special else SYNONYMS.get(name) or by_words(name) for name in names}
    columns = {name: meaning for name, meaning in found.items() if meaning}
    if any(meaning is Field.HAPPENED and name not in _STARTS for name, meaning in columns.items()):
        columns = {name: meaning for name, meaning in columns.items() if name not in _STARTS}
    if "patientid" in columns and "id" in columns:  # "id" beside a patient's own number is the row's number
        columns["id"] = Field.VISIT_ID
    if by_kind is None and not of_visits(columns):
        columns = {name: meaning for name, meaning in columns.items() if meaning is not Field.HAPPENED}
    if Field.HAPPENED not in columns.values():
        columns |= dict.fromkeys(_REMOVED.intersection(names) - columns.keys(), Field.DO_NOT_CONTACT)
    return columns | _of_visits(names, columns)


_NAMED = {Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME}
_STARTS = {"start", "starttime", "startat", "startsat", "startdatetime", "startdate"}
"""Beside a date of the visit its hour, or that of something else."""
_REMOVED = {"banned", "isbanned", "deleted", "isdeleted"}
"""Of a patient; a row of a visit that is deleted says nothing of them."""


def _of_visits(names: Sequence[str], columns: Mapping[str, Field]) -> dict[str, Field]:
    """What only means something beside a date. A bare "Status" is the visit's where rows are visits, and the patient's
    in a list of patients with their last ones."""
    dates = [name for name, meaning in columns.items() if meaning is Field.HAPPENED]
    if _is_status(names, columns, dates):
        return _of_visits([name for name in names if name != "state"], columns) | {"state": Field.VISIT_STATUS}
    found = {name: of_a_visit(name) for name in names if name not in columns} if dates else {}
    status = Field.VISIT_STATUS if dates and not all(name.startswith("last") for name in dates) else Field.STATUS
    return {name: meaning for name, meaning in found.items() if meaning} | dict.fromkeys(
        [name for name in names if name == "status"], status
    )


def _is_status(names: Sequence[str], columns: Mapping[str, Field], dates: Sequence[str]) -> bool:
    """Whether "State" says what became of a visit: where the rows have no people of their own, nobody lives there."""
    meanings = set(columns.values())
    visits = {Field.TREATMENT, Field.VISIT_ID} & meanings
    return bool("state" in names and dates and visits and _NAMED.isdisjoint(meanings))


def _kind(columns: Mapping[str, Field]) -> str:
    meanings = set(columns.values())
    named = bool(meanings & _NAMED)
    if Field.HAPPENED not in meanings:
        return PATIENTS
    return VISITS if Field.EXTERNAL_ID in meanings and not named else BOTH


def may_refuse(header: str, profile: Profile) -> bool:
    """Whether a column may hold a refusal, a permission, a status or a death, and nothing tells what it says of it."""
    name, dated = plain(header), Field.HAPPENED in profile.columns.values()
    if profile.kind == IGNORED or profile.headerless or name in profile.columns:
        return False
    left_out = SYNONYMS.get(name) or by_words(name) or (of_a_visit(name) if dated else None)
    return left_out in DECISIVE or must_be_asked(name, dated)


def to_ask(headers: Sequence[str], profile: Profile) -> list[str]:
    """The columns that may refuse, and of which nobody has said yet what they are."""
    return [header for header in headers if plain(header) not in profile.unused and may_refuse(header, profile)]


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
