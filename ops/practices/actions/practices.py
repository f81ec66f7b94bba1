"""Practices come, change, pause, come back and end."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops import clock
from ops.background import Job, ring
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.practices import checks, defaults
from ops.practices.actions.contracts import first_contract
from ops.practices.lacking import NotComplete, lacks
from ops.practices.models import Contract, Practice, ReviewLink, TreatmentType
from ops.practices.statuses import MOVES, Move, PracticeStatus


class Details(TypedDict, total=False):
    """What can be said about a practice beside its name, zone and state. All of it is text; "" takes a detail away."""

    spoken_name: str
    specialty: str
    helps_best: str
    shareable: str
    website: str
    sender_name: str
    sender_email: str
    callback_number: str


class Changes(Details, total=False):
    name: str
    zone: str
    state: str
    baa_on: date | None


CHECKS = {
    "name": lambda value: checks.text(value, "The name", 120, needed=True),
    "zone": checks.zone,
    "state": checks.state,
    "baa_on": lambda value: value and checks.day(value, "The day of the BAA"),
    "spoken_name": lambda value: checks.text(value, "The spoken name", 120),
    "specialty": lambda value: checks.text(value, "The specialty", 120),
    "helps_best": lambda value: checks.text(value, "Whom the practice helps best", 300),
    "shareable": lambda value: checks.text(value, "The shareable description", 500),
    "website": lambda value: checks.url(value, "The website"),
    "sender_name": lambda value: checks.text(value, "The sender name", 60),
    "sender_email": lambda value: checks.email(value, "The sender's email address"),
    "callback_number": lambda value: checks.phone(value, "The callback number"),
}


def add_practice(
    slug: str,
    name: str,
    zone: str,
    state: str,
    baa_on: date | None = None,
    *,
    hours: Decimal | float | None = None,
    starts_on: date | None = None,
    **details: Unpack[Details],
) -> Practice:
    """A new practice with the default treatments, and a contract of `hours` a month from `starts_on` (today). It is
    not live (`go_live`): its work is put together, and nobody is contacted.

    Without `baa_on` (the day the BAA was signed) nothing can be imported either. Raises Refused for a slug that is
    taken or a detail that cannot be right.
    """
    given = {"name": name, "zone": zone, "state": state, "baa_on": baa_on, **details}
    practice = Practice(slug=checks.slug(slug), status=PracticeStatus.SETUP, created_at=clock.now(), **_checked(given))
    practice.spoken_name = practice.spoken_name or practice.name
    practice.sender_name = practice.sender_name or practice.name[:60]
    for treatment in defaults.TREATMENTS:
        practice.treatment_types.append(
            TreatmentType(**{**treatment._asdict(), "match_words": list(treatment.match_words)})
        )
    if hours is not None:
        practice.contracts.append(first_contract(hours, starts_on or clock.today(practice.zone)))
    _insert(practice)
    ring(Job.PRACTICE_ADDED, practice.id)
    return practice


def _checked(given: dict) -> dict:
    return {what: CHECKS[what](value) for what, value in given.items()}


def _insert(practice: Practice) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(practice)
    except IntegrityError as problem:
        if "uq_practices_slug" not in str(problem.orig):
            raise
        raise Refused(f"There is a practice called {practice.slug} already.") from None


def edit_practice(practice: Practice, **changes: Unpack[Changes]) -> Practice:
    """Change details. Raises Refused when one of them cannot be right; then none is changed."""
    checked = _checked(dict(changes))
    if "spoken_name" in checked:
        checked["spoken_name"] = checked["spoken_name"] or checked.get("name") or practice.name
    for what, value in checked.items():
        setattr(practice, what, value)
    db.session.flush()
    ring(Job.PRACTICE_CHANGED, practice.id)
    return practice


def go_live(practice: Practice) -> None:
    """From now on its patients are contacted. Raises NotComplete with the whole list while something is missing."""
    if practice.status is PracticeStatus.SETUP and (missing := lacks([practice]).get(practice.id)):
        raise NotComplete(practice, missing)
    _move(practice, Move.LIVE)


def pause_practice(practice: Practice) -> None:
    """Nobody is contacted for it until it is resumed; what is waiting keeps waiting."""
    _move(practice, Move.PAUSE)


def resume_practice(practice: Practice) -> None:
    _move(practice, Move.RESUME)


def end_practice(practice: Practice) -> None:
    """The last day is today: its contract ends with it, later contracts fall away, nothing is imported or contacted."""
    _move(practice, Move.END)
    tomorrow = clock.today(practice.zone) + timedelta(days=1)
    db.session.execute(sa.delete(Contract).where(Contract.practice_id == practice.id, Contract.starts_on >= tomorrow))
    db.session.execute(
        sa.update(Contract)
        .where(Contract.practice_id == practice.id, sa.or_(Contract.ends_on.is_(None), Contract.ends_on > tomorrow))
        .values(ends_on=tomorrow)
    )
    db.session.expire(practice, ["contracts"])


def reopen_practice(practice: Practice) -> None:
    """An ended practice comes back as a new one does: not live, and without a contract, so that nothing starts by
    surprise."""
    _move(practice, Move.REOPEN)


def _move(practice: Practice, move: Move) -> None:
    """Compare and set, so that of two people who press at once one is told."""
    only_from, to = MOVES[move]
    moving = sa.update(Practice).where(Practice.id == practice.id, Practice.status.in_(only_from)).values(status=to)
    if to is PracticeStatus.ACTIVE:
        moving = moving.values(resumed_at=clock.now())
    moved = db.session.execute(moving)
    db.session.refresh(practice)
    if not rows_changed(moved):
        raise Refused(practice.cannot_now)
    ring(Job.PRACTICE_CHANGED, practice.id)


def add_review_link(practice: Practice, label: str, url: str) -> ReviewLink:
    """Where patients can leave a review, as shown to every one of them (docs/rules.md A10). At most 10 a practice."""
    if len(practice.review_links) >= 10:
        raise Refused("A practice has at most 10 review links.")
    address = checks.url(url, "The review link")
    if not address:
        raise Refused("The review link is missing.")
    link = ReviewLink(label=checks.text(label, "The name of the review site", 60, needed=True), url=address)
    practice.review_links.append(link)
    db.session.flush()
    return link


def remove_review_link(practice: Practice, link: ReviewLink) -> None:
    practice.review_links.remove(link)
    db.session.flush()
