"""The board by window and by age: what is open until when, what opens when, and how long tasks have waited. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.contact.rules import UNKNOWN
from ops.phrases import listed
from ops.queue.counts import Which, is_live, stands
from ops.queue.models import Lane
from ops.queue.waiting import AGES, Stood
from ops.zones import name_of

MOST_STATES = 6


def group_words(window_group: str, places: Iterable[Sequence[str]]) -> str:
    """A name for the places that open and shut together: "Central time (IL, WI)". `places` are (state, zone, …) of the
    lanes of the group; others with the same hours belong to it too."""
    places = list(places)
    states = sorted({place[0] for place in places} - {UNKNOWN})
    if window_group == UNKNOWN or not states:
        return "Place not known"
    clocks = list(dict.fromkeys(name_of(place[1]) for place in places))
    shown = ", ".join(states[:MOST_STATES]) + (", …" if len(states) > MOST_STATES else "")
    return f"{listed(clocks[:3])} ({shown})"


@dataclass(frozen=True)
class Window:
    """The hours of one group of places: open until `closes_at`, or shut until `opens_at` (None: none within 14 days).

    `ready`, `shut` and `later`: tasks that are offered, that wait for these hours alone, and that wait for something
    else.
    """

    group: str
    places: tuple[tuple[str, ...], ...]
    open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    ready: int
    shut: int
    later: int


@dataclass(frozen=True)
class Age:
    """Waiting tasks of one class of age (of `AGES`; the last is older than all of them)."""

    number: int
    ready: int
    later: int


def windows(found: Iterable[Stood], lanes: Mapping[int, Lane]) -> list[Window]:
    """What is open now, what closes first before the rest; then what is shut, what opens first before the rest."""
    groups: dict[str, list[Stood]] = {}
    for pile, waits in found:
        lane = lanes.get(pile.lane_id or 0)
        if lane and not pile.held and is_live(pile):
            groups.setdefault(lane.window_group, []).append((pile, waits))
    windows = [_window(group, stood, lanes) for group, stood in groups.items()]
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(windows, key=lambda one: (not one.open, (one.closes_at if one.open else one.opens_at) or never))


def _window(group: str, stood: list[Stood], lanes: Mapping[int, Lane]) -> Window:
    theirs = [lanes[number] for number in sorted({pile.lane_id or 0 for pile, _ in stood})]
    sides = {"ready": Which.READY, "shut": Which.SHUT, "later": Which.OTHERWISE}
    one = next(pile for pile, _ in stood if pile.lane_id == theirs[0].id)
    return Window(
        group=group,
        places=tuple(dict.fromkeys(tuple(place) for lane in theirs for place in lane.places)),
        open=one.shut is None,
        opens_at=one.shut_until,
        closes_at=None if one.shut else theirs[0].closes_at,
        **{side: sum(one[0].tasks for one in stood if stands(one, which)) for side, which in sides.items()},
    )


def ages(found: Iterable[Stood]) -> list[Age]:
    """The waiting tasks by how long ago they were opened."""
    ready, later = [0] * (len(AGES) + 1), [0] * (len(AGES) + 1)
    for pile, waits in found:
        if not pile.held:
            side = later if waits else ready
            for number, tasks in enumerate(pile.ages):
                side[number] += tasks
    return [Age(number, *both) for number, both in enumerate(zip(ready, later, strict=True))]
