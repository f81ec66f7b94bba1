"""How far a friend has come and on whose word, in words."""

from ops.work.answers import ReferralState, Source

STATE_WORDS = {
    ReferralState.RECEIVED: "Received, not contacted yet",
    ReferralState.CONTACTED: "Contacted",
    ReferralState.CONNECTED: "Talked to, not booked yet",
    ReferralState.BOOKED: "Booked",
    ReferralState.NO_SHOW: "Did not come",
    ReferralState.SHOWED: "Came to the visit",
    ReferralState.TREATED: "Treated",
    ReferralState.LOST: "Not going on",
}
FOUND = "Found among the practice’s patients"
SOURCE_WORDS = {
    Source.CALL: "on a call",
    Source.PRACTICE_SAID: "on the practice's word",
    Source.MEMBER: "by the practice",
    Source.FILE: "by the practice's file",
}
