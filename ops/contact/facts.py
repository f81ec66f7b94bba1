"""The words of the contact gate: what it is told, what it answers, and the closed list of reasons (docs/rules.md
A14)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ops.contact.places import Place
from ops.contact.windows import Interval


class Reason(StrEnum):
    """Why a contact is blocked: shown to agents, counted in reports (docs/rules.md A14)."""

    HOURS_STATE = "HOURS_STATE"
    HOURS_UNKNOWN_PLACE = "HOURS_UNKNOWN_PLACE"
    HOLIDAY = "HOLIDAY"
    HOLIDAY_TABLE_MISSING = "HOLIDAY_TABLE_MISSING"
    RULES_EXPIRED = "RULES_EXPIRED"
    CAP_24H = "CAP_24H"
    DNC_INTERNAL = "DNC_INTERNAL"
    DNC_AGENCY = "DNC_AGENCY"
    DNC_NATIONAL = "DNC_NATIONAL"
    SCRUB_OLDER_31D = "SCRUB_OLDER_31D"
    STOP_SMS = "STOP_SMS"
    STOP_VOICE = "STOP_VOICE"
    UNSUB_EMAIL = "UNSUB_EMAIL"
    BOUNCED = "BOUNCED"
    COMPLAINT = "COMPLAINT"
    NO_CONSENT_CHANNEL = "NO_CONSENT_CHANNEL"
    CONSENT_OTHER_SELLER = "CONSENT_OTHER_SELLER"
    REASSIGNED_SUSPECT = "REASSIGNED_SUSPECT"
    WRONG_PERSON = "WRONG_PERSON"
    MINOR = "MINOR"
    DECEASED = "DECEASED"
    LITIGATOR = "LITIGATOR"
    UNREAD_REPLY = "UNREAD_REPLY"
    NO_BAA = "NO_BAA"
    PRACTICE_PAUSED = "PRACTICE_PAUSED"
    BASIS_MISSING = "BASIS_MISSING"
    FRIEND_NOT_OPTED_IN = "FRIEND_NOT_OPTED_IN"
    LOOP_CONSENT_MISSING = "LOOP_CONSENT_MISSING"
    INCENTIVE_FORBIDDEN_STATE = "INCENTIVE_FORBIDDEN_STATE"
    CAMPAIGN_UNREGISTERED = "CAMPAIGN_UNREGISTERED"
    TEXT_HAS_PHI = "TEXT_HAS_PHI"
    TEXT_NOT_APPROVED = "TEXT_NOT_APPROVED"
    LOCK_LOST = "LOCK_LOST"
    STORE_UNREADABLE = "STORE_UNREADABLE"


class Channel(StrEnum):
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about one contact. No fact has a default: whoever asks states each, so none can be forgotten.

    None means unknown, and unknown blocks, where a fact's own words do not say otherwise. Which row each comes from
    when the product asks: docs/gate-facts.md.
    """

    channel: str
    state: str | None
    """Of the address. This and the next four say where they may be; while none of them does, the hours of the unknown
    place hold, the narrowest there are."""
    zip: str | None
    phone: str | None
    """E.164."""
    stated_zone: str | None
    stated_state: str | None
    attempts_24h: int | None
    """Calls and texts to the number in the last 24 hours, over all practices."""
    attempts_limit: int | None
    """The agency's own limit; the hard cap of the rules holds above it."""
    suppressions: frozenset[str] | None
    """Reason codes of the suppressions about this person, number or address; an unknown one counts as DNC_INTERNAL. The
    wrong person and the do-not-contact list of attorneys are suppressions like any other."""
    unread_reply: bool | None
    """Did they write something, to whichever practice, that nobody has read yet? Nobody contacts them before,
    whatever the words are (docs/rules.md A4)."""
    birth_date: date | None
    """None: nobody told us. Many practices do not; a minor is blocked where the day is known."""
    deceased: bool | None
    baa: bool | None
    """Is a business associate agreement in force?"""
    practice: str | None
    """active, paused or ended."""
    scrubbed_on: date | None
    """The day of the do-not-call scrub this number was last in; None: in none."""
    last_visit_on: date | None
    """The last day the practice dealt with its patient: without a scrub a call or text rests on it (docs/rules.md
    A5)."""
    consent: str | None
    """For this channel: written, verbal, none (taken back), or other_seller (given to another business). None: nothing
    stands against it; a call by hand to the practice's own patient needs no more."""
    basis: str | None
    """HIPAA basis of the campaign: own_service, authorization, or blocked (docs/rules.md A12)."""
    friend_opted_in: bool | None
    """For a referred friend: did the friend opt in personally? None: no friend, but the practice's own patient."""
    loop_level: int | None
    """What a loop closing discloses: 0 thanks or no loop closing, 1 connected, 2 moving forward (docs/rules.md decision
    7)."""
    loop_consent: int | None
    """The level the friend has consented to; None is none."""
    incentive: bool | None
    """Does it offer a reward?"""
    campaign_registered: bool | None
    """Of a text: the practice's campaign is registered with the carriers, or no carrier takes part (docs/rules.md
    A7)."""
    text_has_phi: bool | None
    """Of a text or email, like the next. A call has no text: None allows it."""
    text_approved: bool | None
    lock_held: bool | None
    """Does the caller hold the lease or lock it asks under, as just read?"""


@dataclass(frozen=True)
class Decision:
    """The answer and what it rests on. `window` and `opens_at` are UTC; None for email, which has no hours."""

    allow: bool
    reasons: tuple[Reason, ...]
    places: tuple[Place, ...]
    window: Interval | None
    """The hours [opens, closes) that are open now, or the next within 14 days; None if there are none."""
    opens_at: datetime | None
    """The first moment from `at` on that the time of day allows; None if the block does not pass by itself."""
    rules_version: str
