"""`ops bench`: measure, beside a yardstick of the same run, on scratch data."""

import json
from typing import Any

import click

from ops.runtime.servers import ready

SCENARIOS = ("open", "morning", "narrow", "aged", "hot", "burst")


@click.group("bench")
def bench() -> None:
    """Measure speed and memory on scratch data; practice data is never touched."""


@bench.command("import")
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(1, 100_000_000))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def import_(rows: int, as_json: bool) -> None:
    """Load a file of ROWS invented patients with a milestone each, beside PostgreSQL's COPY of the same rows."""
    from ops.bench.importing import bench_import

    with ready():
        figures = bench_import(rows)
    click.echo(json.dumps(figures) if as_json else "\n".join(f"{name}: {value:,}" for name, value in figures.items()))


@bench.command("claim")
@click.option("--tasks", default=100_000, show_default=True, type=click.IntRange(100, 100_000_000), help="Open tasks.")
@click.option("--practices", default=1000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--agents", default=200, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--clients", default=8, show_default=True, type=click.IntRange(1, 64), help="Processes that claim.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.5, 3600), help="Each is measured.")
@click.option("--scenario", default="open", show_default=True, type=click.Choice(SCENARIOS))
@click.option("--snapshot-held", is_flag=True, help="While another session holds a snapshot, as a long report does.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def claim(scenario: str, as_json: bool, **size: Any) -> None:
    """Claim tasks from several processes at once, beside a bare SKIP LOCKED claim on the same server."""
    from ops.bench.claiming import bench_claim

    with ready():
        figures = bench_claim(scenario, **size)
    click.echo(json.dumps(figures) if as_json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


@bench.command("desk")
@click.option("--tasks", default=1_000, show_default=True, type=click.IntRange(500, 100_000_000), help="Open tasks.")
@click.option("--practices", default=20, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--cards", default=300, show_default=True, type=click.IntRange(10, 100_000), help="Pages of each kind.")
@click.option("--presses", default=60, show_default=True, type=click.IntRange(10, 10_000), help="Keys in Chromium.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def desk(as_json: bool, **size: Any) -> None:
    """The agent's card beside a bare Flask page, and in Chromium from the key to the next card painted."""
    from ops.bench.desk import bench_desk

    with ready():
        figures = bench_desk(**size)
    click.echo(json.dumps(figures) if as_json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


commands = [bench]
