"""Whether a text or email that waited is still wanted, and its words as they are now (`ops.messages.last_look`).

The words are those of the version it was written with, which was read and approved, with the values it was filled with
then; only what the practice says of itself is looked up again: a link that was corrected meanwhile leaves corrected.
"""

from datetime import timedelta

from ops import clock
from ops.cadences.actions import stepping
from ops.db import db
from ops.messages import actions as messages
from ops.messages.last_look import NotYet, Says, Unwanted
from ops.messages.models import Message, MessageChannel
from ops.practices.models import Patient, Practice
from ops.queue.models import CadenceRun
from ops.scripts.models import ScriptVersion
from ops.scripts.render import ScriptError, render
from ops.scripts.values import OF_PRACTICE, of_practice
from ops.work.endings import SENT_ALL, Ending, EndReason

LONGEST = timedelta(days=30)
"""What waited longer, be it through a pause, would come out of the blue. A step of a cadence has days of its own."""


def look(practice: Practice, message: Message) -> Says | Unwanted | NotYet | None:
    """What becomes of it now."""
    why = _unwanted(message)
    return Unwanted(why) if why else _words(practice, message)


def _unwanted(message: Message) -> str:
    run_id = stepping.run_of(message.reason_key)
    run = db.session.get(CadenceRun, run_id, populate_existing=True) if run_id else None
    if run is None:
        return "it waited for more than 30 days" if clock.now() - message.created_at > LONGEST else ""
    if run.ending and run.end_reason not in SENT_ALL:
        return str(run.ending)
    return str(Ending(EndReason.DAYS_OVER)) if run.closes_at <= clock.now() else ""


def _words(practice: Practice, message: Message) -> Says | NotYet | None:
    version = db.session.get(ScriptVersion, message.script_version_id) if message.script_version_id else None
    if version is None or message.filled_with is None:
        return None
    patient = db.session.get(Patient, message.patient_id) if message.patient_id else None
    then = {name: value for name, value in message.filled_with.items() if name not in OF_PRACTICE}
    values = then | of_practice(practice)
    try:
        subject, body = render(version.subject, values) if version.subject else "", render(version.body, values)
    except ScriptError as problem:
        return NotYet(str(problem))
    if why := messages.unsendable(practice, patient, message.channel, message.to_address, subject, body):
        return NotYet(why)
    text = messages.as_sent(message.channel, body)
    if message.channel is MessageChannel.EMAIL:
        text += messages.footer(practice, message.id)
    return Says(subject, text)
