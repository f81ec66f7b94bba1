"""What we learn about contacting people: who must not be contacted, who agreed, and every contact that was made.

All of it is append only. A suppression is never deleted (docs/rules.md decision 5); saying the same one twice changes
nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.contact.facts import Reason
from ops.contact.models import ConsentEvent, ContactAttempt, SuppressedChannel, Suppression
from ops.db import db
from ops.practices.refusals import Move, Refusal

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


def suppress(
    contact_key: bytes, channel: str, reason: str, source: str, actor: str, practice_id: int | None = None
) -> bool:
    """Never contact this number or address again over `channel` ("all", "call", "sms", "email"); whether that was new.

    `reason` is a code of the gate, `source` says where we have it from. Without `practice_id` it holds for the whole
    agency. Raises ValueError for an unknown channel or reason.
    """
    return suppress_many([NewSuppression(contact_key, channel, reason, source, practice_id)], actor) == 1


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
    new = list(db.session.scalars(statement, values))
    if len(new) < len(values):
        _note_said_again(values)
    return new


FRESH = timedelta(minutes=10)
"""Longer than any outcome can be taken back."""
SAID_AGAIN = sa.text(
    """
    INSERT INTO suppressions_again (suppression_id, source, at, actor)
    SELECT s.id, said.source, :at, CAST(:actor AS text)
    FROM unnest(CAST(:keys AS bytea[]), CAST(:practices AS bigint[]), CAST(:channels AS text[]),
                CAST(:reasons AS text[]), CAST(:sources AS text[])) AS said (key, practice, channel, reason, source)
    JOIN suppressions s ON s.contact_key = said.key AND coalesce(s.practice_id, 0) = coalesce(said.practice, 0)
        AND s.channel = said.channel AND s.reason = said.reason
    WHERE s.created_at BETWEEN :since AND :at AND (s.source, s.created_by) <> (said.source, CAST(:actor AS text))
    """
)


def _note_said_again(values: list[dict]) -> None:
    """What stands already and is young may be taken back by who said it; that somebody else says so too is kept."""
    names = {"keys": "contact_key", "practices": "practice_id", "channels": "channel", "reasons": "reason"}
    given = {many: [value[one] for value in values] for many, one in (*names.items(), ("sources", "source"))}
    at, actor = values[0]["created_at"], values[0]["created_by"]
    db.session.execute(SAID_AGAIN, given | {"at": at, "actor": actor, "since": at - FRESH})


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
    said = sa.select(Suppression.contact_key, Suppression.channel).where(
        Suppression.practice_id == practice_id,
        Suppression.contact_key.in_(olds),
        Suppression.reason.in_(OPT_OUT_REASONS.values()),
    )
    refused: dict[bytes, set[SuppressedChannel]] = {}
    for key, channel in db.session.execute(said):
        refused.setdefault(key, set()).add(channel)
    moved = (
        Refusal(new, channel, "said before the number changed", practice_id)
        for move in moves
        for channel in {channel for old in move[:2] if old for channel in refused.get(old, ())}
        for new in _new_ones(move, channel)
    )
    keep_refusals(moved, actor)


def _new_ones(move: Move, channel: SuppressedChannel) -> Iterator[bytes]:
    if channel is not SuppressedChannel.EMAIL:
        yield move.new_phone
    if channel in (SuppressedChannel.ALL, SuppressedChannel.EMAIL):
        yield move.new_email


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
