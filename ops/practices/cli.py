"""`ops practice add | edit | live | list | show`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import click

from ops import clock
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions, queries
from ops.practices.actions.practices import Changes, Details
from ops.practices.lacking import lacks
from ops.practices.models import Practice

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DAY = click.DateTime(["%Y-%m-%d"])
DETAILS = {
    "spoken_name": "How an agent says it on the phone.",
    "specialty": "What it does.",
    "helps_best": "Whom it helps best, as said in the ask.",
    "shareable": "Short description a patient can forward.",
    "website": "Where to book, https://...",
    "sender_name": "Signs texts and emails.",
    "sender_email": "The address its emails come from.",
    "callback_number": "Where patients can call back.",
}


def details(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each detail of a practice, and for the review links."""
    link = click.option("--review-link", "links", multiple=True, metavar="SITE=URL", help="Again for each site.")
    for name, help_text in reversed(DETAILS.items()):
        command = click.option(f"--{name.replace('_', '-')}", help=help_text)(command)
    return link(command)


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
@details
@AS_JSON
def add(
    slug: str,
    name: str,
    zone: str,
    state: str,
    baa: datetime | None,
    hours: str | None,
    links: tuple[str, ...],
    as_json: bool,
    **told: str | None,
) -> None:
    """Add a practice with the default treatments. It is not live yet: `ops practice live`."""
    given = cast(Details, {what: value for what, value in told.items() if value is not None})
    with _refusing():
        new = actions.add_practice(
            slug, name, zone, state, baa.date() if baa else None, hours=_hours(hours) if hours else None, **given
        )
        _add_links(new, links)
    _say(_facts(new), f"Added {new.name} ({new.slug}), {new.zone}.\n{_standing(new)}", as_json)


@practice.command()
@click.argument("slug")
@click.option("--name", help="As the practice writes itself.")
@click.option("--zone", help="IANA time zone, e.g. America/Chicago.")
@click.option("--state", help="Two-letter US state.")
@click.option("--baa", type=DAY, help="Day the BAA was signed.")
@click.option("--hours", help="Contract hours per month, from today.")
@details
@AS_JSON
def edit(
    slug: str, baa: datetime | None, hours: str | None, links: tuple[str, ...], as_json: bool, **told: str | None
) -> None:
    """Change what is given of a practice, and nothing else; "" takes a detail away."""
    with _refusing():
        found = _found(slug)
        given = cast(Changes, {what: value for what, value in told.items() if value is not None})
        if baa:
            given["baa_on"] = baa.date()
        actions.edit_practice(found, **given)
        if hours:
            actions.set_contract(found, _hours(hours), clock.today(found.zone))
        _add_links(found, links)
    _say(_facts(found), f"Changed {found.name}.\n{_standing(found)}", as_json)


@practice.command()
@click.argument("slug")
@AS_JSON
def live(slug: str, as_json: bool) -> None:
    """From now on its patients are contacted. Refused, with the list, while something is missing."""
    with _refusing():
        found = _found(slug)
        actions.go_live(found)
    _say(_facts(found), f"{found.name} is live.", as_json)


@contextmanager
def _refusing() -> Iterator[None]:
    """A transaction in which what is refused ends the command with the sentence."""
    try:
        with transaction("cli"):
            yield
    except Refused as problem:
        raise click.ClickException(str(problem)) from None


def _found(slug: str) -> Practice:
    if found := queries.by_slug(slug):
        return found
    raise click.ClickException(f"There is no practice called {slug}.")


def _add_links(practice: Practice, links: tuple[str, ...]) -> None:
    for link in links:
        site, _, url = link.partition("=")
        actions.add_review_link(practice, site, url)


def _standing(practice: Practice) -> str:
    """Whether it is live, and if it is not, what is missing."""
    missing = lacks([practice]).get(practice.id, [])
    lines = [f"{practice.name} is {practice.status_words}{'. Missing:' if missing else '.'}"]
    return "\n".join(lines + [f"  {one.words}" for one in missing])


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
    found = _found(slug)
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
        "missing": [{one.lack: one.words} for one in lacks([practice]).get(practice.id, [])],
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
