"""Names for people: kinds of work, media, states."""

from collections.abc import Mapping
from typing import NamedTuple

from ops.scripts.models import Medium, ScriptVersion, Variant, VersionState
from ops.work.kinds import KIND_WORDS, Kind
from ops.work.outcomes import rules_for


class Work(NamedTuple):
    """A kind of work: its name, and the outcomes an agent can choose from, by name."""

    label: str
    outcomes: Mapping[str, str]


WORK: Mapping[str, Work] = {
    kind.value: Work(KIND_WORDS[kind], {each.outcome.value: each.label for each in rules_for(kind)}) for kind in Kind
}
MEDIUM_WORDS = {Medium.CALL: "Call", Medium.SMS: "Text", Medium.EMAIL: "Email"}


def kind_words(kind: str) -> str:
    return WORK[kind].label if kind in WORK else kind.replace("_", " ")


def outcome_words(kind: str, outcome: str) -> str:
    return WORK[kind].outcomes.get(outcome, outcome) if kind in WORK else outcome


def state_words(version: ScriptVersion) -> str:
    """draft, published, retired, or "set aside" for a draft that nobody published."""
    if version.state is VersionState.RETIRED and version.published_at is None:
        return "set aside"
    if version.state is VersionState.PUBLISHED and version.variant is Variant.B:
        return "published as B"
    return str(version.state)
