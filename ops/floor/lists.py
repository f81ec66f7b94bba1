"""What the pages of the floor list: certifications, what is paused, and who changed what and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ops.accounts.models import AuditEntry
from ops.accounts.queries import names_of
from ops.db import db
from ops.languages import language_words
from ops.phrases import count_of, listed
from ops.practices.models import Practice, PracticeStatus
from ops.queue.models import Certification, KindPause, Share
from ops.rhythm.models import WrapUp
from ops.rhythm.words import WRAP_UP_WORDS
from ops.work.kinds import KIND_WORDS, Kind

ROWS = 100


CHANGES = 20


@dataclass(frozen=True)
class PausedKind:
    """A kind of work that a lead paused for a practice."""

    practice: str
    slug: str
    zone: str
    kind: Kind
    since: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class Change:
    at: datetime
    who: str
    what: str
    why: str


def practices_of(user_id: int, search: str = "") -> tuple[list[Practice], int]:
    """The practices somebody is certified for, by name: at most `ROWS`, and how many there are."""
    certified = sa.exists().where(Certification.user_id == user_id, Certification.practice_id == Practice.id)
    return _found(sa.select(Practice).where(certified), search)


def practices_without(user_id: int, search: str = "") -> tuple[list[Practice], int]:
    """Those they are not certified for and could be."""
    certified = sa.exists().where(Certification.user_id == user_id, Certification.practice_id == Practice.id)
    return _found(sa.select(Practice).where(~certified, Practice.status != PracticeStatus.ENDED), search)


def _found(query: sa.Select[Any], search: str) -> tuple[list[Practice], int]:
    if search:
        query = query.where(Practice.name.icontains(search, autoescape=True))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    rows = db.session.scalars(query.order_by(sa.func.lower(Practice.name), Practice.id).limit(ROWS))
    return list(rows), total


def paused_kinds(slug: str | None = None) -> list[PausedKind]:
    """The kinds of work that are paused, of one practice or all, the longest first; at most `ROWS`."""
    query = sa.select(KindPause, Practice).join(Practice, Practice.id == KindPause.practice_id)
    if slug:
        query = query.where(Practice.slug == slug)
    rows = db.session.execute(query.order_by(KindPause.since, Practice.id, KindPause.kind).limit(ROWS)).all()
    names = names_of({pause.paused_by for pause, _ in rows}) if rows else {}
    return [
        PausedKind(
            practice.name,
            practice.slug,
            practice.zone,
            pause.kind,
            pause.since,
            names.get(pause.paused_by, pause.paused_by),
            pause.reason,
        )
        for pause, practice in rows
    ]


def weight_of(practice_id: int) -> Decimal:
    """How much the hours of a practice count; 1 where nobody said otherwise."""
    return db.session.scalar(sa.select(Share.weight).where(Share.practice_id == practice_id)) or Decimal(1)


def changes_of_practice(practice_id: int) -> list[Change]:
    """What leads decided about a practice on the floor, latest first."""
    tables = ("shares", "kind_pauses")
    return told(sa.and_(AuditEntry.practice_id == practice_id, AuditEntry.table_name.in_(tables)))


def changes_of_worker(user_id: int) -> list[Change]:
    """What was decided about what somebody may work, latest first."""
    profile = sa.and_(AuditEntry.table_name == "agent_profiles", AuditEntry.row_id == str(user_id))
    certified = sa.and_(AuditEntry.table_name == "certifications", AuditEntry.row_id.startswith(f"{user_id},"))
    return told(sa.or_(profile, certified))


def told(which: sa.ColumnElement[bool]) -> list[Change]:
    """What these audit entries say, latest first; at most `CHANGES`."""
    entries = db.session.scalars(sa.select(AuditEntry).where(which).order_by(AuditEntry.id.desc()).limit(CHANGES)).all()
    names = names_of({entry.actor for entry in entries}) if entries else {}
    practices = _practice_names({entry.practice_id for entry in entries if entry.practice_id})
    return [
        Change(entry.at, names.get(entry.actor, entry.actor), _what(entry, practices), entry.reason or "")
        for entry in entries
    ]


def _practice_names(ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    rows = db.session.execute(sa.select(Practice.id, Practice.name).where(Practice.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _what(entry: AuditEntry, practices: dict[int, str]) -> str:
    before, after = entry.before or {}, entry.after or {}
    match entry.table_name:
        case "shares":
            return f"weight {_number(before.get('weight'))} → {_number(after.get('weight'))}"
        case "kind_pauses":
            kind = KIND_WORDS[Kind((after or before)["kind"])]
            return f"{kind} {'resumed' if entry.change == 'delete' else 'paused'}"
        case "certifications":
            name = practices.get(entry.practice_id or 0, "a practice")
            return f"{'withdrawn' if entry.change == 'delete' else 'certified'}: {name}"
        case "desk_settings":
            return _desk(after)
        case _:
            return "profile cleared" if entry.change == "delete" else _profile(after)


def _number(value: Any) -> str:
    return f"{Decimal(str(value)).normalize():f}" if value is not None else "?"


def _desk(after: dict[str, Any]) -> str:
    parts = []
    if "wrap_up" in after:
        parts.append(f"after a call: {WRAP_UP_WORDS[WrapUp(after['wrap_up'])].lower()}")
    if "wrap_up_seconds" in after:
        parts.append(f"{after['wrap_up_seconds']} seconds for it when timed")
    if "idle_seconds" in after:
        parts.append(f"nobody there after {after['idle_seconds']} seconds")
    if "unused_numbers" in after:
        parts.append(f"{after['unused_numbers']} numbers an hour without an outcome")
    if "numbers_an_hour" in after:
        parts.append(f"{after['numbers_an_hour']} numbers an hour in all")
    return ", ".join(parts)


def _profile(after: dict[str, Any]) -> str:
    parts = []
    if "languages" in after:
        parts.append(f"speaks {listed(language_words(code) for code in after['languages'])}")
    if "kinds" in after:
        kinds = after["kinds"]
        parts.append("does every kind" if kinds is None else f"does {count_of(len(kinds), 'kind')} of work")
    if "everywhere" in after:
        parts.append("works for every practice" if after["everywhere"] else "works for the listed practices only")
    return ", ".join(parts)


def changes_of_desk() -> list[Change]:
    """Who set the desk differently, latest first."""
    return told(AuditEntry.table_name == "desk_settings")
