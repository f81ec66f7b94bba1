"""What a script must keep, each as a sentence for whoever writes it. Pure.

`save_problems` is what a draft must keep to be stored: it can be read and said. `publish_problems` is what the law and
the people on the phone need before it is used: the duties of docs/rules.md A6 in the opening, nothing about treatment
on a machine or in a text (A12), the way out in every text (A7), and no variable that nothing is known for.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ops.contact import segments
from ops.contact.health_words import tells
from ops.scripts import render, values
from ops.scripts.models import Medium
from ops.scripts.outline import Part, Section, outline
from ops.scripts.render import VARIABLES, ScriptError

MAX_BODY = 20_000
MAX_SUBJECT = 200
MAX_NOTE = 500
MAX_SECTIONS = 60
FRIEND = "friend_follow_up"
WITHOUT_AGENT = frozenset({"agent_first_name", "agent_last_name"})
WHO_SENT_THEM = frozenset({"patient_first_name", "referrer_first_name"})
FOR_WHOM = r"(?:on behalf of|calling for|calling from|from the team (?:at|of)|with the team (?:at|of)|in the name of)"
STOP = re.compile(r"\bSTOP\b")


class NotGood(ScriptError):
    """A script that breaks rules; `problems` has a sentence for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True)
class Text:
    """What is judged: a version as it was typed."""

    kind: str
    medium: Medium
    subject: str
    body: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.subject, self.body) if self.medium is Medium.EMAIL else (self.body,)


def allowed(kind: str, medium: Medium) -> dict[str, str]:
    """The variables such a script may use, with a sample of each."""
    return {name: sample for name, sample in VARIABLES.items() if why_not(name, kind, medium) is None}


def why_not(name: str, kind: str, medium: Medium) -> str | None:
    """Why a known variable must not be used in such a script; None when it may."""
    if kind == FRIEND and name in WHO_SENT_THEM:
        return f"{name} is whoever sent this friend, who must not be named. Use friend_first_name."
    if kind != FRIEND and name == "friend_first_name":
        return "friend_first_name is only known in a call, text or email to a friend."
    if medium is Medium.CALL:
        return None
    if name in WITHOUT_AGENT:
        return f"{name} is only known in calls: texts and emails go out by themselves too."
    return "treatment_category must not stand in texts and emails." if name == "treatment_category" else None


def save_problems(text: Text, outcomes: Collection[str]) -> list[str]:
    """What keeps the text from being stored. `outcomes`: the names an answer may lead to."""
    found = _limits(text)
    if found:
        return found
    for source in filter(None, text.sources):
        found += _sayable(text, source)
    if found:
        return list(dict.fromkeys(found))
    found = _outline_problems(outline(text.body), outcomes) if text.medium is Medium.CALL else _fits(text)
    return list(dict.fromkeys(found))


def _limits(text: Text) -> list[str]:
    if not text.body.strip():
        return ["The script is empty."]
    if len(text.body) > MAX_BODY:
        return [f"The script is too long: {len(text.body):,} characters, {MAX_BODY:,} at most."]
    subject = text.subject
    if text.medium is not Medium.EMAIL:
        return ["Only emails have a subject."] if subject else []
    if not subject.strip():
        return ["An email needs a subject."]
    if len(subject) > MAX_SUBJECT or any(ord(character) < 32 for character in subject):
        return [f"The subject is one line of up to {MAX_SUBJECT} characters."]
    return []


def _sayable(text: Text, source: str) -> list[str]:
    try:
        used = render.variables_in(source)
    except ScriptError as problem:
        return [str(problem)]
    if unknown := sorted(used - VARIABLES.keys()):
        return [f"Unknown variable: {', '.join(unknown)}. Known are: {', '.join(allowed(text.kind, text.medium))}."]
    if found := [why for name in sorted(used) if (why := why_not(name, text.kind, text.medium))]:
        return found
    try:
        said = render.render(source, VARIABLES)
    except ScriptError as problem:
        return [str(problem)]
    return [] if said.strip() else ["Nothing is left of the script when it is said."]


def _outline_problems(sections: tuple[Section, ...], outcomes: Collection[str]) -> list[str]:
    found = []
    if not sections[0].text:
        found.append("The opening is missing: what is said first stands before the first heading (## …).")
    if len(sections) > MAX_SECTIONS:
        found.append(f"The script has {len(sections)} parts, {MAX_SECTIONS} at most.")
    titles: set[str] = set()
    found += [f"In the opening: {why}" for why in _alone(sections[0].text)]
    for section in sections[1:]:
        found += _section_problems(section, outcomes)
        if section.part is Part.ANSWER and section.title.casefold() in titles:
            found.append(f"The answer “{section.title}” stands there twice.")
        if section.part is Part.ANSWER:
            titles.add(section.title.casefold())
    if sum(section.part is Part.VOICEMAIL for section in sections) > 1:
        found.append("There are two parts called Voicemail.")
    return found


def _alone(words: str) -> list[str]:
    """Why a part cannot be said by itself, as the card does: a condition must not span parts."""
    try:
        if render.variables_in(words) <= VARIABLES.keys():
            render.render(words, VARIABLES)
            return []
    except ScriptError as problem:
        return [str(problem)]
    return ["it uses what only another part says."]


