"""Patients, encounters and procedures of a FHIR R4 Bundle, read entry by entry.

Everything else in a bundle (observations, claims, notes) is passed over and never kept. The bundle is read through once
when it is opened: broken JSON, another FHIR version or something that is no bundle is refused before anything is
stored. `line` of what comes out is the number of the entry, from 1.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import ijson

from ops.imports.reading.dates import read_stamp
from ops.imports.reading.fhir_kept import Resource, kept_of
from ops.imports.reading.fhir_lines import MAX_DEPTH, Entry, is_by_line, lines, of_bundle, rewind, whom_of_text
from ops.imports.reading.fhir_people import patient_id, read_patient, told_of
from ops.imports.reading.fhir_refusals import WHY, may_refuse, reference_of
from ops.imports.reading.fhir_versions import other_version
from ops.imports.reading.keys import visit_key, visit_of
from ops.imports.reading.records import (
    BadRow,
    GoodRow,
    LeftOut,
    LeftOutRow,
    MilestoneRecord,
    Unclear,
    Unreadable,
    Whom,
    reason_of,
)
from ops.imports.reading.visits import left_out, local_moment

MILESTONES = {"Encounter": ("visit", "finished"), "Procedure": ("treatment_completed", "completed")}
NOT_HELD = {"arrived", "triaged", "in-progress", "onleave", "cancelled", "entered-in-error", "unknown"}
NOT_HELD |= {"planned", "preparation", "not-done", "on-hold", "stopped"}
"""What else R4 calls the status of an Encounter or a Procedure; any other word is quarantined."""
BROKEN = "entries that cannot be read"
READ = {"Patient", *MILESTONES, BROKEN}
"""Of the others only those that say a no, or might, are rows."""
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
        self._read: Counter[str] = Counter()
        self._values = 0
        self.notes: list[str] = []
        self._by_line = is_by_line(stream)
        if not self._by_line:
            self._refuse_what_would_fill_memory()
            self._refuse_what_is_no_bundle()
        for entry in self._entries():
            self._look_at(entry)
        if not self.kinds:
            raise Unreadable(f"{name}: the bundle is empty: it has no entries.")
        if not self.rows:
            self.notes.append(
                "Holds no patients, encounters or procedures, only " + ", ".join(sorted(self.kinds)) + "."
            )
        elif others := +(self.kinds - Counter(self._read)):
            self.notes.append("Not read: " + ", ".join(f"{kind} {others[kind]:,}" for kind in sorted(others)) + ".")

    @property
    def rows(self) -> int:
        """How many entries say something about patients, or might."""
        return sum(self._read.values())

    def patients(self, today: date) -> Iterator[GoodRow | BadRow | LeftOutRow]:
        """The Patient entries, and what says of somebody that they refuse something or cannot be read. `today` is the
        practice's day."""
        for entry in self._entries():
            number, full_url, resource = entry[:3]
            if entry.problem:
                whom = whom_of_text(entry.text)
                whom = whom._replace(number=whom.number and self._patient_of(whom.number))
                yield BadRow(number, [entry.text], (f"entry {number}: {entry.problem}",), whom)
            elif may_refuse(resource):
                yield BadRow(number, kept_of(resource), (f"{_where(entry)}: {WHY}",), self._whom(entry))
            elif resource["resourceType"] == "Patient":
                external_id = patient_id(resource, full_url)
                if external_id in self._merged:  # understood, and nothing of it is stored: its successor is the patient
                    yield GoodRow(number, external_id, None, None, (), 0, kept_of(resource))
                else:
                    yield self._row(entry, partial(read_patient, resource, number, external_id, today))

    def milestones(self, zone: str, today: date) -> Iterator[GoodRow | BadRow | LeftOutRow]:
        """The Encounters and Procedures; one that was not finished is left out. `zone`, `today`: the practice's."""
        here = ZoneInfo(zone)
        for entry in self._entries():
            if entry.resource.get("resourceType") in MILESTONES:
                yield self._row(entry, partial(self._milestone, entry.resource, entry.number, here, today))

    def _row(self, entry: Entry, read: Callable[[], GoodRow | LeftOutRow]) -> GoodRow | BadRow | LeftOutRow:
        try:
            return read()
        except Exception as problem:  # whatever a resource makes us raise costs that resource, never the load
            known = isinstance(problem, (Unclear, MemoryError))
            reason = reason_of(problem) if known else "not built as FHIR R4 says"
            return BadRow(entry.number, kept_of(entry.resource), (f"{_where(entry)}: {reason}",), self._whom(entry))

    def _whom(self, entry: Entry) -> Whom:
        """Whom a resource is about that is put aside: what it would have said of contacting them, nobody knows."""
        if entry.resource["resourceType"] == "Patient":
            return told_of(entry.resource, entry.full_url)
        reference = reference_of(entry.resource)
        try:
            return Whom(self._successor_of(reference) if reference else "")
        except Unclear:
            return Whom(self._patient_of(reference))

    def _refuse_what_would_fill_memory(self) -> None:
        depth = values = 0
        rewind(self._stream)
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
        rewind(self._stream)
        yield from self._guarded(ijson.parse(self._stream, use_float=True, buf_size=BLOCK))

    def _entries(self) -> Iterator[Entry]:
        if self._by_line:
            yield from lines(self._stream)
            return
        rewind(self._stream)
        if self._values > 1:
            found = ijson.items(self._stream, "", use_float=True, buf_size=BLOCK, multiple_values=True)
            yield from self._one_after_the_other(self._guarded(found))
            return
        yield from of_bundle(self._guarded(ijson.items(self._stream, "entry.item", use_float=True, buf_size=BLOCK)))

    def _one_after_the_other(self, values: Iterator[Any]) -> Iterator[Entry]:
        """Resources that are written over several lines each."""
        for number, resource in enumerate(values, 1):
            if not isinstance(resource, dict) or resource.get("resourceType") in (None, "Bundle"):
                raise Unreadable(
                    f"{self.name}: value number {number} of this JSON is no resource of FHIR; several values in a file "
                    "are read as one resource each."
                )
            yield Entry(number, "", resource)

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

    def _look_at(self, entry: Entry) -> None:
        number, full_url, resource = entry[:3]
        kind = str(resource.get("resourceType")) if not entry.problem else BROKEN
        self.kinds[kind] += 1
        if kind in READ or may_refuse(resource):
            self._read[kind] += 1
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
        visit = visit_of(str(resource.get("id") or ""), kind)
        milestone = MilestoneRecord(number, external_id, kind, day, treatment, key, visit)
        kept = kept_of(resource, external_id + treatment + key)
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
        visit = visit_of(str(resource["id"]), kind)
        milestone = MilestoneRecord(number, external_id, kind, date.min, treatment, key, visit)
        kept = kept_of(resource, external_id + treatment + key)
        return GoodRow(number, external_id, None, milestone, (), 0, kept, left_out=LeftOut.NOT_HELD)

    def _subject(self, resource: Resource) -> str:
        reference = str((resource.get("subject") or {}).get("reference") or "")
        if not reference:
            raise Unclear("no reference to a patient (subject)")
        return self._successor_of(reference)

    def _successor_of(self, reference: str) -> str:
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


def _where(entry: Entry) -> str:
    return f"entry {entry.number}, {entry.resource.get('resourceType')} {entry.resource.get('id', '')}".strip()


def _successor(resource: Resource) -> str:
    """The reference to the record this one was merged into; empty when it was not."""
    links = resource.get("link") if isinstance(resource.get("link"), list) else []
    for link in links or []:
        if isinstance(link, dict) and link.get("type") == "replaced-by" and isinstance(link.get("other"), dict):
            return str(link["other"].get("reference") or "")
    return ""


def _when(resource: Resource) -> str:
    period = resource.get("period") or resource.get("performedPeriod") or {}
    return str(resource.get("performedDateTime") or period.get("start") or "")


def _words(concept: Any) -> str:
    """The description of a code, or of the first of several."""
    one = (concept[0] if concept else {}) if isinstance(concept, list) else concept or {}
    displays = [coding.get("display") for coding in one.get("coding") or []]
    return " ".join(str(one.get("text") or next(filter(None, displays), None) or "").split())
