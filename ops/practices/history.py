"""The audit log in words: who changed what about a practice or a patient. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from ops.accounts.models import AuditEntry
from ops.languages import language_words
from ops.phrases import day_words, phone_words
from ops.practices.statuses import STATUS_WORDS, PracticeStatus
from ops.zones import name_of

THINGS = {
    "practices": "the practice",
    "contracts": "contract",
    "treatment_types": "treatment",
    "review_links": "review link",
    "saved_mappings": "saved column mapping",
    "cadences": "cadence",
    "triggers": "trigger",
    "patients": "the patient",
}
LABELS = {
    "baa_on": "BAA signed on",
    "helps_best": "helps best",
    "hours_per_month": "hours per month",
    "starts_on": "first day",
    "ends_on": "first day without it",
    "opens_days": "opens (days)",
    "peaks_days": "peaks (days)",
    "closes_days": "closes (days)",
    "recall_days": "recall (days)",
    "stated_zone": "stated zone",
    "zip": "ZIP",
}
WORDS: dict[str, Callable[[str], str]] = {
    "status": lambda value: STATUS_WORDS[PracticeStatus(value)],
    "zone": name_of,
    "stated_zone": name_of,
    "language": language_words,
    "phone": phone_words,
    "callback_number": phone_words,
}
"""Columns that hold a code: how people read it."""
VERBS = {"insert": "added", "update": "changed", "delete": "removed"}
SILENT = frozenset(
    {"id", "updated_at", "created_at", "import_id", "phone_key", "email_key", "phone_raw", "practice_id", "resumed_at"}
)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TOGETHER = timedelta(seconds=2)
"""Rows changed by one person within this time were changed in one go."""


class Told(NamedTuple):
    """One line of history; `who` is a name, or "the system"."""

    at: datetime
    who: str
    what: str


def tell(entries: Iterable[AuditEntry], names: Mapping[str, str]) -> list[Told]:
    """Newest first, as given. `names` are those of the actors; many like changes in one go are told as one."""
    lines = []
    for (actor, table, change), group in groupby(_in_bursts(entries), lambda pair: pair[0][:3]):
        together = [entry for _, entry in group]
        what = _sentence(together[0]) if len(together) == 1 else _several(table, change, together)
        if what:
            lines.append(Told(together[0].at, names.get(actor, "the system"), what))
    return lines


def _in_bursts(entries: Iterable[AuditEntry]) -> Iterable[tuple[tuple[str, str, str, int], AuditEntry]]:
    burst, last = 0, None
    for entry in entries:
        if last and abs(last - entry.at) > TOGETHER:
            burst += 1
        last = entry.at
        # changes are told one by one: each has its own before and after
        alone = entry.id if entry.change == "update" else 0
        yield (entry.actor, entry.table_name, f"{entry.change}/{burst}/{alone}", burst), entry


def _several(table: str, change: str, together: list[AuditEntry]) -> str:
    named = [name for entry in together if (name := _name(entry))]
    thing = THINGS.get(table, table.replace("_", " "))
    shown = ", ".join(sorted(named)[:6]) + (", …" if len(named) > 6 else "")
    return f"{VERBS[change.partition('/')[0]]} {len(together)} {thing}s" + (f": {shown}" if shown else "")


def _sentence(entry: AuditEntry) -> str:
    thing, name = THINGS.get(entry.table_name, entry.table_name.replace("_", " ")), _name(entry)
    if entry.change == "update":
        after = entry.after or {}
        changes = [
            f"{LABELS.get(column, column.replace('_', ' '))} from {_told(column, was)} to {_told(column, now)}"
            for column, was, now in ((column, was, after.get(column)) for column, was in (entry.before or {}).items())
            if column not in SILENT
        ]
        return f"changed {thing}: " + "; ".join(changes) if changes else ""
    return f"{VERBS[entry.change]} {thing}" + (f" {name}" if name and not thing.startswith("the ") else "")


def _name(entry: AuditEntry) -> str:
    row = entry.after or entry.before or {}
    if entry.table_name == "contracts" and "hours_per_month" in row:
        return f"{_value(row['hours_per_month'])} h a month from {_value(row.get('starts_on'))}"
    return str(row.get("name") or row.get("label") or "")


def _told(column: str, value: Any) -> str:
    return _value(WORDS[column](value) if value and column in WORDS else value)


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case float() | int():
            return f"{value:g}"
        case list():
            return ", ".join(map(str, value))
        case str() if DAY.fullmatch(value):
            return day_words(date.fromisoformat(value))
        case _:
            return f"“{value}”" if " " in str(value) else str(value)
