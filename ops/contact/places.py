"""Where a person may be: a set of places, because an address, an area code and the person's own word often disagree.

Contact must be lawful in every member (docs/rules.md decision 3, A2), so a doubt widens the set and never narrows it:
- an address gives its state in all of the state's zones; a ZIP code narrows that place to the zones it touches, and one
  that lies in another state than the address adds that state;
- an address that was given and says no place (it cannot be read, or lies abroad) is the unknown place, and joins;
- a military post office, or a country that uses our post, has its clocks and no law: the unknown rule holds there;
- an area code gives its state in all of its zones, an overlay those of the code it overlays; numbers without geography
  (toll-free, personal, premium) give nothing;
- a zone alone, from the person or from a foreign number, is a clock without a law: it joins every state that is known;
- while no state is known at all, the unknown rule holds: in the zones that are known, or else in every candidate zone.
"""

import re
from bisect import bisect_right
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ops.contact import rules as rulebook
from ops.contact.rules import UNKNOWN, RulesError
from ops.practices.us import ELSEWHERE, MILITARY
from ops.zones import US

CANDIDATE_ZONES = US
"""Where somebody of whom nothing is known may be. With the zones of the Pacific territories, a day ahead, no hour would
be left."""
FORCES_ABROAD = ("Asia/Tokyo", "Europe/Berlin")
"""A military address is on any ship or base: no hour is a decent one at both of these, so nobody there is called."""
OVERSEAS = dict.fromkeys(MILITARY, FORCES_ABROAD) | {
    "FM": ("Pacific/Chuuk", "Pacific/Kosrae"),
    "MH": ("Pacific/Majuro",),
    "PW": ("Pacific/Palau",),
}
"""The clocks of addresses that our post serves and no state's law covers."""
_OVERSEAS_ZIPS = (
    ("090", "098", "AE"),
    ("340", "340", "AA"),
    ("962", "966", "AP"),
    ("96939", "96940", "PW"),
    ("96941", "96944", "FM"),
    ("96960", "96979", "MH"),
)
"""First and last of the leading digits, and whose they are (zipcodes 3.0.0, MIT)."""
LENGTH_HERE = len("+13055550142")


class Place(NamedTuple):
    """A state (or UNKNOWN) at one IANA zone, and what told us: address, area code, stated, number or unknown."""

    state: str
    zone: str
    source: str


class _Geography(NamedTuple):
    state_zones: dict[str, tuple[str, ...]]
    area_codes: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    zip_firsts: list[int]
    zip_runs: list[tuple[int, str, tuple[str, ...]]]


def places_of(
    state: str | None = None,
    zip_code: str | None = None,
    phone: str | None = None,
    stated_zone: str | None = None,
    stated_state: str | None = None,
) -> tuple[Place, ...]:
    """The places a person may be at; never empty.

    `state` is two letters, `zip_code` five digits or ZIP+4 (either may be ELSEWHERE), `phone` E.164. A number that
    cannot be read as such tells nothing, an address that cannot is the unknown place. A state nobody has a rule for is
    kept and will be blocked. Raises ValueError if `stated_zone` is not an IANA zone.
    """
    return _places(state, zip_code, zones_of_number(phone), stated_zone, stated_state)


@lru_cache(maxsize=65536)
def _places(state, zip_code, number, stated_zone, stated_state) -> tuple[Place, ...]:
    found = [*_address(state, zip_code), *number[0], *_stated(stated_state, stated_zone)]
    clocks = [Place(UNKNOWN, zone, "number") for zone in number[1]]
    if stated_zone and not stated_state:
        clocks.append(Place(UNKNOWN, checked_zone(stated_zone), "stated"))
    if found:
        states = sorted({place.state for place in found})
        found += [Place(each, clock.zone, clock.source) for each in states for clock in clocks]
    else:
        found = clocks or _anywhere("unknown")
    return _once(found)


@cache
def zone_info(name: str) -> ZoneInfo:
    """The zone, kept: the standard library remembers eight and reads the others from disk each time."""
    return ZoneInfo(name)


def checked_zone(name: str) -> str:
    """`name` if it is an IANA zone; raises ValueError otherwise."""
    try:
        zone_info(name)
    except Exception as error:
        raise ValueError(f"{name!r} is not a time zone") from error
    return name


def zip_place(zip_code: str | None) -> tuple[str, tuple[str, ...]] | None:
    """State and zones of a ZIP code, every zone it may touch (all of its state's where its own is not recorded); None
    if it is no place under a state's law."""
    digits = re.fullmatch(r"(\d{5})(?:-?\d{4})?", (zip_code or "").strip(), re.ASCII)
    if not digits:
        return None
    number, known = int(digits[1]), _geography()
    index = bisect_right(known.zip_firsts, number) - 1
    if index < 0 or number > known.zip_runs[index][0]:
        return None
    _, state, zones = known.zip_runs[index]
    return state, zones or known.state_zones[state]


