"""`ops friend list | note | who | not-them | take-back`."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation

import click
import sqlalchemy as sa

from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.models import Practice
from ops.practices.queries import by_slug
from ops.referrals import actions, queries
from ops.referrals.models import Referral, ReferralEvent
from ops.referrals.steps import BY_STATE
from ops.referrals.words import STATE_WORDS
from ops.work.answers import ReferralState, Source

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DAY = click.DateTime(["%Y-%m-%d"])
HOUR = click.DateTime(["%H:%M"])


@click.group()
def friend() -> None:
    """Friends who were sent by patients, and what became of them."""


@friend.command("list")
@click.option("--practice", "slug", help="Of this practice alone.")
@click.option("--list", "shelf", type=click.Choice([*queries.Shelf]), default="all", help="Which list.")
@AS_JSON
def list_(slug: str | None, shelf: str, as_json: bool) -> None:
    """Friends, whose day has passed without word first."""
    practice = by_slug(slug) if slug else None
    if slug and practice is None:
        raise click.ClickException(f"There is no practice called {slug}.")
    lines, page, more = [], 1, True
    while more:
        some, more = queries.friends(practice.id if practice else None, queries.Shelf(shelf), page=page)
        lines += some
        page += 1
    facts = [
        {
            "id": line.referral.id,
            "practice": line.practice.slug,
            "name": line.referral.friend_name,
            "state": line.referral.state,
            "visit_on": line.referral.visit_on.isoformat() if line.referral.visit_on else None,
            "asked": line.asked,
            "patient": line.patient.external_id if line.patient and not line.maybe else None,
            "maybe_patient": line.patient.external_id if line.patient and line.maybe else None,
        }
        for line in lines
    ]
    words = [
        f"{line.referral.id:>6} {line.practice.slug:24} {line.referral.friend_name:20} "
        f"{STATE_WORDS[line.referral.state]}{' (did they come?)' if line.asked else ''}{_patient(line)}"
        for line in lines
    ]
    click.echo(json.dumps(facts) if as_json else "\n".join(words) or "Nobody is on this list.")


def _patient(line: queries.FriendLine) -> str:
    if line.patient is None:
        return ""
    return f" (is this {line.patient.external_id}?)" if line.maybe else f" (patient {line.patient.external_id})"


@friend.command()
@click.argument("friend_id", type=int)
@click.argument("state", type=click.Choice([*BY_STATE]))
@click.option("--visit-on", type=DAY, help="Day they booked.")
@click.option("--visit-time", type=HOUR, help="Hour they booked, by the practice's clock.")
@click.option("--on", "happened_on", type=DAY, help="Day they came or were treated.")
@click.option("--value", help="Dollars.")
@click.option("--why", default="", help="Why they are lost.")
def note(
    friend_id: int,
    state: str,
    visit_on: datetime | None,
    visit_time: datetime | None,
    happened_on: datetime | None,
    value: str | None,
    why: str,
) -> None:
    """Note what became of a friend, on the practice's word."""
    becomes = ReferralState(state)
    try:
        told = actions.Told(
            visit_on=visit_on.date() if visit_on else None,
            visit_time=visit_time.time() if visit_time else None,
            happened_on=happened_on.date() if happened_on else None,
            value=_dollars(value) if value else None,
            why=why,
        )
        with transaction("cli"):
            actions.move_referral(_found(friend_id), becomes, actor="cli", source=Source.PRACTICE_SAID, told=told)
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(BY_STATE[becomes].done)


@friend.command()
@click.argument("friend_id", type=int)
@click.argument("number")
def who(friend_id: int, number: str) -> None:
    """Say which patient the friend became, by the practice's number for them."""
    try:
        with transaction("cli"):
            found = _found(friend_id)
            patient = queries.patient_numbered(db.session.get_one(Practice, found.practice_id), number)
            actions.say_who(found, patient.id if patient else 0, actor="cli", source=Source.PRACTICE_SAID)
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Noted: that is the friend. Their visits count from now on.")


@friend.command("not-them")
@click.argument("friend_id", type=int)
def not_them(friend_id: int) -> None:
    """The patient of whom it is asked whether they are the friend is somebody else."""
    try:
        with transaction("cli"):
            found = _found(friend_id)
            if found.maybe_patient_id is None:
                raise Refused("Of nobody is it asked whether they are this friend.")
            actions.not_them(found, found.maybe_patient_id)
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Noted: that is somebody else.")


@friend.command("take-back")
@click.argument("friend_id", type=int)
def take_back(friend_id: int) -> None:
    """Take the last step of a friend back: it was a slip."""
    last = sa.select(sa.func.max(ReferralEvent.id)).where(ReferralEvent.referral_id == friend_id)
    try:
        with transaction("cli"):
            actions.take_back(_found(friend_id), db.session.scalar(last) or 0)
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Taken back.")


def _found(friend_id: int) -> Referral:
    found = db.session.get(Referral, friend_id)
    if found is None:
        raise Refused(f"There is no friend {friend_id}.")
    return found


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(f"{text!r} is no number of dollars.") from None


commands = [friend]
