"""Why somebody did not get to the next stage, in words a clinic owner reads, and whose it is to change. Pure."""

from collections.abc import Sequence
from typing import NamedTuple, assert_never

from ops.contact.facts import Reason
from ops.metrics.measures import Owner, Stage
from ops.practices.age import ADULT_YEARS
from ops.work.answers import Answer, ReferralState
from ops.work.endings import EndReason
from ops.work.outcomes import Outcome
from ops.work.reasons import Waits


class Why(NamedTuple):
    """One reason. `open`: it is still being worked on, so nothing is lost yet."""

    words: str
    owner: Owner
    open: bool = False


class StageFacts(NamedTuple):
    """What is known of one patient of the cohort who stopped at a stage."""

    reachable: bool
    spared: bool
    """Another ask of the same patient was near."""
    declined: bool
    """Once said never to ask again."""
    running: bool
    end_reason: EndReason | None
    end_outcome: Outcome | None
    shut_reasons: Sequence[str] | None
    answer: str | None
    steps: Sequence[str]
    """States of their friend who got furthest, in order."""


AGENCY, PRACTICE, PATIENT = Owner.AGENCY, Owner.PRACTICE, Owner.PATIENT
_OPTED_OUT = Why("Asked not to be contacted", PATIENT)
_HOURS = Why("Waiting for lawful contact hours", AGENCY, open=True)
_NOT_PERMITTED = Why("Contact not permitted", AGENCY)
GATE: dict[str, Why] = {
    Reason.HOURS_STATE: _HOURS,
    Reason.HOURS_UNKNOWN_PLACE: _HOURS,
    Reason.HOLIDAY: _HOURS,
    Reason.CAP_24H: Why("Waiting: contacted too recently", AGENCY, open=True),
    Waits.ON_ANOTHER_CALL: Why("Waiting: contacted too recently", AGENCY, open=True),
    Waits.NO_NUMBER: Why("Waiting: no number to call", PRACTICE, open=True),
    Waits.PERSON_LIMIT: Why("Waiting: contacted too recently", AGENCY, open=True),
    Waits.UNREAD_REPLY: Why("Waiting: a reply has to be read first", AGENCY, open=True),
    Reason.DNC_INTERNAL: _OPTED_OUT,
    Reason.DNC_AGENCY: _OPTED_OUT,
    Reason.DNC_NATIONAL: _OPTED_OUT,
    Reason.STOP_SMS: _OPTED_OUT,
    Reason.STOP_VOICE: _OPTED_OUT,
    Reason.UNSUB_EMAIL: _OPTED_OUT,
    Reason.COMPLAINT: _OPTED_OUT,
    Reason.LITIGATOR: _OPTED_OUT,
    Reason.BOUNCED: Why("Number or address on file does not work", PRACTICE),
    Reason.REASSIGNED_SUSPECT: Why("Number on file is somebody else’s", PRACTICE),
    Reason.WRONG_PERSON: Why("Number on file is somebody else’s", PRACTICE),
    Reason.NO_CONSENT_CHANNEL: Why("No consent on file for this way of contact", PRACTICE),
    Reason.CONSENT_OTHER_SELLER: Why("No consent on file for this way of contact", PRACTICE),
    Reason.BASIS_MISSING: Why("No authorization on file", PRACTICE),
    Reason.NO_BAA: Why("Agreement with the practice not on file", PRACTICE),
    Reason.PRACTICE_PAUSED: Why("Work for the practice was paused", PRACTICE),
    Reason.DECEASED: Why("Has died", PATIENT),
    Reason.MINOR: Why(f"Under {ADULT_YEARS}", PATIENT),
}
UNREACHABLE = Why("No phone number or email address on file", PRACTICE)
ANSWERED: dict[Outcome, Why] = {
    Outcome.DO_NOT_CONTACT: _OPTED_OUT,
    Outcome.NOT_HAPPY: Why("Was not happy with the treatment", PRACTICE),
    Outcome.BAD_NUMBER: GATE[Reason.BOUNCED],
    Outcome.WRONG_PERSON: GATE[Reason.WRONG_PERSON],
}
"""Outcomes that end a cadence before the ask, in words; after others it is the agency's to answer for."""
SPARED = Why("Spared: another ask was near", PATIENT)
NEVER = Why("Does not want to be asked again", PATIENT)


