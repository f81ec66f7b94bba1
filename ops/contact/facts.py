"""The words of the contact gate: what it is told, what it answers, and the closed list of reasons (docs/rules.md
A14)."""

from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Facts:
    """What is known about one contact. Every default is that of an ordinary patient of an active practice.

    Where None means "could not be read" (suppressions, attempts_24h), it blocks. Where a fact is optional (scrubbed_on,
    consent, friend_opted_in, ...), None means it does not apply to this contact.
    """

    channel: str = Channel.CALL
    state: str | None = None
    zip: str | None = None
    phone: str | None = None
    """E.164."""
    stated_zone: str | None = None
    stated_state: str | None = None
    attempts_24h: int | None = 0
    """Calls and texts to the number in the last 24 hours, over all practices."""
    attempts_limit: int = 2
    """The agency's own limit; the hard cap of the rules holds above it."""
    suppressions: frozenset[str] | None = field(default_factory=frozenset)
    """Reason codes of the suppressions about this person, number or address; an unknown one counts as DNC_INTERNAL."""
    birth_date: date | None = None
    deceased: bool = False
    wrong_person: bool = False
    litigator: bool = False
    baa: bool = True
    practice: str = "active"
    """active, paused or ended."""
    scrubbed_on: date | None = None
    """The day of the do-not-call scrub this number was last in."""
    consent: str | None = None
    """For this channel: written, verbal, none, or other_seller (given to another business)."""
    basis: str | None = "own_service"
    """HIPAA basis of the campaign: own_service, authorization, or blocked (docs/rules.md A12)."""
    friend_opted_in: bool | None = None
    """For a referred friend: did the friend opt in personally?"""
    loop_level: int = 0
    """What a loop closing discloses: 0 thanks, 1 connected, 2 moving forward (docs/rules.md decision 7)."""
    loop_consent: int = 0
    """The level the friend has consented to."""
    incentive: bool = False
    """Does it offer a reward?"""
    campaign_registered: bool | None = None
    text_has_phi: bool = False
    text_approved: bool = True
    lock_held: bool = True
    """Does the caller still hold the lease or lock it asks under?"""


@dataclass(frozen=True)
class Decision:
    """The answer and what it rests on. `window` and `opens_at` are UTC; None for e-mail, which has no hours."""

    allow: bool
    reasons: tuple[Reason, ...]
    places: tuple[Place, ...]
    window: Interval | None
    """The hours [opens, closes) that are open now, or the next within 14 days; None if there are none."""
    opens_at: datetime | None
    """The first moment from `at` on that the time of day allows; None if the block does not pass by itself."""
    rules_version: str
