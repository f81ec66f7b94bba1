"""Hours a practice buys per month. Days are the practice's own; `ends_on` is the first day without the contract."""

from datetime import date
from decimal import Decimal

from ops import clock
from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.phrases import day_words
from ops.practices import checks
from ops.practices.models import Contract, Practice, PracticeStatus


def set_contract(
    practice: Practice, hours: Decimal | float | str, starts_on: date, ends_on: date | None = None
) -> Contract:
    """`hours` a month from `starts_on` up to but not including `ends_on` (None: until further notice).

    A contract that runs on `starts_on` ends the day before; one that starts the same day is corrected, not doubled.
    Raises Refused when a later contract begins inside the new one.
    """
    amount = checks.hours(hours)
    checks.day(starts_on, "The first day")
    if ends_on is not None and checks.day(ends_on, "The last day") <= starts_on:
        raise Refused("A contract must last at least one day.")
    _lock(practice)
    same = _refuse_overlap(practice, starts_on, ends_on)
    if same is None:
        same = Contract(practice_id=practice.id, starts_on=starts_on)
        _end_running(practice, starts_on)
        db.session.add(same)
    same.hours_per_month, same.ends_on = amount, ends_on
    _changed(practice)
    return same


def first_contract(hours: Decimal | float | str, starts_on: date) -> Contract:
    """Of a practice that is just being added: no other one can be in its way. Raises Refused as `set_contract` does."""
    return Contract(hours_per_month=checks.hours(hours), starts_on=checks.day(starts_on, "The first day"))


def _lock(practice: Practice) -> None:
    """Two people changing one practice's contracts take turns. An ended practice buys nothing."""
    db.session.refresh(practice, ["status"], with_for_update=True)
    db.session.expire(practice, ["contracts"])
    if practice.status is PracticeStatus.ENDED:
        raise Refused(f"{practice.name} has ended; reopen it first.")


def _refuse_overlap(practice: Practice, starts_on: date, ends_on: date | None) -> Contract | None:
    """The contract that starts on the same day, if there is one. Raises Refused when a later one is in the way."""
    for other in practice.contracts:
        if other.starts_on > starts_on and (ends_on is None or other.starts_on < ends_on):
            raise Refused(
                f"Another contract begins on {day_words(other.starts_on)}; "
                "let this one end before that, or remove the other."
            )
    return next((other for other in practice.contracts if other.starts_on == starts_on), None)


def _end_running(practice: Practice, starts_on: date) -> None:
    for other in practice.contracts:
        if other.starts_on < starts_on and (other.ends_on is None or other.ends_on > starts_on):
            other.ends_on = starts_on
    db.session.flush()


def end_contract(practice: Practice, contract: Contract, ends_on: date) -> None:
    """Let a contract end; `ends_on` is the first day without it. It may move later if nothing follows."""
    if checks.day(ends_on, "The last day") <= contract.starts_on:
        raise Refused("A contract must last at least one day; remove it instead.")
    _lock(practice)
    _refuse_overlap(practice, contract.starts_on, ends_on)
    contract.ends_on = ends_on
    _changed(practice)


def remove_contract(practice: Practice, contract: Contract) -> None:
    """Take back a contract that has not begun before today; what was worked under is only ended."""
    _lock(practice)
    if contract.starts_on < clock.today(practice.zone):
        raise Refused("This contract has begun; give it a last day instead.")
    db.session.delete(contract)
    _changed(practice)


def _changed(practice: Practice) -> None:
    db.session.flush()
    db.session.expire(practice, ["contracts"])
    ring(Job.PRACTICE_CHANGED, practice.id)
