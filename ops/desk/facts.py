"""Everything a desk shows, read with one statement (card.sql): it is opened hundreds of times a day by everybody.

What is read of the patient is what the card and the gate need (minimum necessary); the rest of the row stays where it
is.
"""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from ops import clock
from ops.db import db, read_row

DESK = "SELECT desk_of(%(agent)s, %(at)s, %(undoable)s) AS found"
MOMENTS = ("promised_at", "claimed_at", "lease_until", "closes_at", "received_at")
DAYS = ("birth_date", "happened_on", "baa_on", "dealt_on")


def desk_of(agent_id: int, undoable: datetime) -> tuple[SimpleNamespace | None, SimpleNamespace]:
    """What is known about the task this agent holds (task, practice, patient, friend, script, history; None without
    one), and what stands beside every card: own keys, how leads set the desk, the outcome recorded after `undoable`
    that can still be taken back. Moments are aware."""
    (found,) = read_row(DESK, {"agent": agent_id, "at": clock.now(), "undoable": undoable})
    beside = SimpleNamespace(**found["beside"])
    beside.last_at = _moment(beside.last_at)
    return (_card(found["card"]) if found["card"] else None), beside


def in_hand(agent_id: int) -> SimpleNamespace | None:
    """The first half of `desk_of`."""
    return desk_of(agent_id, clock.now())[0]


def _card(found: dict[str, Any]) -> SimpleNamespace:
    facts = SimpleNamespace(**found)
    for name in MOMENTS:
        setattr(facts, name, _moment(found[name]))
    for name in DAYS:
        setattr(facts, name, date.fromisoformat(found[name]) if found[name] else None)
    facts.practice = SimpleNamespace(**facts.practice)
    facts.practice.review_links = [SimpleNamespace(url=url) for url in facts.practice.review_links]
    for each in (*facts.attempts_made, *facts.messages_sent, *facts.promises, *filter(None, [facts.next_promise])):
        each["at"] = _moment(each["at"])
    return facts


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def of_friend(facts: SimpleNamespace, key: bytes) -> tuple[list[str], bool]:
    """What stands against calling a friend who is known by an e-mail address as well: suppressions of the address, and
    whether they wrote something that nobody has read."""
    asked: dict[str, Any] = {"practice": facts.practice_id, "key": key, "at": clock.now()}
    against, unread = db.session.execute(BY_ADDRESS, asked).one()
    return list(against or ()), bool(unread)


BY_ADDRESS = sa.text(
    """
    SELECT suppressions, EXISTS (SELECT FROM inbound_messages i WHERE i.practice_id = :practice
                                 AND i.contact_key = :key AND i.meaning = 'maybe_stop' AND i.decided_at IS NULL)
    FROM contact_known(:practice, NULL, :key, 'call', :at, NULL)
    """
)
