"""The facts of a decision as they are stored beside it, and read again years later.

Only what differs from a usual contact is stored, so what a usual one is must never change: a new fact, or another usual
value, makes a new edition of the list, and every decision names the edition it was stored by.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from types import MappingProxyType
from typing import Any

from ops.contact.facts import Decision, Facts

EDITION = 3
AREA_CODE = slice(0, 5)
ANY_LINE = "5550100"
"""Stands for the digits of a number that a stored decision does not keep: places follow from the area code alone."""
DAYS = ("birth_date", "scrubbed_on", "last_visit_on")
USUAL: Mapping[str, Any] = MappingProxyType(
    {
        "channel": "call",
        "state": None,
        "zip": None,
        "stated_zone": None,
        "stated_state": None,
        "attempts_24h": 0,
        "attempts_limit": 2,
        "suppressions": frozenset(),
        "unread_reply": False,
        "birth_date": None,
        "deceased": False,
        "baa": True,
        "practice": "active",
        "scrubbed_on": None,
        "last_visit_on": None,
        "consent": None,
        "basis": "own_service",
        "friend_opted_in": None,
        "loop_level": 0,
        "loop_consent": 0,
        "incentive": False,
        "campaign_registered": None,
        "text_has_phi": None,
        "text_approved": None,
        "lock_held": True,
    }
)
"""Edition 3: a call by hand to the practice's own patient. The number is stored apart. Edition 2 did not ask for unread
replies and was the same else."""
USUAL_AT_FIRST: Mapping[str, Any] = MappingProxyType(
    {**USUAL, "campaign_registered": True, "text_has_phi": False, "text_approved": True}
    # what the gate took for granted then
)
"""Edition 1, which named itself not at all. Its decisions did not ask for the last visit either (`facts_of`)."""


def kept_facts(facts: Facts, decision: Decision) -> dict[str, Any]:
    """What a stored decision keeps, as JSON: what differs from a usual contact, of the number only what says where it
    is from, and the places."""
    given = facts.__dict__
    kept: dict[str, Any] = {name: given[name] for name, usual in USUAL.items() if given[name] != usual}
    kept["edition"] = EDITION
    kept["places"] = [list(place) for place in decision.places]
    if facts.phone:
        kept["area_code"] = facts.phone[AREA_CODE]
    for day in DAYS:
        if given[day]:
            kept[day] = given[day].isoformat()
    if facts.suppressions:
        kept["suppressions"] = sorted(facts.suppressions)
    return kept


def facts_of(kept: dict[str, Any], on: date) -> Facts:
    """The facts a decision of the day `on` rests on, from what was kept of them.

    Exact for US numbers; of a foreign one the digits that tell its zone are not kept.
    """
    known = {each.name for each in fields(Facts)}
    given: dict[str, Any] = {name: value for name, value in kept.items() if name in known}
    given["phone"] = kept["area_code"] + ANY_LINE if "area_code" in kept else None
    for day in DAYS:
        if given.get(day):
            given[day] = date.fromisoformat(given[day])
    if given.get("suppressions"):
        given["suppressions"] = frozenset(given["suppressions"])
    if kept.get("edition") in (2, EDITION):
        return Facts(**{**USUAL, **given})
    # A decision of edition 1 took the relation for granted: as if the practice had dealt with them that day.
    return Facts(**{**USUAL_AT_FIRST, "last_visit_on": on, **given})
