"""`ops demo`: build the demo agency, and say how to sign in."""

import secrets
import sys
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ops import clock
from ops.accounts.actions import set_password
from ops.accounts.models import User
from ops.accounts.passwords import fits
from ops.config import settings
from ops.db import db, transaction
from ops.demo import agency
from ops.demo.build import DAYS, Demo
from ops.errors import Refused
from ops.models import metadata
from ops.practices.models import Practice
from ops.runtime import first_start
from ops.runtime.models import Installation
from ops.sql.models import InstalledSql


def sign_ins(password: str = agency.PASSWORD) -> str:
    """Who can sign in to the demo, in lines for the terminal."""
    people = [(agency.ADMIN, "admin"), (agency.LEADS[0], "lead"), (agency.AGENTS[0], "agent")]
    lines = [f"  {email:<34} {role}, {name}" for (name, email), role in people]
    lines.append(f"  {'owner@harbor-skin.example.com':<34} practice member, Harbor Skin Clinic")
    return "\n".join(["Sign in to the demo agency with", *lines, f"  password for all of them: {password}"])


@click.command("demo")
@click.option("--only-if-empty", is_flag=True, help="Do nothing, without complaint, when there are practices already.")
@click.option(
    "--new-passwords",
    "anew",
    is_flag=True,
    help="Build nothing: replace the password everybody knows, where it fits.",
)
def demo(only_if_empty: bool, anew: bool) -> None:
    """Build the demo agency: 12 practices, 8 agents, 90 days of work. Takes about a minute."""
    if anew:
        new_passwords()
        return
    today = clock.now().astimezone(ZoneInfo(agency.EASTERN)).date()
    if only_if_empty and db.session.scalar(sa.select(sa.exists().where(User.id > 0))):
        return
    db.session.rollback()
    clear_half_built()
    note_state("building")
    try:
        with _bar() as bar:
            Demo(today, bar, password := _password()).build()
    except Refused as problem:
        note_state("ready")
        click.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    note_state("ready")
    _say(password)


def _password() -> str:
    """The one everybody knows where nobody else reaches the pages, else one of its own."""
    return agency.PASSWORD if settings().is_private else secrets.token_urlsafe(12)


def _say(password: str) -> None:
    file = settings().var_dir / "demo-accounts.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(sign_ins(password) + "\n")
    click.echo(sign_ins(password))


def new_passwords() -> None:
    """Who can be signed in to the demo by the password everybody knows gets another one: others reach the pages now.
    Run before they are served."""
    people = {email for _, email in (agency.ADMIN, *agency.LEADS, *agency.AGENTS)}
    people |= {f"owner@{each.slug}.example.com" for each in agency.PRACTICES}
    which = sa.select(User).where(User.email.in_(people), User.password_hash.is_not(None))
    password = secrets.token_urlsafe(12)
    with transaction("demo") as session:
        known = [user for user in session.scalars(which).all() if fits(user.password_hash, agency.PASSWORD)]
        for user in known:
            set_password(user, password)
    if known:
        _say(password)


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
    """A demo that is being built and is killed is begun again."""
    with transaction("demo") as session:
        session.execute(sa.update(Installation).values(demo_state=state))


class _bar:
    """Progress on standard error when somebody looks, and for the sign-in page."""

    def __enter__(self):
        console = Console(stderr=True)
        columns = (TextColumn("Living through"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self.bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self.bars.start()
        self.task = self.bars.add_task(f"{DAYS} days", total=1.0)
        return self._tell

    def _tell(self, share: float, words: str) -> None:
        self.bars.update(self.task, completed=share, description=words)
        first_start.note(settings().var_dir, first_start.Progress(share, words))

    def __exit__(self, *problem: object) -> None:
        self.bars.stop()
        first_start.over(settings().var_dir)


commands = [demo]
