"""Commands of the runtime: `ops run` and `ops doctor`."""

import json
import os
import signal
import sys
from contextlib import closing
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from ops import clock
from ops.config import Settings, settings


@click.command()
@click.option("--host", help="Address to listen on; default: HOST, else 127.0.0.1.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; default: PORT, else 8000; 0: any free one."
)
@click.option(
    "--demo/--no-demo", default=True, help="Build the demo agency on the first start of the embedded database."
)
@click.option(
    "--daytime", is_flag=True, help="Shift the clock to a weekday noon, to try the desk out of hours (recorder only)."
)
@click.option("--end-with-parent", is_flag=True, help="Stop when the program that started this one dies.")
def run(host: str | None, port: int | None, demo: bool, daytime: bool, end_with_parent: bool) -> None:
    """Run the agency: database, queue, pages, workers and clock. Ctrl-C stops it; the data stays."""
    from ops.runtime.starting import die_with_parent

    _open_missing_streams()
    if end_with_parent:
        die_with_parent(os.getppid(), signal.SIGTERM)
    for name, value in (("HOST", host), ("PORT", port)):
        if value is not None:
            os.environ[name] = str(value)
    if daytime:
        os.environ["CLOCK_OFFSET_MINUTES"] = str(minutes_to_daytime(clock.now()))
    os.environ["VAR_DIR"] = str(settings().var_dir.absolute())
    settings.cache_clear()
    sys.exit(_run(settings(), demo=demo))


def minutes_to_daytime(now: datetime) -> int:
    """Minutes from `now` to the next weekday noon Eastern, 0 when it is between 11:00 and 17:00 there on a weekday."""
    local = now.astimezone(ZoneInfo("America/New_York"))
    if local.weekday() < 5 and 11 <= local.hour < 17:
        return 0
    day = local.date() + timedelta(days=local.hour >= 11)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    noon = datetime.combine(day, time(12), local.tzinfo)
    return round((noon - local).total_seconds() / 60)


def _open_missing_streams() -> None:
    """Started with stdin closed, the next file opened would be number 0 and every child would take it for its stdin."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)


def _run(conf: Settings, *, demo: bool) -> int:
    from ops.runtime import state
    from ops.runtime.places import Place
    from ops.runtime.servers import ServerError, ready
    from ops.runtime.supervisor import Supervisor, listen, use_port_of

    Place(conf.var_dir, "app").make_folders()
    alone = state.take(conf.var_dir)
    if alone is None:
        app = state.running(conf.var_dir)
        at = f"running at {app.address} (pid {app.pid})" if app and app.address else "starting on this var folder"
        click.echo(f"Loopkeeper is already {at}.")
        return 0
    with closing(alone):
        try:
            listener = listen(conf.host, conf.port)
        except OSError as problem:
            click.echo(f"Cannot listen on {conf.host}:{conf.port}: {problem.strerror}. Set PORT or HOST.", err=True)
            return 1
        ours_alone = conf.database_url is None  # a database somebody set up is not for invented people
        with closing(listener):
            address = use_port_of(listener)
            try:
                with ready(at_once=True, wait=False) as servers:
                    Supervisor(servers, listener, conf.var_dir, address).run(demo=demo and ours_alone)
            except ServerError as problem:
                click.echo(str(problem), err=True)
                return 1
    return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def doctor(as_json: bool) -> None:
    """Say what runs and whether it is well. Exit status 1 when it is not."""
    from ops.runtime.health import examine

    found = examine(settings())
    click.echo(json.dumps(found.as_dict(), indent=2) if as_json else found.as_text())
    sys.exit(1 if found.problems else 0)


commands = [run, doctor]
