"""What each count of open tasks counts: one definition for the count and for the list behind it. Pure."""

from enum import StrEnum

from ops.queue.waiting import Pile, Stood
from ops.work.reasons import Waits


class Which(StrEnum):
    """The counts of the board."""

    WAITING = "waiting"
    READY = "ready"
    LATER = "later"
    SHUT = "shut"
    """For its window alone."""
    OTHERWISE = "otherwise"
    """Not ready for another reason."""
    NOT_LIVE = "not_live"
    """Of a practice for which nothing is done now."""
    IN_PROGRESS = "in_progress"
    PROMISED = "promised"
    OVERDUE = "overdue"


WHICH_WORDS = {
    Which.WAITING: "Waiting",
    Which.READY: "Ready",
    Which.LATER: "Not ready yet",
    Which.SHUT: "Waiting for their hours",
    Which.OTHERWISE: "Not ready for other reasons",
    Which.NOT_LIVE: "Of practices that are not live",
    Which.IN_PROGRESS: "In progress",
    Which.PROMISED: "Promised",
    Which.OVERDUE: "Promised, and overdue",
}


def stands(one: Stood, which: Which) -> bool:
    """Whether the tasks of a pile count as this."""
    pile, waiting = one
    match which:
        case Which.WAITING | Which.PROMISED | Which.OVERDUE:
            return not pile.held
        case Which.READY:
            return not pile.held and not waiting
        case Which.LATER:
            return not pile.held and bool(waiting)
        case Which.SHUT:
            return not pile.held and {wait.code for wait in waiting} == {Waits.WINDOW_SHUT}
        case Which.OTHERWISE:
            return stands(one, Which.LATER) and not stands(one, Which.SHUT)
        case Which.NOT_LIVE:
            return not pile.held and not is_live(pile)
        case Which.IN_PROGRESS:
            return pile.held


def is_live(pile: Pile) -> bool:
    """Whether anything is done for its practice now."""
    return Waits.PRACTICE_NOT_ACTIVE not in pile.paused


def number_of(pile: Pile, which: Which, age: int | None = None) -> int:
    """How many tasks of a pile that stands so are counted."""
    match which:
        case Which.PROMISED:
            return pile.promised
        case Which.OVERDUE:
            return pile.overdue
    return pile.tasks if age is None else pile.ages[age]
