"""The `ops` command. Each package brings its own commands in a `cli.py`; they are imported when they are needed."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import click

from ops.config import settings
from ops.runtime.state import join

COMMANDS = {
    # command: (module, whether it needs the servers and an app context, what it does)
    "agency": ("ops.agency.cli", True, "The agency's own name, number, address, logo and courtesy hours."),
    "run": ("ops.runtime.cli", False, "Run the agency: database, queue, pages, workers and clock."),
    "doctor": ("ops.runtime.cli", False, "Say what runs and whether it is well."),
    "user": ("ops.accounts.cli", True, "People who sign in."),
    "practice": ("ops.practices.cli", True, "Client practices."),
    "patient": ("ops.record.cli", True, "What is decided about one patient: do not contact, milestones, merging."),
    "import": ("ops.imports.cli", True, "Load exports of a practice: CSV, TSV, XLSX or FHIR R4."),
    "friend": ("ops.referrals.cli", True, "Friends who were sent, and what became of them."),
    "gate": ("ops.contact.cli", False, "May this person be contacted then, and why not?"),
    "demo": ("ops.demo.cli", True, "Build the demo agency in an empty installation."),
    "bench": ("ops.bench.cli", False, "Measure speed and memory on scratch data."),
}


class Ops(click.Group):
    """Finds a command in the package it belongs to."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, _ = COMMANDS[name]
        commands: list[click.Command] = import_module(module).commands
        return next(command for command in commands if command.name == name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands without importing each of them, which takes seconds."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, _, words) in sorted(COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> object:
        name = ctx.protected_args[0] if ctx.protected_args else ctx.args[0] if ctx.args else None
        asks_for_help = {"--help", "-h"} & set(sys.argv)
        with _clear_words():
            if name != "run":
                join(settings().var_dir)
            if name in COMMANDS and COMMANDS[name][1] and not asks_for_help:
                with _at_work():
                    return super().invoke(ctx)
            return super().invoke(ctx)


def _went_away(problem: Exception) -> str:
    """What the driver says of a database or queue that went away, without the driver's name."""
    why = re.sub(r"^\([\w.]+\) ", "", str(problem).partition("\n")[0])
    return f"The database or the queue server does not answer, so this was not finished ({why}). Try again in a minute."


@contextmanager
def _clear_words() -> Iterator[None]:
    """A wrong setting or a server that does not start is told in a line, not as a traceback."""
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as problem:
        wrong = (f"{'.'.join(map(str, each['loc'])).upper() or 'settings'}: {each['msg']}" for each in problem.errors())
        raise click.ClickException("a setting is wrong: " + "; ".join(wrong)) from None
    except Exception as problem:
        # by name: importing them costs every command a second
        kinds = {kind.__name__ for kind in type(problem).__mro__ if kind.__module__ != "builtins"}
        if kinds & {"ServerError", "WrongKey"}:
            raise click.ClickException(str(problem)) from None
        if kinds & {"OperationalError", "ConnectionError", "TimeoutError"}:
            raise click.ClickException(_went_away(problem)) from None
        if type(getattr(problem, "orig", None)).__name__ == "InsufficientPrivilege":
            needs = "The role of DATABASE_URL must own its database and be allowed to create roles (CREATEROLE)."
            raise click.ClickException(f"{str(problem).splitlines()[0]}. {needs}") from None
        raise


@contextmanager
def _at_work() -> Iterator[None]:
    """Servers, migrations and an app context for the life of one command. What it needs is imported only then."""
    from ops import create_app
    from ops.db import db
    from ops.migrate import upgrade
    from ops.runtime.servers import ready

    with ready(), create_app().app_context():
        upgrade(db.engine)
        yield


@click.group(cls=Ops, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="loopkeeper", prog_name="ops")
def main() -> None:
    """Loopkeeper: the pooled queue of referral follow-up. Commands work whether or not the app is running."""
