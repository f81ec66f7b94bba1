"""`ops gate`: ask the contact gate from the command line, one contact or a file of them. Needs no database."""

import json
import sys
from typing import Any, BinaryIO

import click

from ops import clock
from ops.config import settings
from ops.contact.asked import ASSUMED, BadFacts, Question, question
from ops.contact.facts import Channel, Decision
from ops.contact.gate import decide
from ops.contact.places import zone_info
from ops.phrases import moment_words
from ops.zones import AT_HOME


def _options(command: Any) -> Any:
    for names, how in reversed(OPTIONS):
        command = click.option(*names, **how)(command)
    return command


OPTIONS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--channel",), {"type": click.Choice([channel.value for channel in Channel]), "help": "How to reach them."}),
    (("--at",), {"help": "The moment, ISO 8601 with a zone or Z. Default: now."}),
    (("--state",), {"help": "State of the address, two letters."}),
    (("--zip",), {"help": "ZIP code of the address."}),
    (("--phone",), {"help": "The number, E.164."}),
    (("--stated-zone",), {"help": "The time zone they told us (IANA name)."}),
    (("--stated-state",), {"help": "The state they told us they are in."}),
    (("--attempts-24h",), {"type": int, "help": "Calls and texts to the number in the last 24 hours."}),
    (("--attempts-limit",), {"type": int, "help": "The agency's own limit. Default: ATTEMPTS_PER_DAY."}),
    (("--suppression", "suppressions"), {"multiple": True, "help": "A suppression that applies. Repeatable."}),
    (("--no-suppression", "none_stands"), {"is_flag": True, "default": None, "help": "We looked: none stands."}),
    (("--unread-reply/--no-unread-reply",), {"default": None, "help": "They wrote something that nobody has read."}),
    (("--birth-date",), {"help": "YYYY-MM-DD."}),
    (("--deceased/--alive",), {"default": None, "help": "Has a death date."}),
    (("--wrong-person",), {"is_flag": True, "default": None, "help": "The number is somebody else's."}),
    (("--litigator",), {"is_flag": True, "default": None, "help": "On the do-not-contact list of attorneys."}),
    (("--baa/--no-baa",), {"default": None, "help": "Is a business associate agreement on file?"}),
    (("--practice",), {"type": click.Choice(["active", "paused", "ended"]), "help": "State of the practice."}),
    (("--scrubbed-on",), {"help": "Day of the last do-not-call scrub, YYYY-MM-DD."}),
    (("--last-visit-on",), {"help": "Day the practice last dealt with them, YYYY-MM-DD."}),
    (("--consent",), {"type": click.Choice(["written", "verbal", "none", "other_seller"])}),
    (("--basis",), {"type": click.Choice(["own_service", "authorization", "blocked"])}),
    (("--friend-opted-in/--friend-not-opted-in",), {"default": None, "help": "For a referred friend."}),
    (("--loop-level",), {"type": int, "help": "What the referrer is told: 0 thanks, 1 connected, 2 treatment."}),
    (("--loop-consent",), {"type": int, "help": "The level the friend agreed to."}),
    (("--incentive/--no-incentive",), {"default": None, "help": "Does it offer a reward?"}),
    (("--campaign-registered/--campaign-unregistered",), {"default": None, "help": "The practice's texts."}),
    (("--text-has-phi/--text-without-phi",), {"default": None, "help": "Of a text or email."}),
    (("--text-approved/--text-not-approved",), {"default": None, "help": "Of a text or email."}),
    (("--lock-held/--lock-lost",), {"default": None, "help": "Does whoever asks still hold it?"}),
]


@click.command()
@click.option("--batch", is_flag=True, help="Read one JSON object of facts per line from standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as one line of JSON.")
@click.option("--strict", is_flag=True, help="What is not said is unknown, and blocks where something stands with it.")
@_options
def gate(batch: bool, as_json: bool, strict: bool, **given: Any) -> None:
    """May this person be contacted now? Says yes, or why not and when it opens.

    A fact that is not said is taken for that of an ordinary patient's contact, and named beside the answer; so hours
    and places can be asked about alone. With --strict it is unknown, as it is for the product itself, and blocks.
    """
    given = {name: value for name, value in given.items() if value not in (None, ())}
    if batch and given:
        raise click.UsageError("--batch takes its facts from standard input, not from options")
    if batch:
        sys.exit(_batch(sys.stdin.buffer, ordinary=not strict))
    if given.pop("none_stands", False):
        given.setdefault("suppressions", ())
    try:
        asked = _question(given, ordinary=not strict)
    except BadFacts as error:
        click.echo(_line({"error": str(error)}) if as_json else f"ops gate: {error}", err=not as_json)
        sys.exit(1)
    decision = decide(asked.facts, asked.at)
    click.echo(_line(as_dict(decision)) if as_json else in_words(decision) + ("" if strict else _taken(given)))


commands = [gate]


def as_dict(decision: Decision) -> dict[str, Any]:
    """The decision as it is printed: times ISO 8601 in UTC, `window` a pair of them."""
    return {
        "allow": decision.allow,
        "reasons": [reason.value for reason in decision.reasons],
        "places": [place._asdict() for place in decision.places],
        "window": decision.window and [moment.isoformat() for moment in decision.window],
        "opens_at": decision.opens_at and decision.opens_at.isoformat(),
        "rules": decision.rules_version,
    }


def in_words(decision: Decision) -> str:
    """One or two lines for a person."""
    places = ", ".join(f"{place.state} {place.zone} ({place.source})" for place in decision.places)
    verdict = "ALLOW" if decision.allow else "BLOCK " + " ".join(decision.reasons)
    at, where = decision.opens_at, decision.places[0].zone if decision.places else AT_HOME
    opens = f", opens {moment_words(at.astimezone(zone_info(where)))}" if at and not decision.allow else ""
    return f"{verdict}{opens} [rules {decision.rules_version}]\n{places}"


def _taken(given: dict[str, Any]) -> str:
    missing = [name for name in ASSUMED if name not in given]
    return f"\nNot said, taken as for an ordinary patient: {', '.join(missing)}" if missing else ""


def _question(given: dict[str, Any], *, ordinary: bool) -> Question:
    return question(given, now=clock.now(), attempts_limit=settings().attempts_per_day, ordinary=ordinary)


def _batch(lines: BinaryIO, *, ordinary: bool) -> int:
    """Answer each line with a line; 1 if any could not be read as facts."""
    failed = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            asked = _question(_parsed(line), ordinary=ordinary)
        except BadFacts as error:
            failed = 1
            click.echo(_line({"error": str(error), "line": number}))
            continue
        click.echo(_line(as_dict(decide(asked.facts, asked.at))))
    return failed


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadFacts(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadFacts("not a JSON object")
    return found


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, default=str)
