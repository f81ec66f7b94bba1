"""What an outcome does: the closed set that its row in the table is made of. Pure.

`ops/desk/actions/effects.py` applies them, each by one short function. Those that need nothing said are members of an
enum; those that do carry it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum

from ops.work.answers import Answer, ReferralState


class Then(StrEnum):
    """Where the task and its cadence go. Every outcome has one of these, or `Later`."""

    END = "end"
    """Both are over."""
    RETRY = "retry"
    """The same call again at another time of day; when the tries are used up, as `NEXT_STEP`."""
    TODAY = "today"
    """The same call again today, as a promise, to who is owed one; if their hours are over, as `RETRY`."""
    PROMISE = "promise"
    """The same call again at the time that was agreed."""
    NEXT_STEP = "next_step"
    """The call is over, the cadence goes on."""


@dataclass(frozen=True)
class Later:
    """The same call once more after this long; when the tries are used up, as `Then.END`."""

    after: timedelta


class Do(Enum):
    """What else is done, to what the task has: an effect on what it does not have changes nothing."""

    RAISE_CONCERN = "leads and the practice read at once what was said"
    TAKE_FRIEND = "a friend who was typed is received, thanked for, and called today"
    SEND_NOTE = "the note to forward goes out, unless we have the friend"
    CANCEL_OTHER_WORK = (
        "everything else about the person ends that `Ending.ends` says, over all their records; of a friend, nothing"
    )
    END_DOUBLE_ASKS = "who has answered is not asked the same again under another record of theirs"
    LOSE_FRIEND = "when the task is done, its referral is lost"
    KEEP_TOGETHER = "the practice's other work about the same person waits for the same agent"


@dataclass(frozen=True)
class NoteAnswer:
    """The answer of the ask the task belongs to."""

    answer: Answer


@dataclass(frozen=True)
class MoveReferral:
    """The referral of a friend's task takes this step, where it can follow."""

    becomes: ReferralState


@dataclass(frozen=True)
class Suppress:
    """The practice uses no more of their numbers and addresses over these channels, for this reason code of the
    gate (docs/rules.md A14)."""

    channels: tuple[str, ...]
    code: str


Effect = Do | Then | Later | NoteAnswer | MoveReferral | Suppress
