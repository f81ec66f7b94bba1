"""The gate's reason codes in the words people read. The one list of them; pages with other needs start from here."""

from collections.abc import Iterable

from ops.contact.facts import Reason
from ops.practices.age import ADULT_YEARS
from ops.work.reasons import Waits

REASON_WORDS: dict[str, str] = {
    Reason.HOURS_STATE: "outside the lawful hours of the place",
    Reason.HOURS_UNKNOWN_PLACE: "place unknown, only the narrowest hours are safe",
    Reason.HOLIDAY: "a holiday on which the place allows no contact",
    Reason.HOLIDAY_TABLE_MISSING: "no holiday table for this year",
    Reason.RULES_EXPIRED: "the rule table of the place has expired",
    Reason.CAP_24H: "contacted often enough in the last 24 hours",
    Reason.DNC_INTERNAL: "asked this practice not to be contacted",
    Reason.DNC_AGENCY: "asked the agency not to be contacted",
    Reason.DNC_NATIONAL: "on the national do-not-call list",
    Reason.SCRUB_OLDER_31D: "no do-not-call check in 31 days, and no visit in 18 months",
    Reason.STOP_SMS: "wrote STOP",
    Reason.STOP_VOICE: "asked not to be called",
    Reason.UNSUB_EMAIL: "unsubscribed from email",
    Reason.BOUNCED: "email address does not work",
    Reason.COMPLAINT: "complained about a message",
    Reason.NO_CONSENT_CHANNEL: "no consent on file for this channel",
    Reason.CONSENT_OTHER_SELLER: "consent was given to another business",
    Reason.REASSIGNED_SUSPECT: "the number may be somebody else’s by now",
    Reason.WRONG_PERSON: "the number belongs to somebody else",
    Reason.MINOR: f"under {ADULT_YEARS}",
    Reason.DECEASED: "has died",
    Reason.LITIGATOR: "on the list of people never to contact",
    Reason.UNREAD_REPLY: Waits.UNREAD_REPLY.words,
    Reason.NO_BAA: "the practice has no BAA on file",
    Reason.PRACTICE_PAUSED: "the practice is paused, has ended or is not live yet",
    Reason.BASIS_MISSING: "no legal basis for this contact",
    Reason.FRIEND_NOT_OPTED_IN: "the friend has not agreed to be contacted",
    Reason.LOOP_CONSENT_MISSING: "the friend has not agreed that the referrer is told",
    Reason.INCENTIVE_FORBIDDEN_STATE: "a reward is forbidden in this state",
    Reason.CAMPAIGN_UNREGISTERED: "the practice’s texts are not registered",
    Reason.TEXT_HAS_PHI: "the text says too much",
    Reason.TEXT_NOT_APPROVED: "the text is not approved",
    Reason.LOCK_LOST: "somebody else was faster",
    Reason.STORE_UNREADABLE: "what stands against it could not be read",
}


def reasons_words(codes: Iterable[str] | None) -> str:
    """Codes as one phrase, "" for none; a code nobody wrote words for is shown as it is."""
    return ", ".join(dict.fromkeys(REASON_WORDS.get(code, code.replace("_", " ").lower()) for code in codes or ()))
