"""`ops demo`: build the demo agency, and say how to sign in."""

import sys
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ops import clock
from ops.accounts.models import User
from ops.config import settings
from ops.db import db, transaction
from ops.demo import agency
from ops.demo.build import DAYS, Demo
from ops.errors import Refused
from ops.models import metadata
from ops.practices.models import Practice
from ops.runtime.models import Installation
from ops.sql.models import InstalledSql


def sign_ins() -> str:
    """Who can sign in to the demo, in lines for the terminal."""
    people = [(agency.ADMIN, "admin"), (agency.LEADS[0], "lead"), (agency.AGENTS[0], "agent")]
    lines = [f"  {email:<34} {role}, {name}" for (name, email), role in people]
    lines.append(f"  {'owner@harbor-skin.example.com':<34} practice member, Harbor Skin Clinic")
    return "\n".join(["Sign in to the demo agency with", *lines, f"  password for all of them: {agency.PASSWORD}"])


@click.command("demo")
@click.option("--only-if-empty", is_flag=True, help="Do nothing, without complaint, when there are practices already.")
def demo(only_if_empty: bool) -> None:
    """Build the demo agency: 12 practices, 8 agents, 90 days of work. Takes about a minute."""
    today = clock.now().astimezone(ZoneInfo(agency.EASTERN)).date()
    if only_if_empty and db.session.scalar(sa.select(sa.exists().where(User.id > 0))):
        return
    db.session.rollback()
    clear_half_built()
    note_state("building")
    try:
        with _bar() as bar:
            Demo(today, bar).build()
    except Refused as problem:
        note_state("ready")
        click.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    note_state("ready")
    file = settings().var_dir / "demo-accounts.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(sign_ins() + "\n")
    click.echo(sign_ins())


KEPT = {Installation.__tablename__, InstalledSql.__tablename__}
"""What is about the database itself, not about the agency in it."""


def clear_half_built() -> None:
    """A demo that was killed while it was built is begun again, unless somebody has put a practice of their own beside
    it."""
    with transaction("demo") as session:
        state = session.scalar(sa.select(Installation.demo_state))
        ours = {practice.slug for practice in agency.PRACTICES}
        others = set(session.scalars(sa.select(Practice.slug))) - ours
        if state != "building" or others:
            return
        tables = ", ".join(name for name in metadata.tables if name not in KEPT)
        session.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))


def note_state(state: str) -> None:
    """Let the sign-in page say that the demo is being built."""
    with transaction("demo") as session:
        session.execute(sa.update(Installation).values(demo_state=state))


class _bar:
    """Progress on standard error when somebody looks; otherwise silent."""

    def __enter__(self):
        console = Console(stderr=True)
        columns = (TextColumn("Living through"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self.bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self.bars.start()
        self.task = self.bars.add_task(f"{DAYS} days", total=1.0)
        return lambda share, words: self.bars.update(self.task, completed=share, description=words)

    def __exit__(self, *problem: object) -> None:
        self.bars.stop()


commands = [demo]
