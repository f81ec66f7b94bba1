"""What open tasks wait for, counted: one block per reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Block:
    """Tasks that are not offered for one reason (a gate code or a word of ours), and when the first of them opens."""

    practice_id: int
    code: str
    tasks: int
    opens_at: datetime | None


def merged(practice_id: int, blocks: Iterable[Block]) -> list[Block]:
    """One block per code, with all tasks and the earliest opening."""
    whole: dict[str, Block] = {}
    for block in blocks:
        so_far = whole.get(block.code)
        opens = [moment for moment in (block.opens_at, so_far and so_far.opens_at) if moment]
        tasks = block.tasks + (so_far.tasks if so_far else 0)
        whole[block.code] = Block(practice_id, block.code, tasks, min(opens, default=None))
    return list(whole.values())
