"""When contact is open: the days' hours of every place, cut with each other.

Everything is interval arithmetic on UTC moments: a place has at most one span [opens, closes) a day, and the window of
a set of places is where their spans overlap. To find the next one, take each place's first span that has not closed: if
they overlap, that is it; if not, nothing can open before the latest of their openings, so look again from there. A few
steps reach any day; no clock is stepped minute by minute.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256

from ops.contact import rules as rulebook
from ops.contact.places import CANDIDATE_ZONES, Place, zone_info
from ops.contact.rules import UNKNOWN, HolidayTableMissing, HoursRow, Rules, Span

Interval = tuple[datetime, datetime]
"""[opens, closes), aware, UTC."""
HORIZON = timedelta(days=14)
"""How far ahead an opening is looked for: longer than any run of holidays and Sundays."""
DISTRICT = "DC"
"""A place that has the federal hours and nothing else."""
SAMPLE = (date(2025, 1, 1), date(2028, 1, 1))


def open_window(places: Iterable[Place], channel: str, at: datetime, rules: Rules | None = None) -> Interval | None:
    """The window that is open at `at`, else the next one within 14 days: (opens_at, closes_at) in UTC, or None.

    `channel` is call or sms; a text's window ends ten minutes early (docs/rules.md A1). Days without a rule or a
    holiday table are shut. The law sets no hours for email: see `courteous_from`.
    """
    rules = rules or rulebook.current()
    spots = frozenset((place.state, clock_of(place.zone)) for place in places)
    moment = at.astimezone(UTC)
    latest = moment + HORIZON
    while moment <= latest:
        found = [_next_span(rules, state, zone, channel, moment) for state, zone in spots]
        spans = [span for span in found if span]
        if not spans or len(spans) < len(found):
            return None
        opens, closes = max(span[0] for span in spans), min(span[1] for span in spans)
        if opens < closes:
            return opens, closes
        moment = opens
    return None


def courteous_from(zones: Iterable[str], at: datetime) -> datetime:
    """The first moment from `at` on that is between 8:00 and 21:00 in all these zones. No law sets hours for email:
    these are our own."""
    window = open_window([Place(DISTRICT, zone, "courtesy") for zone in zones], "call", at)
    return max(at, window[0]) if window else at


def is_open(place: Place, channel: str, at: datetime, rules: Rules) -> bool:
    """May this one place be contacted at `at`, by the time of day alone?"""
    zone = clock_of(place.zone)
    span = day_span(rules, place.state, zone, channel, at.astimezone(zone_info(zone)).date())
    return span is not None and span[0] <= at < span[1]


@lru_cache(maxsize=200_000)
def day_span(rules: Rules, state: str, zone: str, channel: str, day: date) -> Interval | None:
    """The open span of the local calendar `day` in UTC; None when shut, or when a rule or holiday table is missing."""
    row = rules.hours_on(state, channel, day)
    if row is None:
        return None
    try:
        span = row.span(day, row.holidays_matter and rules.is_holiday(state, day))
    except HolidayTableMissing:
        return None
    return _to_utc(span, zone, day, _margin(rules, state, channel, day)) if span else None


def _to_utc(span: Span, zone: str, day: date, margin: timedelta) -> Interval | None:
    # An hour that happens twice, or never, is read in the way that leaves less time.
    opens = max(_moment(day, span[0], zone, fold) for fold in (0, 1))
    closes = min(_moment(day, span[1], zone, fold) for fold in (0, 1)) - margin
    return (opens, closes) if opens < closes else None


def _moment(day: date, local: time, zone: str, fold: int) -> datetime:
    return datetime.combine(day, local, tzinfo=zone_info(zone)).replace(fold=fold).astimezone(UTC)


def _margin(rules: Rules, state: str, channel: str, day: date) -> timedelta:
    if channel != "sms":
        return timedelta()
    return timedelta(minutes=rules.limit("text_margin_minutes", frozenset({state}), day))


def _next_span(rules: Rules, state: str, zone: str, channel: str, moment: datetime) -> Interval | None:
    first = moment.astimezone(zone_info(zone)).date()
    for ahead in range(HORIZON.days + 2):
        span = day_span(rules, state, zone, channel, first + timedelta(days=ahead))
        if span and span[1] > moment:
            return span
    return None


def window_group(places: Iterable[Place], rules: Rules | None = None) -> str:
    """A stable key, the same for all sets of places whose windows are the same: for the queue's lanes.

    Made of what the rules say, not of their names: places with equal hours, holidays and clocks share a group, and a
    changed rule makes a new key. At most 100 characters.
    """
    rules = rules or rulebook.current()
    clocks: dict[str, set[str]] = {}
    for place in places:
        clocks.setdefault(clock_of(place.zone), set()).add(_profile(rules, place.state))
    if clocks == {zone: {UNKNOWN} for zone in CANDIDATE_ZONES}:
        return UNKNOWN
    by_profile: dict[str, list[str]] = {}
    for zone, profiles in sorted(clocks.items()):
        # No state opens longer than the federal rule, so beside any other profile on the same clock it adds nothing.
        for profile in profiles - {_profile(rules, DISTRICT)} or profiles:
            by_profile.setdefault(profile, []).append(zone)
    key = "+".join(f"{profile}@{','.join(zones)}" for profile, zones in sorted(by_profile.items()))
    return key if len(key) <= 100 else "set-" + sha256(key.encode()).hexdigest()[:16]


@lru_cache(maxsize=1024)
def _profile(rules: Rules, state: str) -> str:
    found = [_channel_key(rows) for (owner, _), rows in sorted(rules.hours.items()) if owner == state]
    if state == UNKNOWN or not found:
        return state
    return ";".join(found) + (f":{state}" if state in rules.heeding else "")


def _channel_key(rows: tuple[HoursRow, ...]) -> str:
    # Only a change to come or gone by needs its date: a later review date alone is the same window.
    *before, last = (_row_key(row) for row in rows)
    dated = [f"{key}<{row.expires_on:%y%m%d}" for key, row in zip(before, rows, strict=False)]
    channel = "" if rows[0].channel == "any" else f"{rows[0].channel}="
    return channel + ",".join([*dated, last])


def _row_key(row: HoursRow) -> str:
    spans = [_span_key(span) for span in (row.weekday, row.saturday, row.sunday)]
    return spans[0] if len(set(spans)) == 1 else "/".join(spans)


def _span_key(span: Span | None) -> str:
    if span is None:
        return "x"
    return "-".join(f"{edge.hour}" if not edge.minute else f"{edge.hour}.{edge.minute:02}" for edge in span)


@lru_cache(maxsize=1024)
def clock_of(zone: str) -> str:
    """The plain name of a zone's clock: Detroit and Indianapolis keep New York's time, so their windows are one.

    Compared at noon UTC of every day of 2025-2027; a zone of its own is its own clock.
    """
    mine = _signature(zone)
    return next((known for known in CANDIDATE_ZONES if _signature(known) == mine), zone)


@lru_cache(maxsize=64)
def _signature(zone: str) -> tuple[timedelta | None, ...]:
    info, days = zone_info(zone), (SAMPLE[1] - SAMPLE[0]).days
    start = datetime.combine(SAMPLE[0], time(12), tzinfo=UTC)
    return tuple((start + timedelta(days=day)).astimezone(info).utcoffset() for day in range(days))
