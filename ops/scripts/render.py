"""Turn a script into what is said, for one patient. Pure.

Scripts are Liquid with allow-lists of variables, tags and filters, and limits on loops and length. A variable that is
unknown, or empty when it is needed, is an error when the script is saved or the card is drawn, never a blank on the
phone.
"""

from collections.abc import Mapping
from functools import lru_cache

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

from ops.scripts import marks

VARIABLES = {
    "patient_first_name": "Maria",
    "practice_name": "Harbor Skin Clinic",
    "practice_spoken_name": "Harbor Skin",
    "helps_best": "women 35 to 55 who want to look refreshed, not different",
    "shareable": "They explain every step and never push.",
    "website": "https://harbor.example.com",
    "callback_number": "(619) 555-0142",
    "agent_first_name": "Dana",
    "agent_last_name": "Reyes",
    "agency_name": "Loopkeeper",
    "treatment_category": "injectable",
    "friend_first_name": "Ines",
    "referrer_first_name": "Maria",
    "review_links": "https://reviews.example.com/harbor",
}
"""What a script may use, each with a sample value for previews."""


class ScriptError(ValueError):
    """A script that cannot be saved or said, with a sentence for whoever wrote it."""


TAGS = frozenset(("content", "output", "illegal", "#", "comment", "doc", "echo", "assign"))
"""No conditions and no loops: what is said to one patient and not to another was read by nobody before it was
published, and an empty variable is an error anyway."""
FILTERS = frozenset(
    ("append", "capitalize", "default", "downcase", "first", "last", "lstrip", "prepend", "rstrip", "size", "squish")
) | {"strip", "truncate", "truncatewords", "upcase"}
"""What only shapes words. The rest of Liquid counts, joins and replaces: a line of it fills memory or never ends."""


class _Scripts(Environment):
    loop_iteration_limit = 200
    output_stream_limit = 20_000
    local_namespace_limit = 100_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.filters = {name: each for name, each in self.filters.items() if name in FILTERS}


_environment = _Scripts(undefined=StrictUndefined)


@lru_cache(maxsize=512)
def _parsed(source: str) -> BoundTemplate:
    if why := marks.problem(source):
        raise ScriptError(why)
    try:
        return _environment.from_string(source)
    except (LiquidError, RecursionError) as problem:
        raise ScriptError(f"The script cannot be read: {_first_line(problem)}") from problem


@lru_cache(maxsize=2048)
def variables_in(source: str) -> frozenset[str]:
    """The variables a script uses. Raises ScriptError when it is not valid Liquid."""
    return frozenset(_parsed(source).analyze().globals)


def used(values: Mapping[str, str], *sources: str) -> dict[str, str]:
    """Of these values those that the scripts use. Raises ScriptError when one is not valid Liquid."""
    names = frozenset().union(*map(variables_in, sources))
    return {name: value for name, value in values.items() if name in names}


def render(source: str, values: Mapping[str, str]) -> str:
    """The script with the values put in, as plain text. Raises ScriptError when one it uses is missing or empty."""
    template = _parsed(source)
    empty = sorted(name for name in variables_in(source) if not values.get(name))
    if empty:
        raise ScriptError(f"Nothing is known for: {', '.join(empty)}.")
    try:
        return template.render(**values)
    except Exception as problem:  # a script is a program somebody typed: whatever it trips over is its own fault
        raise ScriptError(f"The script cannot be said: {_first_line(problem)}") from problem


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
