"""What a script can say of a practice, and of the people nobody has met yet: the samples that previews are drawn with.

A script is checked with what it will be said with: a practice's own with that practice's words, the agency's with the
longest that any practice has, since that is the one that costs a part more (docs/rules.md A8).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ops.agency.queries import Agency, agency
from ops.phrases import phone_words
from ops.scripts.render import VARIABLES

HELPS_BEST = "people who want to look and feel like themselves again"
"""Said in the ask until the practice has told us whom it helps best."""
OF_PRACTICE = (
    "practice_name",
    "practice_spoken_name",
    "helps_best",
    "shareable",
    "website",
    "callback_number",
    "agency_name",
    "review_links",
)
PEOPLE = {name: value for name, value in VARIABLES.items() if name not in OF_PRACTICE}
LONG_PEOPLE = PEOPLE | {
    "patient_first_name": "Maximiliana-Josephine",
    "agent_first_name": "Alexandrina",
    "agent_last_name": "Featherstonehaugh",
    "friend_first_name": "Konstantinos-Emanuel",
    "referrer_first_name": "Maximiliana-Josephine",
}
"""Names as long as they come: 99 in 100 first names of a practice are shorter."""


class Link(Protocol):
    """A review link."""

    @property
    def url(self) -> str: ...


class OfPractice(Protocol):
    """What can be said of a practice: a Practice has it, and the card's facts do."""

    @property
    def name(self) -> str: ...
    @property
    def spoken_name(self) -> str: ...
    @property
    def helps_best(self) -> str: ...
    @property
    def shareable(self) -> str: ...
    @property
    def website(self) -> str: ...
    @property
    def callback_number(self) -> str: ...
    @property
    def review_links(self) -> Sequence[Link]: ...


def of_practice(practice: OfPractice) -> dict[str, str]:
    """What is known of a practice; nothing stands for what it has not told us."""
    return of_row(practice, ", ".join(link.url for link in practice.review_links))


def of_row(practice: Any, review_links: str, we: Agency | None = None) -> dict[str, str]:
    """The same of a row with the practice's columns, for lists of them. `we`: who we are; None: as it holds now."""
    we = we or agency()
    found = {
        "practice_name": practice.name,
        "practice_spoken_name": practice.spoken_name or practice.name,
        "helps_best": practice.helps_best or HELPS_BEST,
        "shareable": practice.shareable,
        "website": practice.website,
        "callback_number": phone_words(practice.callback_number or we.number),
        "agency_name": we.name,
        "review_links": review_links,
    }
    return {name: value for name, value in found.items() if value}


def longest(known: Iterable[dict[str, str]]) -> dict[str, str]:
    """Of each value the longest that one of them has; the sample where none has any."""
    found = dict.fromkeys(OF_PRACTICE, "")
    for values in known:
        found = {name: max(found[name], values.get(name, ""), key=len) for name in found}
    return {name: value or VARIABLES[name] for name, value in found.items()}