def zones_of_state(state: str) -> tuple[str, ...]:
    """The zones a state has; none for one that is not in our tables."""
    return _geography().state_zones.get(state, ())


def zones_of_number(phone: str | None) -> tuple[tuple[Place, ...], tuple[str, ...]]:
    """The places of a number's area code, and the zones of a foreign number, whose law is not ours to know."""
    digits = re.sub(r"[^\d+]", "", phone or "")
    if not digits.startswith("+1"):
        return (), _foreign_zones(digits) if digits.startswith("+") else ()
    if len(digits) != LENGTH_HERE:
        return (), ()
    states, zones = _geography().area_codes.get(digits[2:5], ((), ()))
    if not states:
        return (), zones
    return tuple(Place(state, zone, "area code") for state in states for zone in zones), ()


def _address(state: str | None, zip_code: str | None) -> list[Place]:
    state, zip_code = (state or "").strip().upper(), (zip_code or "").strip()
    zipped, overseas = zip_place(zip_code), {code for code in (state, _overseas(zip_code)) if code in OVERSEAS}
    places = [Place(zipped[0], zone, "address") for zone in zipped[1]] if zipped else []
    places += [Place(UNKNOWN, zone, "address") for code in sorted(overseas) for zone in OVERSEAS[code]]
    if state == ELSEWHERE or (zip_code and not state and not places):
        places += _anywhere("address")
    elif state and state not in OVERSEAS and (not zipped or zipped[0] != state):
        places += [Place(state, zone, "address") for zone in _zones(state)]
    return places


def _overseas(zip_code: str) -> str | None:
    """Whose overseas mail goes to this ZIP code."""
    for first, last, code in _OVERSEAS_ZIPS:
        if first <= zip_code[: len(first)] <= last:
            return code
    return None


def _anywhere(source: str) -> list[Place]:
    return [Place(UNKNOWN, zone, source) for zone in CANDIDATE_ZONES]


def _stated(state: str | None, zone: str | None) -> list[Place]:
    state = (state or "").strip().upper()
    if not state:
        return []
    zones = _zones(state)
    if zone and checked_zone(zone) in zones:
        zones = (zone,)
    elif zone:
        zones += (zone,)
    return [Place(state, each, "stated") for each in zones]


def _zones(state: str) -> tuple[str, ...]:
    # A state we have no zones for keeps one, so that it stays in the set and is blocked for want of a rule.
    return _geography().state_zones.get(state, ("UTC",))


@lru_cache(maxsize=4096)
def _foreign_zones(number: str) -> tuple[str, ...]:
    import phonenumbers  # a second to import, and foreign numbers are rare
    from phonenumbers import PhoneNumberType as Type
    from phonenumbers import timezone

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    if phonenumbers.number_type(parsed) not in (Type.FIXED_LINE, Type.MOBILE, Type.FIXED_LINE_OR_MOBILE):
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if "/" in zone and zone != "Etc/Unknown")


def _once(places: list[Place]) -> tuple[Place, ...]:
    seen: dict[tuple[str, str], Place] = {}
    for place in places:
        seen.setdefault(place[:2], place)
    return tuple(seen.values())


@cache
def _geography() -> _Geography:
    return load(rulebook.DATA)


def load(folder: Path) -> _Geography:
    """Read and check the tables of states, area codes and ZIP codes. Raises RulesError with file and line."""
    states = {row["state"]: zones for row, zones in _read(folder, "state_zones.csv", {"state"})}
    codes = {
        row["npa"]: (tuple(filter(None, row["states"].split("|"))), zones)
        for row, zones in _read(folder, "area_codes.csv", {"npa", "states", "overlay_of"})
    }
    runs = sorted(_zip_runs(folder, states))
    return _Geography(states, codes, [first for first, *_ in runs], [tuple(rest) for _, *rest in runs])


def _read(folder: Path, name: str, columns: set[str]):
    for where, row in rulebook.rows(folder / name, columns | {"zones", "effective_from"}):
        yield row, tuple(_zone(where, zone) for zone in row["zones"].split("|"))


def _zip_runs(folder: Path, states: dict[str, tuple[str, ...]]):
    for where, row in rulebook.rows(folder / "zips.csv", {"first", "last", "state", "zones", "effective_from"}):
        if row["state"] not in states:
            raise RulesError(f"{where}: {row['state']!r} is not in state_zones.csv")
        zones = tuple(_zone(where, zone) for zone in row["zones"].split("|")) if row["zones"] else ()
        yield int(row["first"]), int(row["last"]), row["state"], zones


def _zone(where: str, name: str) -> str:
    try:
        return checked_zone(name)
    except ValueError as error:
        raise RulesError(f"{where}: {error}") from error
