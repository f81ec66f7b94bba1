"""What we learn about contacting people: who must not be contacted, who agreed, and every contact that was made.

All of it is append only. A suppression is never deleted (docs/rules.md decision 5); a file or a machine that says the
same one twice changes nothing. What one of us entered by mistake is lifted (`ops.contact.lifting`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.contact.facts import Reason
from ops.contact.models import ConsentEvent, ContactAttempt, SuppressedChannel, Suppression
from ops.db import db
from ops.practices.refusals import Move, Refusal, reached_by

BATCH_ROWS = 5000
OPT_OUT_REASONS = {
    SuppressedChannel.ALL: "DNC_INTERNAL",
    SuppressedChannel.CALL: "STOP_VOICE",
    SuppressedChannel.SMS: "STOP_SMS",
    SuppressedChannel.EMAIL: "UNSUB_EMAIL",
}
"""The reason code of a plain opt-out from one channel, or from all."""


class NewSuppression(NamedTuple):
    """One row for `suppress_many`. `practice_id` None: nobody of the agency contacts them again."""

    contact_key: bytes
    channel: str
    reason: str
    source: str
    practice_id: int | None
    occasion: str = ""
    words: str | None = None


def suppress(
    contact_key: bytes,
    channel: str,
    reason: str,
    source: str,
    actor: str,
    practice_id: int | None = None,
    *,
    occasion: str = "",
) -> bool:
    """Never contact this number or address again over `channel` ("all", "call", "sms", "email"); whether that was new.

    `reason` is a code of the gate, `source` says where we have it from, `occasion` when one of us entered it (see
    `Suppression`). Without `practice_id` it holds for the whole agency. Raises ValueError for an unknown channel or
    reason.
    """
    return suppress_many([NewSuppression(contact_key, channel, reason, source, practice_id, occasion)], actor) == 1


def suppress_many(rows: Iterable[NewSuppression], actor: str) -> int:
    """`suppress` for many at once, a thousand per statement; how many were new. Raises ValueError like it."""
    return sum(len(_insert(values)) for values in _batches(rows, actor))


def _batches(rows: Iterable[NewSuppression], actor: str) -> Iterator[list[dict]]:
    at = clock.now()
    values = (
        row._asdict()
        | {
            "channel": SuppressedChannel(row.channel),
            "reason": Reason(row.reason).value,
            "created_at": at,
            "created_by": actor,
        }
        for row in rows
    )
    batch: list[dict] = []
    for value in values:
        batch.append(value)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _insert(values: list[dict]) -> list[bytes]:
    """The keys of those that were new."""
    # in one order everywhere, so that two imports of the same numbers wait for each other instead of deadlocking
    values.sort(key=lambda value: value["contact_key"])
    statement = insert(Suppression).on_conflict_do_nothing().returning(Suppression.contact_key)
    return list(db.session.scalars(statement, values))


def keep_refusals(refusals: Iterable[Refusal], actor: str) -> set[bytes]:
    """The opt-outs of a practice's file (`ops.practices.refusals`); the keys under which any was new."""
    rows = (
        NewSuppression(
            refusal.contact_key,
            refusal.channel,
            OPT_OUT_REASONS[SuppressedChannel(refusal.channel)],
            refusal.source,
            refusal.practice_id,
        )
        for refusal in refusals
    )
    return {key for values in _batches(rows, actor) for key in _insert(values)}


def follow_refusals(practice_id: int, moves: Sequence[Move], actor: str) -> None:
    """What people said to this practice holds for their new numbers and addresses (`ops.practices.refusals`).

    Only what a person said moves along; that an address bounced or a number was somebody else's stays where it was.
    """
    olds = list({key for move in moves for key in move[:2] if key})
    columns = (Suppression.contact_key, Suppression.channel, Suppression.occasion, Suppression.words)
    said = sa.select(*columns).where(
        Suppression.practice_id == practice_id,
        Suppression.contact_key.in_(olds),
        Suppression.reason.in_(OPT_OUT_REASONS.values()),
        Suppression.lifted_at.is_(None),
    )
    refused: dict[bytes, set[tuple[SuppressedChannel, str, str | None]]] = {}
    for key, channel, occasion, words in db.session.execute(said):
        refused.setdefault(key, set()).add((channel, occasion, words))
    moved = (
        NewSuppression(new, channel, OPT_OUT_REASONS[channel], FOLLOWED, practice_id, occasion, words)
        for move in moves
        for channel, occasion, words in {said for old in move[:2] if old for said in refused.get(old, ())}
        for new in reached_by(channel, move.new_phone, move.new_email)
    )
    suppress_many(moved, actor)


FOLLOWED = "said before the number changed"


def record_consent(
    contact_key: bytes,
    practice_id: int,
    *,
    person: str,
    channel: str,
    purpose: str,
    given: bool,
    how: str,
    words: str,
    actor: str,
) -> ConsentEvent:
    """Note that someone agreed to be contacted, or took it back (docs/rules.md A3).

    `person` is "patient:ID" or "referral:ID"; `words` is what was said or shown to them, verbatim.
    """
    event = ConsentEvent(
        contact_key=contact_key,
        practice_id=practice_id,
        person=person,
        channel=channel,
        purpose=purpose,
        given=given,
        how=how,
        words=words,
        at=clock.now(),
        actor=actor,
    )
    db.session.add(event)
    db.session.flush()
    return event


def record_contact(
    contact_key: bytes, practice_id: int, channel: str, at: datetime | None = None, attempt_id: int | None = None
) -> None:
    """Count one call or text to this number, made at `at` (now), against its 24-hour cap over all practices.

    A call with the `attempt_id` of its outcome counts as long as that is not taken back."""
    at = at or clock.now()
    db.session.add(
        ContactAttempt(contact_key=contact_key, practice_id=practice_id, channel=channel, at=at, attempt_id=attempt_id)
    )
    db.session.flush()


def hold_number(contact_key: bytes) -> None:
    """Until the end of the transaction, have everyone else who wants to contact this number wait.

    Two practices texting the same person in the same second would otherwise both find the cap not yet reached.
    """
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock_of(contact_key))))


def try_hold_number(contact_key: bytes) -> bool:
    """`hold_number` if nobody else has it now, without waiting."""
    return bool(db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_lock_of(contact_key)))))


@contextmanager
def number_held(contact_key: bytes) -> Iterator[None]:
    """Hold the number for the length of a block that has transactions, and a call outside, of its own.

    On a connection of its own, in no transaction; whoever dies lets go. Never `hold_number` it inside: one would wait
    for oneself. (Needs real sessions: behind a pooler that hands out connections per transaction this lock does not
    hold.)
    """
    lock = _lock_of(contact_key)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(lock)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(lock)))


def _lock_of(contact_key: bytes) -> int:
    return int.from_bytes(contact_key[:8], "big", signed=True)