def _section_problems(section: Section, outcomes: Collection[str]) -> list[str]:
    if not section.title:
        return ["A heading (##) has no words."]
    if section.part is Part.SAY and re.search(r"(->|→|=>)", section.title):
        return [
            f"“{section.title}” names an outcome, but is no answer: put what they say in quotation marks, "
            'like ## "Not now" -> not_now.'
        ]
    found = [] if section.text else [f"Nothing stands under “{section.title}”."]
    for words in (section.title, section.text):
        found += [f"In “{section.title}”: {why}" for why in _alone(words)]
    if section.outcome and section.outcome not in outcomes:
        found.append(f"“{section.outcome}” is no outcome of this kind of work. There are: {', '.join(outcomes)}.")
    return found


def _fits(text: Text) -> list[str]:
    if text.medium is not Medium.SMS:
        return []
    said = segments.plain(render.render(text.body, values.LONG_PEOPLE | VARIABLES_OF_PRACTICE))
    parts = segments.count(said).parts
    if parts <= segments.MAX_SEGMENTS and len(said) <= segments.MAX_CHARACTERS:
        return []
    return [f"The text is too long: {parts} parts with long names, {segments.MAX_SEGMENTS} at most."]


VARIABLES_OF_PRACTICE = {name: VARIABLES[name] for name in values.OF_PRACTICE}


def missing(text: Text, known: Mapping[str, str]) -> list[str]:
    """The variables of the practice that the text uses and nothing is known for."""
    used = set().union(*(render.variables_in(source) for source in text.sources))
    return [name for name in values.OF_PRACTICE if name in used and not known.get(name)]


def publish_problems(
    text: Text, known: Mapping[str, str], *, private: Iterable[str] = (), public: str = ""
) -> list[str]:
    """What keeps a text that can be stored from being used. `known`: what is known of the practice (for the agency's
    texts the longest of all); `private`, `public` as in `contact.telling`."""
    if lacking := missing(text, known):
        return [f"The practice has not told us: {', '.join(name.replace('_', ' ') for name in lacking)}."]
    everything = values.LONG_PEOPLE | dict(known)
    try:
        said = [render.render(source, everything) for source in text.sources if source]
    except ScriptError as problem:
        return [str(problem)]
    if text.medium is Medium.CALL:
        parts = outline(said[-1])
        return [*_duties(parts[0].text, everything), *_voicemail(text, parts, everything, private, public)]
    return _written("\n".join(said), text.medium, everything, private, public)


def _duties(opening: str, said: Mapping[str, str]) -> list[str]:
    """docs/rules.md A6: who calls, for whom, and the number to call back, in the first ten seconds."""
    words = " ".join(opening.split())
    names = "|".join(re.escape(" ".join(said[name].split())) for name in ("practice_name", "practice_spoken_name"))
    found = []
    if said["agent_first_name"] not in words or said["agent_last_name"] not in words:
        found.append(
            "The opening must give the agent’s first and last name: {{ agent_first_name }} {{ agent_last_name }}."
        )
    if not re.search(rf"\b{FOR_WHOM}\s+(?:the\s+)?\W*(?:{names})", words, re.IGNORECASE):
        found.append("The opening must say on whose behalf: “calling on behalf of {{ practice_spoken_name }}”.")
    if not said.get("callback_number"):
        found.append("There is no number to call back: the practice has not told us one.")
    elif said["callback_number"] not in words:
        found.append("The opening must give the number to call back: {{ callback_number }}.")
    return found


def _voicemail(
    text: Text, parts: tuple[Section, ...], said: Mapping[str, str], private: Iterable[str], public: str
) -> list[str]:
    """docs/rules.md A12: what is left on a machine is heard by anybody."""
    source = next((each.text for each in outline(text.body) if each.part is Part.VOICEMAIL), None)
    left = next((each.text for each in parts if each.part is Part.VOICEMAIL), "")
    if source is None:
        return []
    found = []
    if "treatment_category" in source:
        found.append("The voicemail must not say anything about a treatment: take {{ treatment_category }} out.")
    if why := tells(left, private, public):
        found.append(f"The voicemail tells too much. {why.replace('Texts and emails', 'Voicemails')}")
    if said.get("callback_number", "") not in left:
        found.append("The voicemail must give the number to call back: {{ callback_number }}.")
    return found


def _written(words: str, medium: Medium, said: Mapping[str, str], private: Iterable[str], public: str) -> list[str]:
    found = []
    if why := tells(words, private, public):
        found.append(why)
    if not any(said[name] in words for name in ("practice_name", "practice_spoken_name")):
        found.append("It must say who writes: {{ practice_name }}.")
    if medium is Medium.SMS and not STOP.search(words):
        found.append("A text says how to get no more of them: “Reply STOP to opt out.”")
    if medium is Medium.SMS and segments.count(segments.plain(words)).parts > segments.MAX_SEGMENTS:
        found.append(f"With the longest names it has more than {segments.MAX_SEGMENTS} parts.")
    return found
