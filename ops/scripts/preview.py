"""How a text looks when it is said: for the editor, for the practice that approves it, for print. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.contact.segments import Segments, count, plain
from ops.scripts import render, values
from ops.scripts.models import Medium
from ops.scripts.outline import HEADING, Part, outline
from ops.scripts.render import ScriptError
from ops.scripts.rules import Text
from ops.scripts.said import said
from ops.scripts.words import outcome_words

PART_WORDS = {Part.OPENING: "Opening", Part.SAY: "", Part.ANSWER: "They say", Part.VOICEMAIL: "On a machine"}


@dataclass(frozen=True)
class PreviewPart:
    """One part as it is said. `leads_to`: the outcome an answer usually leads to, in words."""

    number: int
    part: Part
    title: str
    html: str
    leads_to: str

    @property
    def label(self) -> str:
        return PART_WORDS[self.part]


@dataclass(frozen=True)
class Preview:
    """A text as it is said. `problem`: why it cannot be; `unknown`: what was marked because nothing is known."""

    parts: tuple[PreviewPart, ...] = ()
    subject: str = ""
    words: str = ""
    """The whole as plain text."""
    problem: str = ""
    unknown: tuple[str, ...] = ()
    segments: Segments | None = None
    longest: Segments | None = None
    """The same with the longest names."""


def preview(text: Text, known: Mapping[str, str], people: Mapping[str, str]) -> Preview:
    """The text as it is said with what is `known` of a practice and these `people`. What nothing is known for is
    marked, never left out."""
    filled = dict(people) | dict(known)
    try:
        used = set().union(*(render.variables_in(source) for source in text.sources))
        unknown = tuple(sorted(name for name in used if not filled.get(name)))
        filled |= {name: f"[{name.replace('_', ' ')}: not known]" for name in unknown}
        subject, body = (render.render(source, filled) if source else "" for source in (text.subject, text.body))
        if text.medium is not Medium.SMS:
            return Preview(_parts(text, filled), subject, body, unknown=unknown)
        longest = render.render(text.body, filled | values.LONG_PEOPLE)
    except ScriptError as problem:
        return Preview(problem=str(problem))
    body = plain(body)
    counted = count(body), count(plain(longest))
    return Preview((), subject, body, unknown=unknown, segments=counted[0], longest=counted[1])


def _parts(text: Text, filled: Mapping[str, str]) -> tuple[PreviewPart, ...]:
    """Just as the agent's card shows them."""
    if text.medium is not Medium.CALL:
        return ()
    return tuple(
        PreviewPart(
            each.number,
            each.part,
            each.title,
            each.html,
            outcome_words(text.kind, each.section.outcome) if each.section.outcome else "",
        )
        for each in said(text.body, filled)[0]
    )


def jumps(body: str) -> list[tuple[int, str, Part, int]]:
    """The outline of what was typed: (number, title, part, line from 0 it begins in)."""
    starts = [0, *(number for number, line in enumerate(body.split("\n")) if _is_heading(line))]
    return [
        (section.number, section.title or PART_WORDS[section.part], section.part, start)
        for section, start in zip(outline(body), starts, strict=False)
    ]


def _is_heading(line: str) -> bool:
    return HEADING.match(line.rstrip("\r")) is not None
