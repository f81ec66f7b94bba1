"""What tests of the outbox have in common: a message queued, sent and looked at under a moved clock."""

from datetime import UTC, datetime

import sqlalchemy as sa

from ops import clock
from ops.db import db, transaction
from ops.messages import actions, sending
from ops.messages.models import Message, MessageEvent
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState
from tests import world

NOON = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)  # a Tuesday, 12:00 in Chicago
NIGHT = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)  # 22:00 there
TEXT = "Hi Ada, it's Glow. Thank you for thinking of us. Reply STOP to opt out."


def at(moment):
    return clock.moved_to(moment)


def published() -> int:
    """A text that somebody has published: nothing else may leave. Inside a transaction."""
    there = db.session.scalar(sa.select(ScriptVersion.id).where(ScriptVersion.published_at.is_not(None)).limit(1))
    if there:
        return there
    script = Script(kind="loop_closing", medium=Medium.SMS, name="Thank you")
    db.session.add(script)
    db.session.flush()
    version = ScriptVersion(
        script_id=script.id,
        number=1,
        state=VersionState.PUBLISHED,
        body=TEXT,
        created_at=NOON,
        created_by="test",
        published_at=NOON,
    )
    db.session.add(version)
    db.session.flush()
    return version.id


def queue(practice, patient, key="loop:1", channel="sms", **over):
    given = {"body": TEXT, "to_address": patient and (patient.phone if channel == "sms" else patient.email)} | over
    with transaction("test"):
        given = {"script_version_id": published()} | given
        return actions.queue_message(practice, patient, channel=channel, kind="loop_closing", reason_key=key, **given)


def queued(practice, moment=NOON, **over):
    with at(moment):
        return queue(practice, world.make_patient(practice), **over)


def send(message, moment=NOON):
    with at(moment):
        return sending.deliver(message.id)


def again(message) -> Message:
    db.session.rollback()
    return db.session.get_one(Message, message.id, populate_existing=True)


def states(message) -> list[str]:
    db.session.rollback()
    told = sa.select(MessageEvent.state).where(MessageEvent.message_id == message.id).order_by(MessageEvent.id)
    return [str(state) for state in db.session.scalars(told)]


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def reply(practice, message, body, moment=NOON, provider_id="r1", **over):
    given = {"channel": "sms", "from_address": message.to_address, "in_reply_to": message} | over
    with at(moment), transaction("test"):
        return actions.receive(practice, body=body, provider_id=provider_id, **given)
