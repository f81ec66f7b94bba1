"""The rules of contact as dated data: hours, holidays and limits, each row with its source (docs/rules.md A1-A5).

The law changes and a decision must be replayable, so nothing of it is written in code. A row holds from
`effective_from` up to and including `expires_on`; outside those days there is no rule, and no rule means no contact. A
file that cannot be read whole is refused whole, naming the file and the line.
"""

import csv
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

DATA = Path(__file__).parent / "data"
UNKNOWN = "unknown"
"""The row for a person whose state is not known."""
FEDERAL = "US"
EVERYWHERE = "*"
LIMITS = {
    "attempts_24h",
    "text_margin_minutes",
    "scrub_days",
    "relation_months",
    "adult_years",
    "written_consent",
    "incentive_forbidden",
}

Span = tuple[time, time]


class RulesError(Exception):
    """A rule file is missing or wrong; the text names the file, the line and the fault."""


class HolidayTableMissing(Exception):
    """No holiday table of that state and year: every day of it might be one."""


@dataclass(frozen=True)
class HoursRow:
    """When a state allows contact, between two dates. A span is [opens, closes) in local time; None is shut all day."""

    state: str
    channel: str
    weekday: Span | None
    saturday: Span | None
    sunday: Span | None
    holiday: Span | None
    holidays_matter: bool
    effective_from: date
    expires_on: date
    source: str

    def span(self, day: date, holiday: bool) -> Span | None:
        """The hours of the local calendar day `day`."""
        if holiday and self.holidays_matter:
            return self.holiday
        return (self.weekday, self.saturday, self.sunday)[max(0, day.weekday() - 4)]


@dataclass(frozen=True)
class Limit:
    name: str
    state: str
    value: int
    effective_from: date
    expires_on: date
    source: str


@dataclass(frozen=True, eq=False)
class Rules:
    """One edition of the rules. `version` is its name and a digest of its files."""

    version: str
    hours: Mapping[tuple[str, str], tuple[HoursRow, ...]]
    holidays: Mapping[tuple[str, int], Mapping[date, str]]
    limits: tuple[Limit, ...]

    @cached_property
    def heeding(self) -> frozenset[str]:
        """The states whose hours change on a holiday."""
        return frozenset(row.state for rows in self.hours.values() for row in rows if row.holidays_matter)

    def hours_on(self, state: str, channel: str, day: date) -> HoursRow | None:
        """The row that holds on the local `day`, the channel's own before the general. None: no rule, no contact."""
        for rows in (self.hours.get((state, channel), ()), self.hours.get((state, "any"), ())):
            for row in rows:
                if row.effective_from <= day <= row.expires_on:
                    return row
        return None

    def is_holiday(self, state: str, day: date) -> bool:
        """Is `day` a holiday in `state`? Where the state is unknown, a holiday anywhere. Raises HolidayTableMissing."""
        return any(day in self._table(each, day.year) for each in self._calendars(state))

    def is_shut_by_holiday(self, row: HoursRow, day: date) -> bool:
        """Is `day` a holiday that changes this row's hours? False where the table is missing."""
        try:
            return row.holidays_matter and self.is_holiday(row.state, day)
        except HolidayTableMissing:
            return False

    def calendar_missing(self, state: str, day: date) -> bool:
        """Does the state heed holidays while its table for that year is missing?"""
        if state not in self.heeding:
            return False
        try:
            self.is_holiday(state, day)
        except HolidayTableMissing:
            return True
        return False

    def limit(self, name: str, states: frozenset[str], day: date) -> int:
        """The strictest (smallest) value of the limit on `day` in any of the states. Raises RulesError without one."""
        values = [
            row.value
            for row in self.limits
            if row.name == name
            and (row.state == EVERYWHERE or row.state in states)
            and row.effective_from <= day <= row.expires_on
        ]
        if not values:
            raise RulesError(f"no limit {name!r} holds on {day}")
        return min(values)

    def applies(self, name: str, states: frozenset[str], day: date) -> bool:
        """Does a limit that only some states have hold on `day` in any of these?"""
        return any(
            row.name == name and row.state in states and row.effective_from <= day <= row.expires_on
            for row in self.limits
        )

    def _calendars(self, state: str) -> list[str]:
        if state != UNKNOWN:
            return [state]
        return sorted({state for state, _ in self.holidays} | {FEDERAL})

    def _table(self, state: str, year: int) -> Mapping[date, str]:
        try:
            return self.holidays[state, year]
        except KeyError:
            raise HolidayTableMissing(f"{state} {year}") from None


_courtesy: Callable[[], Span | None] | None = None


def courtesy_by(ask: Callable[[], Span | None]) -> None:
    """Who says within which hours of the local day the agency contacts anybody; None: the law's own. The rules know no
    database: the factory names who reads it."""
    global _courtesy
    _courtesy = ask


def current() -> Rules:
    """The rules shipped with this version of the program, within the agency's courtesy hours. Raises RulesError."""
    return within(_courtesy() if _courtesy else None)


