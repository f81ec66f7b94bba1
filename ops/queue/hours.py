"""The board by window and by age: what is open until when, what opens when, and how long tasks have waited. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.contact.rules import UNKNOWN
from ops.phrases import listed
from ops.queue.waiting import AGES, Floor, Stood
from ops.work.reasons import WINDOW_SHUT

MOST_STATES = 6


def group_words(window_group: str, places: Iterable[Sequence[str]]) -> str:
    """A name for the places that open and shut together: "Chicago time (IL, WI)". `places` are (state, zone, …) of the
    lanes of the group; others with the same hours belong to it too."""
    places = list(places)
    states = sorted({place[0] for place in places} - {UNKNOWN})
    if window_group == UNKNOWN or not states:
        return "Place not known"
    zones = list(dict.fromkeys(place[1].rpartition("/")[2].replace("_", " ") for place in places))
    shown = ", ".join(states[:MOST_STATES]) + (", …" if len(states) > MOST_STATES else "")
    return f"{listed(zones[:3])} time ({shown})"


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


def windows(found: Iterable[Stood], stands: Floor) -> list[Window]:
    """What is open now, what closes first before the rest; then what is shut, what opens first before the rest."""
    groups: dict[str, list[Stood]] = {}
    for pile, waits in found:
        lane = stands.lanes.get(pile.lane_id or 0)
        if lane and not pile.held and pile.practice_id in stands.live:
            groups.setdefault(lane.window_group, []).append((pile, waits))
    windows = [_window(group, stood, stands) for group, stood in groups.items()]
    never = datetime.max.replace(tzinfo=stands.now.tzinfo)
    return sorted(windows, key=lambda one: (not one.open, (one.closes_at if one.open else one.opens_at) or never))


def _window(group: str, stood: list[Stood], stands: Floor) -> Window:
    lanes = [stands.lanes[number] for number in sorted({pile.lane_id or 0 for pile, _ in stood})]
    sides = {"ready": 0, "shut": 0, "later": 0}
    for pile, waits in stood:
        codes = {wait.code for wait in waits}
        sides["shut" if codes == {WINDOW_SHUT} else "later" if codes else "ready"] += pile.tasks
    is_open = stands.shut(lanes[0].id) is None
    return Window(
        group=group,
        places=tuple(dict.fromkeys(tuple(place) for lane in lanes for place in lane.places)),
        open=is_open,
        opens_at=lanes[0].opens_at if lanes[0].opens_at and lanes[0].opens_at > stands.now else None,
        closes_at=lanes[0].closes_at if is_open else None,
        **sides,
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
