"""The word back to the referrer."""

from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.db import db, rows_changed
from ops.errors import Refused
from ops.messages.actions import queue_message
from ops.practices.models import Patient, Practice
from ops.referrals.models import ReferralEvent
from ops.scripts import queries as scripts
from ops.scripts.models import Medium
from ops.scripts.render import ScriptError, render, used
from ops.scripts.values import of_practice


def close_loop(
    practice: Practice, referrer: Patient, event: ReferralEvent, *, send_after: datetime | None = None
) -> bool:
    """Queue the thank-you that tells the referrer "it reached us", once per event; False when there is no way to send
    it."""
    values = of_practice(practice) | {"patient_first_name": referrer.first_name}
    for medium, address in ((Medium.SMS, referrer.phone), (Medium.EMAIL, referrer.email)):
        version = scripts.published(practice.id, "loop_closing", medium, referrer.id)
        if not address or not version:
            continue
        try:
            subject, body = (render(version.subject, values) if version.subject else ""), render(version.body, values)
            queue_message(
                practice,
                referrer,
                channel=medium.value,
                kind="loop_closing",
                reason_key=f"loop:{event.id}",
                to_address=address,
                subject=subject,
                body=body,
                script_version_id=version.id,
                filled_with=used(values, version.subject, version.body),
                send_after=send_after,
            )
        except (ScriptError, Refused):  # a friend is not lost because the thank-you cannot be written
            continue
        return True
    return False


def note_told(message_reason_key: str) -> bool:
    """The thank-you of a referral event was delivered: the debt is paid. False when the key is not of a loop
    message."""
    kind, _, event_id = message_reason_key.partition(":")
    if kind != "loop" or not event_id.isdigit():
        return False
    done = db.session.execute(
        sa.update(ReferralEvent)
        .where(ReferralEvent.id == int(event_id), ReferralEvent.told_at.is_(None))
        .values(told_at=clock.now())
    )
    return bool(rows_changed(done))
