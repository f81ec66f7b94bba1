"""`ops bench`: measure, beside a yardstick of the same run, on scratch data."""

import json

import click

from ops.runtime.servers import ready


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


commands = [bench]
