"""Names for people: kinds of work, media, states. What kinds and outcomes there are, the queue says.

The queue owns kinds and outcomes and lies above this package, so it tells them when the application is put together
(`ops.create_app`), as contact tells practices how a refusal is kept.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ops.scripts.models import Medium, ScriptVersion, Variant, VersionState


class Work(NamedTuple):
    """A kind of work: its name, and the outcomes an agent can choose from, by name."""

    label: str
    outcomes: Mapping[str, str]


WORK: dict[str, Work] = {}
MEDIUM_WORDS = {Medium.CALL: "Call", Medium.SMS: "Text", Medium.EMAIL: "Mail"}


def work_is(known: Mapping[str, Work]) -> None:
    """Say which kinds of work there are. Called once by the factory."""
    WORK.clear()
    WORK.update(known)


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
