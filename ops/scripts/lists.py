"""The scripts as lists: the agency's, the practices' own, and everything about one."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from ops.db import db
from ops.practices.models import Practice
from ops.scripts import approvals
from ops.scripts.approvals import LinkState
from ops.scripts.models import ApprovalAnswer, Medium, Script, ScriptApproval, ScriptVersion, Variant, VersionState
from ops.scripts.words import WORK

PAGE = 50


@dataclass(frozen=True)
class ScriptLine:
    """A script in a list. `said`: what is published, `tried`: what is tried against it, `draft`: what is written."""

    script: Script
    practice: Practice | None
    said: ScriptVersion | None
    tried: ScriptVersion | None
    draft: ScriptVersion | None
    asked: str
    """How far the practice's approval of the draft is: "", "waiting", "approved", "change"."""


def agencys() -> list[ScriptLine]:
    """The agency's scripts, in the order of the kinds of work."""
    found = db.session.scalars(sa.select(Script).where(Script.practice_id.is_(None))).all()
    kinds, media = list(WORK), list(Medium)
    order = {kind: number for number, kind in enumerate(kinds)}
    return _lines(sorted(found, key=lambda one: (order.get(one.kind, 99), media.index(one.medium))), {})


def own(search: str = "", kind: str = "", page: int = 1) -> tuple[list[ScriptLine], bool]:
    """One page of the practices' own scripts by practice, and whether there is another. `search`: part of a name."""
    which = sa.select(Script, Practice).join(Practice, Practice.id == Script.practice_id)
    if search:
        which = which.where(
            sa.or_(Practice.name.icontains(search, autoescape=True), Practice.slug.icontains(search, autoescape=True))
        )
    if kind:
        which = which.where(Script.kind == kind)
    which = which.order_by(sa.func.lower(Practice.name), Practice.id, Script.kind, Script.medium)
    rows = db.session.execute(which.offset((page - 1) * PAGE).limit(PAGE + 1)).all()
    shown = rows[:PAGE]
    practices = {practice.id: practice for _, practice in shown}
    return _lines([script for script, _ in shown], practices), len(rows) > PAGE


def of_practice(practice: Practice) -> list[tuple[ScriptLine, ScriptLine | None]]:
    """For each of the agency's scripts, the practice's own beside it; None where it has none."""
    scripts = db.session.scalars(sa.select(Script).where(Script.practice_id == practice.id)).all()
    theirs = {(line.script.kind, line.script.medium): line for line in _lines(scripts, {practice.id: practice})}
    return [(line, theirs.get((line.script.kind, line.script.medium))) for line in agencys()]


def practices_like(search: str) -> list[Practice]:
    """Up to ten practices with this in their name, by name."""
    which = sa.select(Practice).where(
        sa.or_(Practice.name.icontains(search, autoescape=True), Practice.slug.icontains(search, autoescape=True))
    )
    return list(db.session.scalars(which.order_by(sa.func.lower(Practice.name), Practice.id).limit(10)))


def counts_of_own() -> dict[tuple[str, Medium], int]:
    """How many practices have a published script of their own, by kind and medium."""
    rows = db.session.execute(
        sa.select(Script.kind, Script.medium, sa.func.count(sa.distinct(Script.id)))
        .join(ScriptVersion)
        .where(Script.practice_id.is_not(None), ScriptVersion.state == VersionState.PUBLISHED)
        .group_by(Script.kind, Script.medium)
    )
    return {(kind, medium): number for kind, medium, number in rows}


def _lines(scripts: Sequence[Script], practices: dict[int, Practice]) -> list[ScriptLine]:
    live = db.session.scalars(
        sa.select(ScriptVersion).where(
            ScriptVersion.script_id.in_([script.id for script in scripts]), ScriptVersion.state != VersionState.RETIRED
        )
    ).all()
    found = {(version.script_id, version.state, version.variant): version for version in live}
    drafts = {version.script_id: version for version in live if version.state is VersionState.DRAFT}
    asked = _asked(list(drafts.values()))
    return [
        ScriptLine(
            script,
            practices.get(script.practice_id or 0),
            found.get((script.id, VersionState.PUBLISHED, Variant.A)),
            found.get((script.id, VersionState.PUBLISHED, Variant.B)),
            drafts.get(script.id),
            asked.get(drafts[script.id].id, "") if script.id in drafts else "",
        )
        for script in scripts
    ]


def _asked(drafts: list[ScriptVersion]) -> dict[int, str]:
    """How far the last request for approval of each draft is, by version."""
    last = db.session.scalars(
        sa.select(ScriptApproval)
        .where(ScriptApproval.version_id.in_([draft.id for draft in drafts]))
        .order_by(ScriptApproval.id)
    ).all()
    by_id = {draft.id: draft for draft in drafts}
    return {one.version_id: how_far(one, by_id[one.version_id]) for one in last}


def how_far(approval: ScriptApproval, draft: ScriptVersion) -> str:
    """ "waiting", "approved", "change", or "" when the answer was about another text or the link has run out."""
    if approval.answer is ApprovalAnswer.APPROVED:
        return "approved" if approval.text_hash == approvals.text_hash(draft) else ""
    if approval.answer is ApprovalAnswer.CHANGE:
        return "change"
    return "waiting" if approvals.standing_of(approval, draft) is LinkState.OPEN else ""


def versions(script: Script) -> list[ScriptVersion]:
    """Newest first."""
    which = sa.select(ScriptVersion).where(ScriptVersion.script_id == script.id)
    return list(db.session.scalars(which.order_by(ScriptVersion.number.desc())))


def version(script: Script, number: int) -> ScriptVersion | None:
    which = sa.select(ScriptVersion).where(ScriptVersion.script_id == script.id, ScriptVersion.number == number)
    return db.session.scalar(which)
