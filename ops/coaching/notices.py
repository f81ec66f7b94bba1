"""What an agent has not read yet: asked on every page of theirs, so one statement over two small indexes."""

from dataclasses import dataclass

from ops.db import read_row


@dataclass(frozen=True)
class Notice:
    """How many calls somebody said something new about, and who."""

    calls: int
    names: tuple[str, ...]
    attempt_id: int
    """One of the calls; the only one where `calls` is 1."""
    newest: str
    """When the last of it was said, ISO 8601, and how much there is: another one is another notice."""

    @property
    def who(self) -> str:
        return " and ".join(self.names[:2]) + (" and others" if len(self.names) > 2 else "")


NEW = """
SELECT array_agg(new.attempt_id ORDER BY new.attempt_id) AS attempts,
    array_agg(u.name ORDER BY new.attempt_id) AS names, max(new.at) AS newest, count(*) AS much
FROM (SELECT c.attempt_id, c.author_id AS who, c.at FROM coaching_comments c
      WHERE c.agent_id = %(agent)s AND c.read_at IS NULL AND c.author_id <> c.agent_id
      UNION ALL SELECT s.attempt_id, s.marked_by, s.marked_at FROM scores s
      WHERE s.agent_id = %(agent)s AND s.read_at IS NULL) new
JOIN users u ON u.id = new.who
"""


def notice_for(agent_id: int) -> Notice | None:
    """What is new for this agent; None when nothing is."""
    row = read_row(NEW, {"agent": agent_id})
    if not row.attempts:
        return None
    newest = f"{row.newest.isoformat()} {row.much}"
    return Notice(len(set(row.attempts)), tuple(dict.fromkeys(row.names)), row.attempts[-1], newest)
