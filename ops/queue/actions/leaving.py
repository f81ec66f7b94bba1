"""Somebody goes: what was assigned to them is anybody's in the same transaction, and each task's story says why.

Kept is what may be worked now and nobody else is offered (`keeping`). What is promised for later stays theirs by name,
and is looked at when it comes due: if they are not present then, it is anybody's from that moment on.
"""

from collections.abc import Collection

from ops.queue import presence
from ops.queue.actions import moves

KEPT = """
    t.offered AND t.owner_until > :now
    AND EXISTS (SELECT FROM lanes l WHERE l.id = t.lane_id AND window_open(l.opens_at, l.closes_at, :now))
"""
AWAY = "not at work when it was due"


def let_go(user_id: int, why: str, actor: str, *, also: Collection[int] = (), for_good: bool = False) -> int:
    """This person went: how many tasks of theirs are anybody's; none when they are still present, in another browser.

    `also`: tasks of theirs that are not due yet; `for_good`: all of them.
    """
    if presence.is_present(user_id):
        return 0
    which = "true" if for_good else f"(t.id = ANY (:also) OR {KEPT})"
    asked = {"user": user_id} | ({} if for_good else {"also": list(also)})
    return moves.let_go(f"t.owner_id = :user AND {which}", why, actor, wait=True, **asked)


def let_go_of_absent() -> int:
    """What is assigned to who is not present is anybody's; how many. They vanished, or it came due meanwhile."""
    return moves.let_go(f"{KEPT} AND t.owner_id NOT IN ({presence.HERE})", AWAY, "tick", wait=False)
