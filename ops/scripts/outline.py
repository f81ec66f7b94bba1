"""The parts of a call script: the opening, what to say, what they may answer, and what to leave on a machine. Pure.

A script is Markdown; its headings (`## …`) are its parts. What stands before the first heading is the opening. A
heading in quotation marks is something *they* may say, and what follows is the answer to that: `## "I'd have to
think"`. An arrow behind it names the outcome that usually comes of it: `## "Not now" -> not_now`. A heading
`## Voicemail` is what is left on a machine.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

HEADING = re.compile(r"^##(?!#)[ \t]*(?P<title>.*?)[ \t]*#*[ \t]*$")
ANSWER = re.compile(r'^["“„](?P<words>.+?)["”“][ \t]*(?:(?:->|→|=>)[ \t]*(?P<outcome>[a-z_]+))?$')
VOICEMAIL = "voicemail"


class Part(StrEnum):
    OPENING = "opening"
    SAY = "say"
    ANSWER = "answer"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True)
class Section:
    """One part of a script. `title` without marks (the opening has none), `text` Markdown, `outcome` what an answer
    usually leads to, `number` its place in the script from 0."""

    number: int
    part: Part
    title: str
    text: str
    outcome: str | None = None


def outline(body: str) -> tuple[Section, ...]:
    """The sections of a script in order; a leading opening even when it is empty."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in body.replace("\r\n", "\n").split("\n"):
        if heading := HEADING.match(line):
            sections.append((heading["title"], []))
        else:
            sections[-1][1].append(line)
    return tuple(_section(number, title, "\n".join(lines).strip()) for number, (title, lines) in enumerate(sections))


def _section(number: int, title: str, text: str) -> Section:
    if number == 0:
        return Section(number, Part.OPENING, "", text)
    if answer := ANSWER.match(title):
        return Section(number, Part.ANSWER, answer["words"].strip(), text, answer["outcome"])
    if title.casefold() == VOICEMAIL:
        return Section(number, Part.VOICEMAIL, title, text)
    return Section(number, Part.SAY, title, text)
