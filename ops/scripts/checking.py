"""What a script is checked against: the practice it is for, or all that the agency's text is said for."""

from dataclasses import dataclass

import sqlalchemy as sa

from ops.db import db
from ops.practices.defaults import TREATMENTS
from ops.practices.models import Practice, PracticeStatus, ReviewLink, TreatmentType
from ops.scripts import rules, values
from ops.scripts.models import Script, ScriptVersion, VersionState
from ops.scripts.rules import Text
from ops.scripts.words import WORK


@dataclass(frozen=True)
class Lacking:
    """A practice that has not told us what a text of the agency's says."""

    slug: str
    name: str
    names: tuple[str, ...]


def text_of(script: Script, subject: str, body: str) -> Text:
    return Text(script.kind, script.medium, subject, body)


def save_problems(script: Script, subject: str, body: str) -> list[str]:
    """What keeps this text from being stored as a version of the script."""
    known = WORK.get(script.kind)
    return rules.save_problems(text_of(script, subject, body), list(known.outcomes) if known else [])


def publish_problems(script: Script, subject: str, body: str) -> list[str]:
    """What keeps this text (which can be stored) from being used."""
    text = text_of(script, subject, body)
    if script.practice_id is None:
        known = values.longest(told for _, told in _everybody())
        words = [word for each in TREATMENTS for word in (each.name, *each.match_words)]
        return rules.publish_problems(text, known, private=words, public=" ".join(known.values()))
    practice = db.session.get_one(Practice, script.practice_id)
    types = db.session.scalars(sa.select(TreatmentType).where(TreatmentType.practice_id == practice.id))
    words = [word for each in types for word in (each.name, *each.match_words)]
    known = values.of_practice(practice)
    return rules.publish_problems(text, known, private=words, public=" ".join(known.values()))


def lacking(script: Script, subject: str, body: str) -> list[Lacking]:
    """The practices that this text of the agency's cannot be said for, by name; none for a practice's own."""
    if script.practice_id is not None:
        return []
    text = text_of(script, subject, body)
    own = set(
        db.session.scalars(
            sa.select(Script.practice_id)
            .join(ScriptVersion)
            .where(
                Script.kind == script.kind,
                Script.medium == script.medium,
                Script.practice_id.is_not(None),
                ScriptVersion.state == VersionState.PUBLISHED,
            )
        )
    )
    return [
        Lacking(row.slug, row.name, tuple(unknown))
        for row, known in _everybody()
        if row.id not in own and (unknown := rules.missing(text, known))
    ]


def _everybody() -> list[tuple[sa.Row, dict[str, str]]]:
    """Every practice that is not over, by name, with what is known of it."""
    links = (
        sa.select(sa.func.coalesce(sa.func.string_agg(ReviewLink.url, sa.literal(", ")), ""))
        .where(ReviewLink.practice_id == Practice.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        sa.select(
            Practice.id,
            Practice.slug,
            Practice.name,
            Practice.spoken_name,
            Practice.helps_best,
            Practice.shareable,
            Practice.website,
            Practice.callback_number,
            links.label("links"),
        )
        .where(Practice.status != PracticeStatus.ENDED)
        .order_by(sa.func.lower(Practice.name), Practice.id)
    ).all()
    return [(row, values.of_row(row, row.links)) for row in rows]