@cache
def within(span: Span | None) -> Rules:
    """The shipped rules, each open span cut with `span` of the local day: narrower or the same, never wider. An edition
    of its own, so that lanes are found again and a decision says under which hours it was taken. Raises RulesError."""
    shipped = _shipped()
    if span is None:
        return shipped
    narrowed = {key: tuple(_cut_row(row, span) for row in rows) for key, rows in shipped.hours.items()}
    return replace(shipped, version=f"{shipped.version} {span[0]:%H:%M}-{span[1]:%H:%M}", hours=narrowed)


@cache
def _shipped() -> Rules:
    return load(DATA)


def _cut_row(row: HoursRow, span: Span) -> HoursRow:
    return replace(
        row,
        weekday=_cut(row.weekday, span),
        saturday=_cut(row.saturday, span),
        sunday=_cut(row.sunday, span),
        holiday=_cut(row.holiday, span),
    )


def _cut(day: Span | None, span: Span) -> Span | None:
    if day is None:
        return None
    opens, closes = max(day[0], span[0]), min(day[1], span[1])
    return (opens, closes) if opens < closes else None


def load(folder: Path) -> Rules:
    """Read and check one edition of the rules. Raises RulesError with file and line."""
    return Rules(_version(folder), _hours(folder), _holidays(folder), tuple(_limits(folder)))


def rows(path: Path, columns: set[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a rule file, each with where it stands ("hours.csv line 3"). Raises RulesError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if not columns | {"source"} <= set(reader.fieldnames or ()):
                raise RulesError(f"{path.name}: needs the columns {', '.join(sorted(columns | {'source'}))}")
            for row in reader:
                where = f"{path.name} line {reader.line_num}"
                if None in row or None in row.values():
                    raise RulesError(f"{where}: not as many fields as columns")
                if not row["source"].strip():
                    raise RulesError(f"{where}: no source")
                yield where, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RulesError(f"{path.name}: {error}") from error


def _version(folder: Path) -> str:
    try:
        name = tomllib.loads((folder / "version.toml").read_text(encoding="utf-8"))["version"]
        files = sorted(folder.glob("*.csv"))
        digest = sha256(b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files))
    except (OSError, KeyError, ValueError) as error:
        raise RulesError(f"version.toml: {error}") from error
    return f"{name}+{digest.hexdigest()[:8]}"


def _hours(folder: Path) -> dict[tuple[str, str], tuple[HoursRow, ...]]:
    columns = {"state", "channel", "weekday", "saturday", "sunday", "holiday", "effective_from", "expires_on"}
    table: dict[tuple[str, str], list[HoursRow]] = defaultdict(list)
    for where, row in rows(folder / "hours.csv", columns):
        made = _hours_row(where, row)
        known = table[made.state, made.channel]
        if any(made.effective_from <= old.expires_on and old.effective_from <= made.expires_on for old in known):
            raise RulesError(f"{where}: overlaps another row of {made.state} {made.channel}")
        known.append(made)
    if not table:
        raise RulesError("hours.csv: empty")
    return {key: tuple(found) for key, found in table.items()}


def _hours_row(where: str, row: dict[str, str]) -> HoursRow:
    if row["channel"] not in ("any", "call", "sms"):
        raise RulesError(f"{where}: channel {row['channel']!r} is not any, call or sms")
    as_day = row["holiday"] == "as day"
    return HoursRow(
        state=row["state"],
        channel=row["channel"],
        weekday=_span(where, row["weekday"]),
        saturday=_span(where, row["saturday"]),
        sunday=_span(where, row["sunday"]),
        holiday=None if as_day else _span(where, row["holiday"]),
        holidays_matter=not as_day and not row["weekday"] == row["saturday"] == row["sunday"] == row["holiday"],
        **_validity(where, row),
    )


def _span(where: str, text: str) -> Span | None:
    if text == "none":
        return None
    parts = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", text)
    try:
        opens, closes = (time.fromisoformat(part) for part in parts.groups()) if parts else (time(), time())
    except ValueError as error:
        raise RulesError(f"{where}: {text!r}: {error}") from error
    if opens >= closes:
        raise RulesError(f"{where}: {text!r} is not hours like 08:00-20:00, nor none")
    return opens, closes


def _validity(where: str, row: dict[str, str]) -> dict:
    begins, ends = _day(where, row["effective_from"]), _day(where, row["expires_on"])
    if ends < begins:
        raise RulesError(f"{where}: expires before it begins")
    return {"effective_from": begins, "expires_on": ends, "source": row["source"]}


def _day(where: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RulesError(f"{where}: {error}") from error


def _holidays(folder: Path) -> dict[tuple[str, int], dict[date, str]]:
    table: dict[tuple[str, int], dict[date, str]] = defaultdict(dict)
    for path in sorted(folder.glob("holidays-*.csv")):
        for where, row in rows(path, {"state", "date", "name"}):
            day = _day(where, row["date"])
            if path.stem != f"holidays-{day.year}":
                raise RulesError(f"{where}: {day} is not of the year in the file's name")
            table[row["state"], day.year][day] = row["name"]
    return dict(table)


def _limits(folder: Path) -> Iterator[Limit]:
    for where, row in rows(folder / "limits.csv", {"limit", "state", "value", "effective_from", "expires_on"}):
        if row["limit"] not in LIMITS or not row["value"].isdecimal():
            raise RulesError(f"{where}: not a limit this program knows, or not a whole number")
        yield Limit(row["limit"], row["state"], int(row["value"]), **_validity(where, row))
