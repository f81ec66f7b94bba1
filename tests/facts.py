"""The facts of a contact against which nothing stands, all of them said."""

from typing import Any

from ops.contact.facts import Facts

ORDINARY: dict[str, Any] = {
    "channel": "call",
    "state": None,
    "zip": None,
    "phone": None,
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
    "consent": "written",
    "basis": "own_service",
    "friend_opted_in": None,
    "loop_level": 0,
    "loop_consent": 0,
    "incentive": False,
    "campaign_registered": True,
    "text_has_phi": False,
    "text_approved": True,
    "lock_held": True,
}
"""A patient of nowhere known who agreed in writing: no scrub and no visit is needed on any day."""


def ordinary(**over: Any) -> Facts:
    """That contact, with what is different about it."""
    return Facts(**{**ORDINARY, **over})
