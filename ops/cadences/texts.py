"""A practice's text or email of one kind, rendered for one person and queued once per reason."""

from datetime import datetime
from typing import NamedTuple

from ops.accounts.models import User
from ops.config import settings
from ops.db import db
from ops.errors import Refused
from ops.messages.actions import queue_message
from ops.practices.models import Patient, Practice
from ops.queue import wording
from ops.referrals.models import Referral
from ops.scripts import queries as scripts
from ops.scripts.models import Medium
from ops.scripts.render import ScriptError, render, used
from ops.work.kinds import Kind


def send_template(
    patient: Patient, kind: Kind, medium: Medium, reason_key: str, *, send_after: datetime | None = None
) -> bool:
    """Queue the practice's text or email of this kind, once per reason, to leave at once or not before `send_after`;
    False when it cannot be written."""
    try:
        queue_template(patient, kind, medium, reason_key, send_after=send_after)
    except Refused:
        return False
    return True


def queue_template(
    patient: Patient, kind: Kind, medium: Medium, reason_key: str, *, send_after: datetime | None = None
) -> None:
    """The same. Raises NoAddress, or Refused with what is missing, when it cannot be written."""
    practice = db.session.get_one(Practice, patient.practice_id)
    written = write(practice, patient, kind, medium)
    queue_message(
        practice,
        patient,
        channel=medium.value,
        kind=str(kind),
        reason_key=reason_key,
        to_address=written.address,
        subject=written.subject,
        body=written.body,
        script_version_id=written.version_id,
        filled_with=written.filled_with,
        send_after=send_after,
    )


class NoAddress(Refused):
    """The person has no number or address of this kind: nothing that the agency or the practice could write better."""


class Written(NamedTuple):
    """A text or email as it would be sent."""

    address: str
    subject: str
    body: str
    version_id: int
    name: str
    """What the template is called."""
    filled_with: dict[str, str]


def write(
    practice: Practice,
    patient: Patient,
    kind: Kind,
    medium: Medium,
    *,
    referral: Referral | None = None,
    agent: User | None = None,
) -> Written:
    """The published text or email of this kind as it would be sent to this patient, or to the friend of `referral`.

    Raises Refused, with the reason in words, when it cannot be written. To a friend nothing names who sent them
    (docs/rules.md decision 8): a text that would is refused.
    """
    address = _address(patient, referral, medium)
    if not address:
        raise NoAddress("We have no number to text." if medium is Medium.SMS else "We have no email address.")
    if medium is Medium.EMAIL and settings().smtp_url and not practice.sender_email:
        raise Refused("The practice has no address that its emails come from.")
    version = scripts.published(practice.id, kind, medium, patient.id)
    if version is None:
        raise Refused("Nobody has published a text for it.")
    values = wording.values(practice, patient, agent=agent, friend_name=referral.friend_name if referral else None)
    if referral:
        values = {name: value for name, value in values.items() if name not in OF_THE_REFERRER}
    try:
        subject = render(version.subject, values) if version.subject else ""
        body, filled_with = render(version.body, values), used(values, version.subject, version.body)
        return Written(address, subject, body, version.id, version.script.name, filled_with)
    except ScriptError as problem:
        raise Refused(str(problem)) from problem


OF_THE_REFERRER = {"patient_first_name", "referrer_first_name"}


def _address(patient: Patient, referral: Referral | None, medium: Medium) -> str | None:
    if referral:
        return referral.friend_phone if medium is Medium.SMS else referral.friend_email
    return patient.phone if medium is Medium.SMS else patient.email
