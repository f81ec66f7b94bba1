"""A call script as the card shows it: its parts, rendered for one patient. Pure.

What is not known is shown as a mark to speak around, never as a blank. The parts come from the script as it was
written, so the number of a part is the same for everybody who is called with this version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ops.scripts import render
from ops.scripts.markup import to_html
from ops.scripts.outline import Part, Section, outline

_outline = lru_cache(maxsize=512)(outline)
_html = lru_cache(maxsize=4096)(to_html)


@dataclass(frozen=True)
class SaidPart:
    """One part: `title` and `html` rendered; see `Section` for the rest."""

    section: Section
    title: str
    html: str

    @property
    def number(self) -> int:
        return self.section.number

    @property
    def part(self) -> Part:
        return self.section.part


def said(body: str, values: Mapping[str, str]) -> tuple[tuple[SaidPart, ...], tuple[str, ...]]:
    """The parts of the script for these values, and the names of what is not known. Raises ScriptError for a script
    that cannot be said at all."""
    unknown = unknown_in(body, values)
    known = {**values, **{name: f"[{name.replace('_', ' ')}: not known]" for name in unknown}}
    return tuple(_part(section, known) for section in _outline(body)), unknown


def unknown_in(source: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of a text that nothing is known for."""
    return tuple(sorted(name for name in render.variables_in(source) if not values.get(name)))


def _part(section: Section, values: Mapping[str, str]) -> SaidPart:
    title = render.render(section.title, values) if "{" in section.title else section.title
    text = render.render(section.text, values) if "{" in section.text else section.text
    return SaidPart(section, title, _html(text))
