"""Which step of a referral may follow which. Pure."""

from ops.work.answers import ReferralState as S

FORWARD = (S.RECEIVED, S.CONTACTED, S.CONNECTED, S.BOOKED, S.SHOWED, S.TREATED)
"""Word of a later step may come first: who was treated has come, whether or not anybody noted it."""


def _later(state: S) -> frozenset[S]:
    return frozenset(FORWARD[FORWARD.index(state) + 1 :])


_NOT_YET_THERE = frozenset({S.LOST, S.NO_SHOW})
NEXT: dict[S, frozenset[S]] = {
    S.RECEIVED: _later(S.RECEIVED) | _NOT_YET_THERE,
    S.CONTACTED: _later(S.CONTACTED) | _NOT_YET_THERE,
    S.CONNECTED: _later(S.CONNECTED) | _NOT_YET_THERE,
    S.BOOKED: _later(S.CONNECTED) | _NOT_YET_THERE,
    S.NO_SHOW: _later(S.CONTACTED) | {S.LOST},
    S.SHOWED: _later(S.SHOWED) | {S.LOST},
    S.TREATED: frozenset(),
    S.LOST: _later(S.RECEIVED),
}
"""A booking may move to another day, who did not come may book again, a lost friend may come back; a treated one is the
end."""


def may_follow(was: S, becomes: S) -> bool:
    """Whether a referral in state `was` may become `becomes`."""
    return becomes in NEXT[was]
