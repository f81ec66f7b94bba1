"""When a suppression does not stand any more. It is kept all the same, with who lifted it and why.

What one of us entered and should not have is lifted alone, by its occasion: what anybody else said has rows of its own.
What a person said themself is lifted by nothing but their own new word, which is kept as a consent (docs/rules.md A3).
"""

from collections.abc import Collection

import sqlalchemy as sa

from ops import clock
from ops.contact.actions import OPT_OUT_REASONS, NewSuppression, hold_number, suppress_many
from ops.contact.models import Lifted, SuppressedChannel, Suppression
from ops.db import db
from ops.errors import Refused

LONGEST_WORDS = 500


def said(words: str | None, missing: str) -> str:
    """The words, tidy. Raises Refused with `missing` when there are none, and when there are more than 500 letters."""
    tidy = (words or "").strip()
    if not tidy:
        raise Refused(missing)
    if len(tidy) > LONGEST_WORDS:
        raise Refused(f"Please say it in at most {LONGEST_WORDS} letters.")
    return tidy


def lift_mistake(practice_id: int, occasion: str, why: str, actor: str) -> int:
    """Lift what one of us entered on this occasion by mistake, wherever it has followed the person; how many rows.

    Raises Refused without a reason, and when nothing of it stands.
    """
    words = said(why, "Please say what was wrong with it.")
    entered = (Suppression.practice_id == practice_id, Suppression.occasion == occasion, Suppression.occasion != "")
    lifted = _lift(Lifted.MISTAKE, words, actor, *entered)
    if not lifted:
        raise Refused("This does not stand any more.")
    return len(lifted)


def lift_agreed(
    practice_id: int, keys: Collection[bytes], channels: Collection[SuppressedChannel], words: str, actor: str
) -> int:
    """They have agreed anew to be contacted over these channels: what they refused of them does not stand any more. A
    refusal of everything goes on for the channels they did not name. How many rows were lifted.

    A number that is somebody else's, or an address that does not work, stays what it is.
    """
    for key in sorted(keys):  # a reply that says stop at this moment comes before or after, never beside
        hold_number(key)
    lifted = _lift(
        Lifted.AGREED,
        words,
        actor,
        Suppression.practice_id == practice_id,
        Suppression.contact_key.in_(keys),
        Suppression.reason.in_(OPT_OUT_REASONS.values()),
        Suppression.channel.in_([SuppressedChannel.ALL, *channels]),
    )
    others = [each for each in SuppressedChannel if each is not SuppressedChannel.ALL and each not in channels]
    suppress_many(
        (
            NewSuppression(
                row.contact_key, other, OPT_OUT_REASONS[other], row.source, practice_id, row.occasion, row.words
            )
            for row in lifted
            if row.channel is SuppressedChannel.ALL
            for other in others
        ),
        actor,
    )
    return len(lifted)


def _lift(why: Lifted, words: str, actor: str, *which: sa.ColumnElement[bool]) -> list[Suppression]:
    """Lift what stands of these; the rows."""
    rows = db.session.scalars(
        sa.select(Suppression)
        .where(*which, Suppression.lifted_at.is_(None))
        .order_by(Suppression.contact_key, Suppression.id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    for row in rows:
        row.lifted_at, row.lifted_by, row.lifted_why, row.lifted_words = clock.now(), actor, why, words
    db.session.flush()
    return list(rows)
