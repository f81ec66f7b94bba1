"""Which step of a referral may follow which. Pure."""

from ops.work.answers import ReferralState as S

NEXT: dict[S, frozenset[S]] = {
    S.RECEIVED: frozenset({S.CONTACTED, S.CONNECTED, S.BOOKED, S.LOST}),
    S.CONTACTED: frozenset({S.CONNECTED, S.BOOKED, S.LOST}),
    S.CONNECTED: frozenset({S.BOOKED, S.SHOWED, S.LOST}),
    S.BOOKED: frozenset({S.SHOWED, S.TREATED, S.LOST}),
    S.SHOWED: frozenset({S.TREATED, S.LOST}),
    S.TREATED: frozenset(),
    S.LOST: frozenset({S.CONTACTED, S.CONNECTED, S.BOOKED}),
}
"""A lost friend may come back; a treated one is the end."""


def may_follow(was: S, becomes: S) -> bool:
    """Whether a referral in state `was` may become `becomes`."""
    return becomes in NEXT[was]
