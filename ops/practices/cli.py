"""`ops practice add | list | show`."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from ops import clock
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions, queries
from ops.practices.actions.practices import Details
from ops.practices.models import Practice

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def practice() -> None:
    """Client practices."""


@practice.command()
@click.argument("slug")
@click.option("--name", required=True, help="As the practice writes itself.")
@click.option("--zone", required=True, help="IANA time zone, e.g. America/Chicago.")
@click.option("--state", required=True, help="Two-letter US state.")
@click.option("--baa", type=DAY, help="Day the BAA was signed; without it nothing can be imported.")
@click.option("--hours", help="Contract hours per month, from today.")
@AS_JSON
def add(slug: str, name: str, zone: str, state: str, baa: datetime | None, hours: str | None, as_json: bool) -> None:
    """Add a practice with the default treatments."""
    try:
        with transaction("cli"):
            new = actions.add_practice(
                slug, name, zone, state, baa.date() if baa else None, hours=_hours(hours) if hours else None
            )
    except Refused as problem:
        raise click.ClickException(str(problem)) from None
    _say(_facts(new), f"Added {new.name} ({new.slug}), {new.zone}.", as_json)


def _hours(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(f"{text!r} is no number of hours.") from None


@practice.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """All practices by name."""
    rows, page, more = [], 1, True
    while more:
        some, more = queries.overview(page=page)
        rows += some
        page += 1
    facts = [
        _facts(row.practice)
        | {"hours": _number(row.hours), "patients": row.patients, "last_import": _iso(row.last_import)}
        for row in rows
    ]
    lines = [
        f"{row.practice.slug:24} {row.practice.status:8} {row.hours or '-':>8} h/month {row.patients:>9,} patients  "
        f"{row.practice.name}"
        for row in rows
    ]
    _say(facts, "\n".join(lines) or "No practices yet: ops practice add", as_json)


@practice.command()
@click.argument("slug")
@AS_JSON
def show(slug: str, as_json: bool) -> None:
    """One practice with its contracts and treatments."""
    found = queries.by_slug(slug)
    if found is None:
        raise click.ClickException(f"There is no practice called {slug}.")
    facts = _facts(found) | _more(found)
    _say(facts, "\n".join(_lines(facts)), as_json)


def _facts(practice: Practice) -> dict[str, Any]:
    return {
        "id": practice.id,
        "slug": practice.slug,
        "name": practice.name,
        "zone": practice.zone,
        "state": practice.state,
        "baa_on": _iso(practice.baa_on),
        "status": str(practice.status),
    }


def _more(practice: Practice) -> dict[str, Any]:
    return {
        **{name: getattr(practice, name) for name in Details.__annotations__},
        "hours": _number(queries.hours_on(practice, clock.today(practice.zone))),
        "patients": queries.count_patients(practice),
        "contracts": [
            {"hours_per_month": _number(c.hours_per_month), "starts_on": _iso(c.starts_on), "ends_on": _iso(c.ends_on)}
            for c in practice.contracts
        ],
        "treatments": [
            {
                "name": kind.name,
                "category": kind.category,
                "opens_days": kind.opens_days,
                "peaks_days": kind.peaks_days,
                "closes_days": kind.closes_days,
                "recall_days": kind.recall_days,
            }
            for kind in practice.treatment_types
        ],
        "review_links": [{"label": link.label, "url": link.url} for link in practice.review_links],
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in facts.items():
        if isinstance(value, list):
            lines.append(f"{name}:")
            lines += ["  " + ", ".join(f"{key} {part}" for key, part in item.items()) for item in value]
        elif value not in (None, ""):
            lines.append(f"{name}: {value}")
    return lines


def _iso(value: Any) -> str | None:
    return value.isoformat() if value else None


def _number(value: Decimal | None) -> float | None:
    return float(value) if value is not None else None


def _say(facts: Any, words: str, as_json: bool) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else words)


commands = [practice]
