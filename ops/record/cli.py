"""`ops patient`: what is decided on a patient's record, from a terminal."""

from collections.abc import Callable
from datetime import datetime
from secrets import token_hex

import click

from ops.contact.models import SuppressedChannel
from ops.contact.said_yes import was_wrong
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions
from ops.practices.models import MilestoneKind
from ops.practices.queries import by_slug
from ops.record import contact
from ops.record.actions import knowing, merging, refusing, unmerging
from ops.record.actions.refusing import Source
from ops.record.people import Human, by_number, human

ACTOR = "cli"
PRACTICE = click.option("--practice", "slug", required=True, help="The practice's short name.")
NUMBER = click.option("--number", required=True, help="The practice's own number for the patient.")
WHY = click.option("--why", required=True, help="The reason, kept with it.")


@click.group()
def patient() -> None:
    """What is decided about one patient."""


def _human(slug: str, number: str) -> Human:
    practice = by_slug(slug)
    if practice is None:
        raise click.ClickException(f"There is no practice called {slug}.")
    record = by_number(practice, number)
    found = human(practice, record.id) if record else None
    if found is None:
        raise click.ClickException(f"{practice.name} has no patient with the number {number}.")
    return found


def _do(verb: Callable[[], str]) -> None:
    try:
        with transaction(ACTOR):
            done = verb()
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(done)


@patient.command("may-contact")
@PRACTICE
@NUMBER
def may_contact(slug: str, number: str) -> None:
    """May they be contacted, by which way and why not, and what was said against it."""
    who = _human(slug, number)
    for way in contact.ways(who):
        click.echo(f"{way.label}: {'yes' if way.may else f'no, {way.why_not}'}")
    for said in contact.against(who):
        stands = f" (stands no more: {said.lifted})" if said.lifted else ""
        click.echo(f"{said.occasion or '-'}: {said.over}, {said.reason}; {said.source}{stands}")

    for yes in contact.in_files(who):
        stands = f" (no yes any more: {yes.why_not})" if yes.why_not else ""
        click.echo(f"yes {yes.id}: {yes.over}, “{yes.words}” under “{yes.header}” in {yes.file}{stands}")


@patient.command("yes-was-wrong")
@PRACTICE
@NUMBER
@click.option("--yes", "event_id", required=True, type=int, help="As `ops patient may-contact` names it.")
@WHY
def yes_was_wrong(slug: str, number: str, event_id: int, why: str) -> None:
    """What a file of the practice says that they agreed to was no yes."""
    who = _human(slug, number)

    def verb() -> str:
        was_wrong(who.practice.id, who.ids, event_id, why, ACTOR)
        return "It is no yes any more, nor is the same in a later file."

    _do(verb)


@patient.command("do-not-contact")
@PRACTICE
@NUMBER
@click.option(
    "--channel", "channels", multiple=True, required=True, type=click.Choice([each.value for each in SuppressedChannel])
)
@click.option("--source", required=True, type=click.Choice([each.value for each in Source]), help="How we heard.")
@click.option("--words", required=True, help="What they said.")
def do_not_contact(slug: str, number: str, channels: tuple[str, ...], source: str, words: str) -> None:
    """They do not want to be contacted, over some ways or any."""
    who, over = _human(slug, number), [SuppressedChannel(each) for each in channels]

    def verb() -> str:
        refusing.do_not_contact(who, over, Source(source), words, once=token_hex(8), actor=ACTOR)
        return f"Nobody of {who.practice.name} contacts them any more over: {', '.join(channels)}."

    _do(verb)


@patient.command()
@PRACTICE
@NUMBER
@click.option("--occasion", required=True, help="As `ops patient may-contact` names it.")
@WHY
def lift(slug: str, number: str, occasion: str, why: str) -> None:
    """What one of us entered about them was wrong."""
    who = _human(slug, number)

    def verb() -> str:
        refusing.lift(who, occasion, why, actor=ACTOR)
        return "It does not stand any more."

    _do(verb)


@patient.command("not-known-by")
@PRACTICE
@NUMBER
@click.option("--agent", "email", required=True, help="The agent's email address.")
def not_known_by(slug: str, number: str, email: str) -> None:
    """An agent who said that they know them personally is offered them again."""
    _do(lambda: f"{knowing.knows_them_not(_human(slug, number), email).name} may be offered them again.")


@patient.command()
@PRACTICE
@NUMBER
@click.option("--kind", required=True, type=click.Choice([each.value for each in MilestoneKind]))
@click.option("--on", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day, in the practice's zone.")
def milestone(slug: str, number: str, kind: str, day: datetime) -> None:
    """Something happened of which no file told us."""
    who = _human(slug, number)

    def verb() -> str:
        actions.record_milestone(who.practice, who.patient, MilestoneKind(kind), day.date())
        return "Recorded."

    _do(verb)


@patient.command()
@PRACTICE
@NUMBER
@click.option("--other", required=True, help="The number of the other record of theirs, which is merged into this one.")
@WHY
def merge(slug: str, number: str, other: str, why: str) -> None:
    """Two records are one person; --number is kept."""
    who, gone = _human(slug, number), _human(slug, other)

    def verb() -> str:
        made = merging.merge(who.practice, who.patient.id, gone.patient.id, why, actor=ACTOR)
        return f"Merge {made.id}: they are one person now."

    _do(verb)


@patient.command()
@PRACTICE
@click.option("--merge", "merge_id", required=True, type=int, help="As `ops patient merge` said.")
@WHY
def unmerge(slug: str, merge_id: int, why: str) -> None:
    """They are two people after all."""
    practice = by_slug(slug)
    if practice is None:
        raise click.ClickException(f"There is no practice called {slug}.")

    def verb() -> str:
        unmerging.unmerge(practice, merge_id, why, actor=ACTOR)
        return "They are two people again."

    _do(verb)


commands = [patient]