def why_not(missed: Stage, facts: StageFacts) -> Why:
    """Why a patient who got as far as the stage before did not get to `missed`."""
    match missed:
        case Stage.IN_WINDOW:
            return _not_started(facts)
        case Stage.ASKED:
            return _not_asked(facts)
        case Stage.REACHED:
            return (
                Why("No answer yet, still trying", AGENCY, open=True) if facts.running else _ended(facts, "No answer")
            )
        case Stage.WILLING:
            return NEVER if facts.answer == Answer.NEVER else Why("Not now", PATIENT)
        case Stage.REFERRED:
            return Why("Willing, but no friend came yet", AGENCY)
        case _:
            return _friend(missed, facts.steps)


def _not_started(facts: StageFacts) -> Why:
    if not facts.reachable:
        return UNREACHABLE
    if facts.declined:
        return NEVER
    return SPARED if facts.spared else Why("Asking was not started", AGENCY)


def _not_asked(facts: StageFacts) -> Why:
    if not facts.reachable:
        return UNREACHABLE
    if not facts.running:
        return _ended(facts, "Its days were over before the ask")
    return _gate(facts.shut_reasons) or Why("Waiting their turn", AGENCY, open=True)


def _gate(codes: Sequence[str] | None) -> Why | None:
    """What the gate said, the lasting reasons before those that pass by themselves."""
    said = sorted((GATE.get(code, _NOT_PERMITTED) for code in codes or ()), key=lambda why: why.open)
    return said[0] if said else None


def _ended(facts: StageFacts, otherwise: str) -> Why:
    """Why the cadence ended; what is not said here is `otherwise`, the agency's to answer for."""
    agency = Why(otherwise, AGENCY)
    match facts.end_reason:
        case EndReason.BY_LEAD:
            return Why("Stopped by the agency", AGENCY)
        case EndReason.MAY_NOT:
            return _gate(facts.shut_reasons) or _NOT_PERMITTED
        case EndReason.NOT_SENT:
            return Why("Could not be sent: something was missing", AGENCY)
        case EndReason.STEPS_TAKEN:
            return Why("Every way was tried, none worked", PRACTICE)
        case EndReason.ANSWERED if facts.end_outcome:
            return ANSWERED.get(facts.end_outcome, agency)
        case EndReason.OTHER_CALL if facts.end_outcome is Outcome.DO_NOT_CONTACT:
            return _OPTED_OUT
        case EndReason.ANSWERED | EndReason.OTHER_CALL:
            return agency
        case EndReason.VISIT_WITHDRAWN | EndReason.VISIT_CHANGED:
            return Why("The visit was cancelled, moved or changed", PRACTICE)
        case EndReason.CAME_BACK:
            return Why("Came back before they were reached", AGENCY)
        case EndReason.DAYS_OVER | EndReason.WROTE_BACK | EndReason.OPTED_OUT | None:
            return agency
        case _:
            assert_never(facts.end_reason)


def _friend(missed: Stage, steps: Sequence[str]) -> Why:
    last = steps[-1] if steps else ReferralState.RECEIVED
    if last == ReferralState.LOST:
        return Why("Friend not reached, or decided against it", PATIENT)
    if missed is Stage.BOOKED:
        return {
            ReferralState.RECEIVED: Why("Friend not reached yet", AGENCY, open=True),
            ReferralState.CONTACTED: Why("Friend contacted, not talked to yet", AGENCY, open=True),
        }.get(ReferralState(last), Why("Friend talked to, no booking confirmed", PRACTICE, open=True))
    if last == ReferralState.NO_SHOW:
        return Why("Booked, did not come", PRACTICE, open=True)
    if missed is Stage.SHOWED:
        return Why("Booked, visit not confirmed", PRACTICE, open=True)
    return Why("Came, treatment not confirmed", PRACTICE, open=True)
