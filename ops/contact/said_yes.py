"""What practices' files say that their patients agreed to: kept word for word with column and file, and shown.

It is evidence and opens nothing (docs/rules.md A3): the gate asks for people's own word. Nor does it outlive a no:
whoever refused this way of contact, to whomever and however, before the file or after it, has not agreed by what a file
says, until a file says so anew after they themself have agreed again.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from ops import clock
from ops.contact.lifting import said as tidy
from ops.contact.models import ConsentEvent, Lifted, SuppressedChannel, Suppression
from ops.db import Moment, db
from ops.errors import Refused
from ops.practices.refusals import Yes


def keep_yes(practice_id: int, file: str, said: Sequence[Yes], asked: Sequence[str], actor: str) -> set[str]:
    """See `ops.practices.refusals.keep_yes`. Two statements, however many they are."""
    new: set[str] = set()
    for statement, these in (
        (_KEEP, [one for one in said if one.words]),
        (_END, [one for one in said if not one.words]),
    ):
        if these:
            facts = {"practice": practice_id, "file": file, "at": clock.now(), "actor": actor, "asked": list(asked)}
            new |= set(db.session.scalars(statement, facts | {"said": json.dumps([one._asdict() for one in these])}))
    return new


_PEOPLE = """
FROM json_to_recordset(CAST(:said AS json)) AS d (channel text, header text, words text, people json)
CROSS JOIN LATERAL json_array_elements_text(d.people) AS s (number)
CROSS JOIN LATERAL (SELECT id, external_id, phone_key, email_key FROM patients
                    WHERE practice_id = :practice AND external_id = s.number LIMIT 1) p
"""
_TYPES = (sa.bindparam("at", type_=Moment), sa.bindparam("asked", type_=sa.ARRAY(sa.Text)))
_KEEP = sa.text(f"""
WITH new AS (
    INSERT INTO consent_events (practice_id, patient_id, person, contact_key, channel, purpose, given, how, words, at,
                                actor, file, header)
    SELECT :practice, p.id, 'patient:' || p.id,
           CASE d.channel WHEN 'email' THEN p.email_key WHEN 'all' THEN coalesce(p.phone_key, p.email_key)
                          ELSE p.phone_key END,
           d.channel, '', true, 'file', d.words, :at, :actor, :file, d.header
    {_PEOPLE}
    ON CONFLICT DO NOTHING RETURNING patient_id)
SELECT external_id FROM patients
WHERE practice_id = :practice AND external_id = ANY (:asked) AND id IN (SELECT patient_id FROM new)
""").bindparams(*_TYPES)  # noqa: S608 (our own words)
_END = sa.text(f"""
WITH over AS (
    UPDATE consent_events e SET ended_at = :at, ended_by = :actor, ended_words = :file
    FROM (SELECT y.id {_PEOPLE}
          CROSS JOIN LATERAL (
              SELECT c.id FROM consent_events c
              WHERE c.practice_id = :practice AND c.patient_id = p.id AND c.header = d.header AND c.channel = d.channel
                AND c.header IS NOT NULL AND c.ended_by IS NULL OFFSET 0) y) old
    WHERE e.id = old.id RETURNING e.patient_id)
SELECT external_id FROM patients
WHERE practice_id = :practice AND external_id = ANY (:asked) AND id IN (SELECT patient_id FROM over)
""").bindparams(*_TYPES)  # noqa: S608 (our own words)


def was_wrong(practice_id: int, patient_ids: Collection[int], event_id: int, why: str, actor: str) -> None:
    """What a file said of one of these patients was no yes: it is kept with the reason, and the same words under the
    same column of a later file are none either. Raises Refused without a reason, and when it does not stand."""
    words = tidy(why, "Please say what was wrong with it.")
    theirs = (ConsentEvent.practice_id == practice_id, ConsentEvent.patient_id.in_(patient_ids))
    found = sa.select(ConsentEvent).where(ConsentEvent.id == event_id, *theirs, ConsentEvent.ended_by.is_(None))
    event = db.session.scalars(found.with_for_update(), execution_options={"populate_existing": True}).first()
    if event is None:
        raise Refused("The file's yes does not stand any more.")
    event.wrong_at, event.ended_by, event.ended_words = clock.now(), actor, words
    db.session.flush()


class No(NamedTuple):
    """Something against this way of contact, from when; until when, if they themself agreed again."""

    channel: str
    at: datetime
    until: datetime | None


@dataclass(frozen=True)
class FileYes:
    """What a file said, and the ways of it over which they have said no."""

    event: ConsentEvent
    refused: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """Whether it is a yes still, to any of its ways."""
        return self.event.ended_by is None and not self.is_refused

    @property
    def is_refused(self) -> bool:
        return bool({self.event.channel, "all"} & {*self.refused}) or {*SINGLE} <= {*self.refused}


SINGLE = ("call", "sms", "email")


def files_yeses(practice_id: int, patient_ids: Collection[int], keys: Collection[bytes]) -> list[FileYes]:
    """What files of the practice said that these records of one human agreed to, newest first: fifty of them. `keys`:
    all of their numbers and addresses."""
    theirs = sa.select(ConsentEvent).where(
        ConsentEvent.practice_id == practice_id, ConsentEvent.patient_id.in_(patient_ids), ~ConsentEvent.themself()
    )
    events = db.session.scalars(theirs.order_by(ConsentEvent.id.desc()).limit(50)).all()
    noes = _noes(practice_id, keys) if events else []
    return [FileYes(event, _refused(event, noes)) for event in events]


def stood_at(practice_id: int, patient_id: int | None, key: bytes, channel: str, at: datetime) -> list[ConsentEvent]:
    """What files had said of this number or address and this way by then, and nobody had ended: what a message of that
    moment can name."""
    if patient_id is None:
        return []
    return [
        yes.event
        for yes in files_yeses(practice_id, [patient_id], [])
        if yes.event.contact_key == key
        and yes.event.channel in (channel, "all")
        and yes.event.at <= at
        and (yes.event.ended_at is None or yes.event.ended_at > at)
        and yes.event.wrong_at is None
    ]


def _refused(event: ConsentEvent, noes: Sequence[No]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            no.channel
            for no in noes
            if (event.channel == "all" or no.channel in (event.channel, "all"))
            and (no.until is None or no.until > event.at)
        )
    )


def _noes(practice_id: int, keys: Collection[bytes]) -> list[No]:
    """All that was ever said against contacting them, but what one of us entered by mistake."""
    stands = sa.select(Suppression).where(
        Suppression.contact_key.in_(keys),
        sa.or_(Suppression.practice_id == practice_id, Suppression.practice_id.is_(None)),
        Suppression.lifted_why.is_distinct_from(Lifted.MISTAKE),
    )
    noes = [No(str(row.channel), row.created_at, row.lifted_at) for row in db.session.scalars(stands)]
    return [*noes, *_taken_back(practice_id, keys)]


def _taken_back(practice_id: int, keys: Collection[bytes]) -> Iterator[No]:
    own = sa.select(ConsentEvent).where(
        ConsentEvent.practice_id == practice_id, ConsentEvent.contact_key.in_(keys), ConsentEvent.themself()
    )
    words = db.session.scalars(own.order_by(ConsentEvent.id)).all()
    for number, event in enumerate(words):
        if not event.given:
            again = (later.at for later in words[number:] if later.given and later.channel in (event.channel, "all"))
            yield No(SuppressedChannel(event.channel), event.at, next(again, None))
