"""Asks, friends, what became of them, and the word back to the referrer."""

from ops.referrals.actions.closing import close_loop, note_told
from ops.referrals.actions.matching import follow, not_them, say_who
from ops.referrals.actions.moving import NOTHING, Told, move_referral, take_back
from ops.referrals.actions.receiving import NewFriend, add_email, receive_referral, record_ask

__all__ = [
    "NOTHING",
    "NewFriend",
    "Told",
    "add_email",
    "close_loop",
    "follow",
    "move_referral",
    "not_them",
    "note_told",
    "receive_referral",
    "record_ask",
    "say_who",
    "take_back",
]
