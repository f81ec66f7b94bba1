"""Where a message goes now: a number or address that was corrected while it waited is the one it leaves to.

What was on its way to the old one has left; what waits is for the person, not for the number.
"""

from typing import NamedTuple

from ops.db import db
from ops.messages.actions import STOP_CONFIRMATION
from ops.messages.models import Message, MessageChannel
from ops.practices.models import Patient


class Address(NamedTuple):
    """A number or address and its contact key; empty when the patient has none of the kind any more."""

    to: str
    key: bytes


def of_now(message: Message) -> Address:
    """The address of the patient as their record has it; what goes to a friend, or answers a stop, stays as written."""
    as_written = Address(message.to_address, message.contact_key)
    if message.patient_id is None or message.kind == STOP_CONFIRMATION:
        return as_written
    patient = db.session.get_one(Patient, message.patient_id, populate_existing=True)
    if message.channel is MessageChannel.SMS:
        to, key = patient.phone, patient.phone_key
    else:
        to, key = patient.email, patient.email_key
    return as_written if key == message.contact_key else Address(to or "", key or b"")
