"""`ops agency show | set | logo`."""

import dataclasses
import json
from datetime import datetime
from pathlib import Path

import click

from ops.agency import actions, queries
from ops.agency.models import AgencySettings
from ops.db import db, transaction
from ops.errors import Refused

HOUR = click.DateTime(["%H:%M"])


@click.group()
def agency() -> None:
    """The agency's own name, number, address, logo and courtesy hours."""


@agency.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """What holds, and what the environment decides."""
    holds = dataclasses.asdict(queries.agency())
    wins = queries.set_there()
    facts = {
        name: {"value": str(value) if value else None, "environment": name in wins} for name, value in holds.items()
    }
    lines = (
        f"{name.replace('_', ' ') + ':':16} {fact['value'] or '-'}{'  (environment)' if fact['environment'] else ''}"
        for name, fact in facts.items()
    )
    click.echo(json.dumps(facts) if as_json else "\n".join(lines))


@agency.command("set")
@click.option("--name", help="As agents say it.")
@click.option("--number", help="To call back, for practices that gave none.")
@click.option("--postal-address", help="Stands below every email to patients.")
@click.option("--opens", type=HOUR, help="Nobody is called or texted before, by their own clock.")
@click.option("--closes", type=HOUR, help="Nor from then on.")
@click.option("--any-hour", is_flag=True, help="No courtesy hours: the law alone.")
def set_(
    name: str | None,
    number: str | None,
    postal_address: str | None,
    opens: datetime | None,
    closes: datetime | None,
    any_hour: bool,
) -> None:
    """Set what is given, and leave the rest."""
    try:
        with transaction("cli"):
            was = db.session.get(AgencySettings, 1) or AgencySettings(name="", number="", postal_address="")
            actions.set_agency(
                name=was.name if name is None else name,
                number=was.number if number is None else number,
                postal_address=was.postal_address if postal_address is None else postal_address,
                opens=None if any_hour else opens.time() if opens else was.opens,
                closes=None if any_hour else closes.time() if closes else was.closes,
            )
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Saved.")


@agency.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def logo(file: Path | None) -> None:
    """Set the logo to a PNG or JPEG file; without one there is no logo any more."""
    try:
        with transaction("cli"):
            if file:
                actions.set_logo(file.read_bytes())
            else:
                actions.remove_logo()
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    click.echo("Saved." if file else "The logo is gone.")


commands = [agency]
