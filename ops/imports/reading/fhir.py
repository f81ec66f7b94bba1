"""Patients, encounters and procedures of a FHIR R4 Bundle, read entry by entry.

Everything else in a bundle (observations, claims, notes) is passed over and never kept. The bundle is read through once
when it is opened: broken JSON, another FHIR version or something that is no bundle is refused before anything is
stored. `line` of what comes out is the number of the entry, from 1.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import cached_property, partial
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import ijson

from ops.imports.reading.cleaning import left_out, local_moment
from ops.imports.reading.dates import birth_date, past_date, read_stamp
from ops.imports.reading.fhir_refusals import refused_by, refusing_extension
from ops.imports.reading.fhir_versions import other_version
from ops.imports.reading.keys import visit_key
from ops.imports.reading.phones import read_phone
from ops.imports.reading.records import (
    BadRow,
    GoodRow,
    LeftOut,
    LeftOutRow,
    MilestoneRecord,
    PatientRecord,
    Unclear,
    Unreadable,
    reason_of,
)
from ops.imports.reading.values import read_email, read_home, read_language, read_name, same_name, split_name

Resource = dict[str, Any]
MILESTONES = {"Encounter": ("visit", "finished"), "Procedure": ("treatment_completed", "completed")}
NOT_HELD = {"arrived", "triaged", "in-progress", "onleave", "cancelled", "entered-in-error", "unknown"}
NOT_HELD |= {"planned", "preparation", "not-done", "on-hold", "stopped"}
"""What else R4 calls the status of an Encounter or a Procedure; any other word is quarantined."""
PHONE_ORDER = ("mobile", "", "home", "work", "temp")
READ = {"resourceType", "id", "status", "name", "telecom", "birthDate", "deceasedDateTime", "deceasedBoolean"}
READ |= {
    "active",
    "link",
    "address",
    "communication",
    "subject",
    "period",
    "type",
    "code",
    "performedDateTime",
    "performedPeriod",
}
"""The elements we read; a wrong resource is quarantined with these alone, without its notes and its SSN."""
MAX_KEPT = 100_000
"""Characters of a wrong resource that are kept in quarantine."""
_PERIOD = re.compile(r"\d{4}(?:-\d\d(?:-\d\d.*)?)?", re.S)
MAX_DEPTH = 100
"""Lists and objects within each other. The parser keeps the path to each: 400 KB of brackets took 23 GB, measured."""
MAX_MERGES = 10
"""Of one record into the next."""
MAX_VALUES = 500_000
"""Keys, values and brackets of one entry, which is in memory whole."""


BLOCK = 1 << 20
"""Bytes the parser is given at once. It begins a text anew with each: in small ones a text of 100 MB took 95 s."""


class Bundle:
    """An R4 Bundle. `kinds` counts its resources, `patients()` then `milestones()` are what it says about patients.

    Raises Unreadable when it is no such thing.
    """

    format = "fhir"

    def __init__(self, stream: BinaryIO, name: str):
        self._stream = stream
        self.name = name
        self.kinds: Counter[str] = Counter()
        self._ids: dict[str, str] = {}
        self._merged: dict[str, str] = {}
        self._refused: set[str] = set()
        self._values = 0
        self.notes: list[str] = []
        self._refuse_what_would_fill_memory()
        self._refuse_what_is_no_bundle()
        for number, full_url, resource in self._entries():
            self._look_at(number, full_url, resource)
        if not self.kinds:
            raise Unreadable(f"{name}: the bundle is empty: it has no entries.")
        if not self.rows:
            self.notes.append(
                "Holds no patients, encounters or procedures, only " + ", ".join(sorted(self.kinds)) + "."
            )
        elif others := sorted(self.kinds.keys() - {"Patient", *MILESTONES}):
            self.notes.append("Not read: " + ", ".join(f"{kind} {self.kinds[kind]:,}" for kind in others) + ".")

    @property
    def rows(self) -> int:
        """How many entries say something about patients."""
        return sum(self.kinds[kind] for kind in ("Patient", *MILESTONES))

    def patients(self, today: date) -> Iterator[GoodRow | BadRow | LeftOutRow]:
        """The Patient entries. `today` is the practice's day."""
        for number, full_url, resource in self._entries():
            if resource.get("resourceType") == "Patient":
                external_id = patient_id(resource, full_url)
                if external_id in self._merged:  # understood, and nothing of it is stored: its successor is the patient
                    yield GoodRow(number, external_id, None, None, (), 0, _kept(resource))
                else:
                    yield _row(number, resource, partial(self._person, resource, number, external_id, today))

    @cached_property
    def _refusing(self) -> set[str]:
        return {self._patient_of(reference) for reference in self._refused}

    def _person(self, resource: Resource, number: int, external_id: str, today: date) -> GoodRow:
        if external_id in self._refusing:
            raise Unclear("a Flag or a Consent in the bundle says that they refuse something")
        return _patient(resource, number, external_id, today)

    def milestones(self, zone: str, today: date) -> Iterator[GoodRow | BadRow | LeftOutRow]:
        """The Encounters and Procedures; one that was not finished is left out. `zone`, `today`: the practice's."""
        here = ZoneInfo(zone)
        for number, _, resource in self._entries():
            if resource.get("resourceType") in MILESTONES:
                yield _row(number, resource, partial(self._milestone, resource, number, here, today))

    def _refuse_what_would_fill_memory(self) -> None:
        depth = values = 0
        self._rewind()
        parsed = ijson.basic_parse(self._stream, use_float=True, buf_size=BLOCK, multiple_values=True)
        for event, _ in self._guarded(parsed):
            if event in ("start_map", "start_array"):
                depth += 1
                if depth > MAX_DEPTH:
                    raise Unreadable(f"{self.name}: nested deeper than {MAX_DEPTH} levels; no FHIR Bundle is.")
            elif event in ("end_map", "end_array"):
                depth -= 1
                self._values += depth == 0
            values = values + 1 if depth > 2 else 0  # the bundle, its list of entries, an entry
            if values > MAX_VALUES:
                raise Unreadable(f"{self.name}: one entry holds more than {MAX_VALUES:,} values; no resource does.")

    def _refuse_what_is_no_bundle(self) -> None:
        if self._values > 1:
            return
        kind = next((value for at, _, value in self._events() if at == "resourceType"), None)
        if kind is None:
            raise Unreadable(f"{self.name}: this is JSON, but no FHIR Bundle: there is no resourceType at its top.")
        if kind != "Bundle":
            raise Unreadable(f"{self.name}: this is a FHIR {kind}; a Bundle of an R4 server is read.")

    def _events(self) -> Iterator[tuple[str, str, Any]]:
        self._rewind()
        yield from self._guarded(ijson.parse(self._stream, use_float=True, buf_size=BLOCK))

    def _entries(self) -> Iterator[tuple[int, str, Resource]]:
        if self._values > 1:
            yield from self._lines()
            return
        self._rewind()
        entries = self._guarded(ijson.items(self._stream, "entry.item", use_float=True, buf_size=BLOCK))
        for number, entry in enumerate(entries, 1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                yield number, str(entry.get("fullUrl") or ""), resource

    def _lines(self) -> Iterator[tuple[int, str, Resource]]:
        """The resources of an NDJSON file, one after the other."""
        self._rewind()
        found = ijson.items(self._stream, "", use_float=True, buf_size=BLOCK, multiple_values=True)
        for number, resource in enumerate(self._guarded(found), 1):
            if not isinstance(resource, dict) or resource.get("resourceType") in (None, "Bundle"):
                raise Unreadable(
                    f"{self.name}: value number {number} of this JSON is no resource of FHIR; several values in a file "
                    "are read as NDJSON, one resource each."
                )
            yield number, "", resource

    def _rewind(self) -> None:
        self._stream.seek(0)
        if self._stream.read(3) != codecs.BOM_UTF8:
            self._stream.seek(0)

    def _guarded(self, events: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from events
        except (
            ijson.JSONError,
            ValueError,
            OverflowError,
        ) as problem:  # broken UTF-8 and endless numbers are ValueErrors
            what = (
                str(problem).splitlines()[0][:100] if isinstance(problem, ijson.JSONError) else type(problem).__name__
            )
            raise Unreadable(f"{self.name}: broken JSON, nothing was stored ({what}).") from None

    def _look_at(self, number: int, full_url: str, resource: Resource) -> None:
        kind = str(resource.get("resourceType"))
        self.kinds[kind] += 1
        if refused := refused_by(resource):
            self._refused.add(refused)
        version = other_version(resource)
        if version:
            where = f"entry {number} ({kind} {resource.get('id', '')})".replace(" )", ")")
            raise Unreadable(f"{self.name}, {where}: {version}. Only FHIR R4 is read.")
        if kind == "Patient":
            external_id = patient_id(resource, full_url)
            for reference in (full_url, f"Patient/{resource.get('id')}"):
                self._ids[reference] = external_id
            successor = _successor(resource)
            if successor:
                self._merged[external_id] = successor

    def _milestone(self, resource: Resource, number: int, zone: ZoneInfo, today: date) -> GoodRow | LeftOutRow:
        kind, finished = MILESTONES[resource["resourceType"]]
        status = resource.get("status")
        if status in NOT_HELD:
            return self._not_held(resource, number, kind)
        if status != finished:
            raise Unclear(f"{str(status)[:60]!r} is no status of a visit that is known")
        external_id = self._subject(resource)
        stamp = read_stamp(_when(resource))
        if stamp is None:
            raise Unclear("no date on which it happened")
        day, when = local_moment(stamp, zone, today)
        left_out(day, True, today)
        treatment = _words(resource.get("type") or resource.get("code"))
        key = visit_key(str(resource.get("id") or ""), kind, when, treatment)
        milestone = MilestoneRecord(number, external_id, kind, day, treatment, key)
        kept = _kept(resource, external_id + treatment + key)
        return GoodRow(number, external_id, None, milestone, (), 0, kept)

    def _not_held(self, resource: Resource, number: int, kind: str) -> GoodRow | LeftOutRow:
        """With whose it is, where that can be told: it may have been finished in an earlier bundle. Its day is none."""
        try:
            external_id = self._subject(resource)
        except Unclear:
            external_id = ""
        if not external_id or not resource.get("id"):
            return LeftOutRow(number, LeftOut.NOT_HELD)
        treatment = _words(resource.get("type") or resource.get("code"))
        key = visit_key(str(resource["id"]), kind, "", treatment)
        milestone = MilestoneRecord(number, external_id, kind, date.min, treatment, key)
        kept = _kept(resource, external_id + treatment + key)
        return GoodRow(number, external_id, None, milestone, (), 0, kept, left_out=LeftOut.NOT_HELD)

    def _subject(self, resource: Resource) -> str:
        reference = str((resource.get("subject") or {}).get("reference") or "")
        if not reference:
            raise Unclear("no reference to a patient (subject)")
        external_id = self._patient_of(reference)
        for _ in range(MAX_MERGES):
            if external_id not in self._merged:
                return external_id
            external_id = self._patient_of(self._merged[external_id])
        raise Unclear("its patient was merged in a circle")

    def _patient_of(self, reference: str) -> str:
        known = self._ids.get(reference) or self._ids.get(reference.split("/_history")[0])
        if known:
            return known
        last = reference.rpartition("|" if "?identifier=" in reference else "/")[2]
        return self._ids.get(f"Patient/{last}") or last.removeprefix("urn:uuid:")


def _row(number: int, resource: Resource, read: Callable[[], GoodRow | LeftOutRow]) -> GoodRow | BadRow | LeftOutRow:
    try:
        return read()
    except Exception as problem:  # whatever a resource makes us raise costs that resource, never the load
        reason = reason_of(problem) if isinstance(problem, (Unclear, MemoryError)) else "not built as FHIR R4 says"
        where = f"entry {number}, {resource.get('resourceType')} {resource.get('id', '')}".strip()
        return BadRow(number, _kept(resource), (f"{where}: {reason}",))


def _kept(resource: Resource, stored: str = "") -> list[str]:
    """What we read of the resource, as one cell. Raises Unclear when `stored`, what we would store, is no text."""
    if "\0" in stored or any("\ud800" <= character <= "\udfff" for character in stored):
        raise Unclear("contains a character that is none (NUL or half a surrogate pair)")
    kept = READ if resource.get("id") else READ | {"identifier"}
    return [json.dumps({name: value for name, value in resource.items() if name in kept})[:MAX_KEPT]]


def patient_id(resource: Resource, full_url: str) -> str:
    """The number by which the practice's system knows the patient: the resource's id, or its first identifier."""
    identifiers = [one.get("value") for one in resource.get("identifier") or [] if isinstance(one, dict)]
    return str(resource.get("id") or next(filter(None, identifiers), None) or full_url.removeprefix("urn:uuid:"))


def _successor(resource: Resource) -> str:
    """The reference to the record this one was merged into; empty when it was not."""
    links = resource.get("link") if isinstance(resource.get("link"), list) else []
    for link in links or []:
        if isinstance(link, dict) and link.get("type") == "replaced-by" and isinstance(link.get("other"), dict):
            return str(link["other"].get("reference") or "")
    return ""


def _current(things: Any, today: date) -> list[Resource]:
    """Those (names, numbers, addresses) whose period, where they have one, has begun and has not ended on `today`."""
    return [thing for thing in things or [] if _holds(thing.get("period") or {}, today)]


def _holds(period: Resource, today: date) -> bool:
    day = today.isoformat()
    start, end = (str(period.get(edge) or day)[:10] for edge in ("start", "end"))
    if not (_PERIOD.fullmatch(start) and _PERIOD.fullmatch(end)):
        raise Unclear("a period that is no dates")
    return start <= day[: len(start)] and day[: len(end)] <= end


def _patient(resource: Resource, number: int, external_id: str, today: date) -> GoodRow:
    if not external_id:
        raise Unclear("no id: nobody whom a visit could name")
    if resource.get("active") is False:
        raise Unclear("the record is marked as not active")
    if extension := refusing_extension(resource):
        raise Unclear(f"the extension {extension!r} says that they refuse contact or died")
    first, last = _name(resource, today)
    if not first and not last:
        raise Unclear("no name")
    born = birth_date(str(resource.get("birthDate") or ""), today)
    died = past_date(str(resource.get("deceasedDateTime") or ""), today, "died")
    if born and died and died < born:
        raise Unclear(f"died ({died}) before being born ({born})")
    dead = died is not None or resource.get("deceasedBoolean") is True
    phone, raw, email = _telecom(resource, today)
    state, zip_ = _address(resource, today)
    patient = PatientRecord(
        number, external_id, first, last, born, died, dead, phone, raw, email, state, zip_, _language(resource)
    )
    identity = hash(f"{same_name(last)}|{same_name(first)}|{born or ''}")
    kept = _kept(resource, f"{external_id}{first}{last}{raw}{email}")
    return GoodRow(number, external_id, patient, None, (), identity, kept)


def _name(resource: Resource, today: date) -> tuple[str, str]:
    names = [
        name for name in _current(resource.get("name"), today) if name.get("use") not in ("old", "maiden", "anonymous")
    ]
    names.sort(
        key=lambda name: ("official", "usual").index(name.get("use")) if name.get("use") in ("official", "usual") else 2
    )
    for name in names:
        given = " ".join(filter(None, name.get("given") or []))  # null where one of several is masked
        first, last = read_name(given), read_name(name.get("family") or "")
        if first or last:
            return first, last
        if name.get("text"):
            return split_name(name["text"])
    return "", ""


def _telecom(resource: Resource, today: date) -> tuple[str | None, str | None, str | None]:
    """Phone in E.164, the phone as written, email: the first that can be used, mobile before home before work."""
    points = [
        point for point in _current(resource.get("telecom"), today) if point.get("use") != "old" and point.get("value")
    ]
    phones = [point for point in points if point.get("system") in ("phone", "sms")]
    phones.sort(key=lambda point: PHONE_ORDER.index(point.get("use", "")) if point.get("use", "") in PHONE_ORDER else 9)
    numbers = [(read_phone(str(point["value"])), str(point["value"])) for point in phones]
    phone, raw = next((pair for pair in numbers if pair[0]), numbers[0] if numbers else (None, None))
    emails = [read_email(str(point["value"])) for point in points if point.get("system") == "email"]
    return phone, raw, next(filter(None, emails), None)


def _address(resource: Resource, today: date) -> tuple[str | None, str | None]:
    homes = [home for home in _current(resource.get("address"), today) if home.get("use") not in ("old", "billing")]
    if not homes:
        return None, None
    return read_home(*(str(homes[0].get(what) or "") for what in ("state", "postalCode", "country")))


def _language(resource: Resource) -> str | None:
    spoken = sorted(resource.get("communication") or [], key=lambda one: not one.get("preferred"))
    for language in (one.get("language") or {} for one in spoken):
        codes = [coding.get("code") for coding in language.get("coding") or []]
        return read_language(next(filter(None, codes), None) or language.get("text") or "")
    return None


def _when(resource: Resource) -> str:
    period = resource.get("period") or resource.get("performedPeriod") or {}
    return str(resource.get("performedDateTime") or period.get("start") or "")


def _words(concept: Any) -> str:
    """The description of a code, or of the first of several."""
    one = (concept[0] if concept else {}) if isinstance(concept, list) else concept or {}
    displays = [coding.get("display") for coding in one.get("coding") or []]
    return " ".join(str(one.get("text") or next(filter(None, displays), None) or "").split())
