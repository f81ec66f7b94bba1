"""The first start: what the sign-in page says while the demo agency is being built and nobody can sign in."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from ops.accounts.models import User
from ops.db import db
from ops.runtime import state


@dataclass(frozen=True)
class Progress:
    """How far the demo is: a share of the whole, 0 to 1, and what it is at."""

    share: float
    words: str


def note(var: Path, progress: Progress) -> None:
    """Say how far it is. On a full disk nobody is told: that is no reason not to build."""
    path = _path(var)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(progress)))
        draft.rename(path)
    except OSError:
        return


def under_way(var: Path) -> Progress | None:
    """How far the app of this var folder is with its first start; None when people can sign in."""
    app = state.running(var)
    if app is None or not (app.phase == "demo" or (app.phase == "starting" and _nobody_there())):
        return None
    try:
        return Progress(**json.loads(_path(var).read_text()))
    except (OSError, ValueError, TypeError):
        return Progress(0, "starting")


def over(var: Path) -> None:
    """The first start is over, or begins anew: what was said of it counts no more."""
    _path(var).unlink(missing_ok=True)


def _nobody_there() -> bool:
    nobody = db.session.scalar(sa.select(~sa.exists().where(User.id > 0)))
    db.session.rollback()
    return bool(nobody)


def _path(var: Path) -> Path:
    return var / "run" / "demo.json"
