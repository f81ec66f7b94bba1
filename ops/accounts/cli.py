"""`ops user`: accounts from the command line, for the first admin and for scripts."""

import json
import sys

import click

from ops.accounts import actions, links, queries
from ops.accounts.models import LinkPurpose, Role, User
from ops.db import transaction
from ops.errors import Refused

ACTOR = "command line"


@click.group()
def user() -> None:
    """People who sign in."""


@user.command()
@click.argument("email")
@click.option("--role", required=True, help="agent, lead, admin or member (of a practice)")
@click.option("--name", default="", help="How the person is called; made from the address when left out.")
@click.option("--practice", "slugs", multiple=True, metavar="SLUG", help="For members: a practice to see (repeatable).")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of inviting.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: id, email, role, practices, invite (or null).")
def add(email: str, role: str, name: str, slugs: tuple[str, ...], password_stdin: bool, as_json: bool) -> None:
    """Add an account. Without --password-stdin a link is printed with which the person chooses a password."""
    password = sys.stdin.read().rstrip("\r\n") if password_stdin else None
    try:
        with transaction(ACTOR):
            practice_ids = queries.practice_ids(slugs)
            person = actions.add_user(email, name=name, role=_role(role), practice_ids=practice_ids)
            token = _let_choose(person, password)
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None
    invite = links.address(token) if token else None
    if as_json:
        click.echo(json.dumps(_facts(person) | {"invite": invite}))
        return
    click.echo(f"Added {person.email} ({person.role}).")
    if invite:
        click.echo(f"Invitation, works once, for seven days:\n{invite}")


def _role(word: str) -> Role:
    try:
        return Role(word.strip().lower())
    except ValueError:
        raise Refused(f"There is no role {word!r}. Roles: {', '.join(Role)}.") from None


def _let_choose(person: User, password: str | None) -> str | None:
    """Set the password given, or make an invitation: its token."""
    if password is None:
        return links.make_link(person, LinkPurpose.INVITE)
    actions.set_password(person, password)
    return None


def _facts(person: User) -> dict[str, object]:
    return {
        "id": person.id,
        "email": person.email,
        "role": person.role.value,
        "practices": queries.practice_slugs(person),
    }


@user.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every account."""
    everyone = queries.everyone()
    if as_json:
        click.echo(json.dumps([_facts(person) | {"name": person.name, "active": person.active} for person in everyone]))
        return
    for person in everyone:
        practices = ", ".join(queries.practice_slugs(person))
        state = "" if person.active else " (closed)"
        click.echo(
            f"{person.id:>5}  {person.role.value:<7} {person.email:<40} {person.name}{state} {practices}".rstrip()
        )


@user.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True)
def link(email: str, as_json: bool) -> None:
    """Print a link with which a person sets a new password. Earlier links stop working."""
    person = queries.by_email(email)
    if person is None:
        raise click.ClickException(f"There is no account {email!r}.")
    purpose = LinkPurpose.RESET if person.password_hash else LinkPurpose.INVITE
    try:
        with transaction(ACTOR):
            address = links.address(links.make_link(person, purpose))
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(json.dumps({"email": person.email, "link": address}) if as_json else address)


commands = [user]
