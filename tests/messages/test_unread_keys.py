"""Whose numbers and addresses hold back because nobody has read what they wrote: rows that triggers keep, and that are
at every moment what the replies and patients say."""

import random
import threading

import sqlalchemy as sa

from ops import clock
from ops.crypto import contact_key
from ops.db import db, transaction
from ops.messages import actions as messages
from ops.messages.models import InboundMessage
from ops.practices.models import Patient
from tests.world import make_patient, make_practice

KEPT = "SELECT reply_id, practice_id, key FROM unread_keys"
SAID = "SELECT reply_id, practice_id, key FROM not_understood"


def rows(query: str) -> set[tuple[int, int, bytes]]:
    db.session.rollback()
    return {(reply, practice, bytes(key)) for reply, practice, key in db.session.execute(sa.text(query))}


def write(practice, address: str, name: str, body: str = "Thank you!") -> int:
    with transaction("inbound"):
        return messages.receive(practice, channel="sms", from_address=address, body=body, provider_id=name).id


def test_the_kept_keys_are_what_replies_and_patients_say_after_any_history(app):
    dice = random.Random(7)
    practices = [make_practice("lake"), make_practice("shore")]
    patients = [make_patient(practice, f"P{n}") for practice in practices for n in range(3)]
    seen = 0
    for step in range(80):
        one, other = dice.choice(patients), dice.choice(patients)
        with transaction("test"):
            change = dice.choice([0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5])
            patient = db.session.get_one(Patient, one.id)
            reply = db.session.scalars(sa.select(InboundMessage).order_by(sa.func.random()).limit(1)).first()
            if change == 0:
                patient.phone_key = contact_key(f"+1312555{dice.randrange(100, 120):04}")
            elif change == 1:
                patient.email = dice.choice([None, f"p{dice.randrange(9)}@example.com"])
                patient.email_key = contact_key(patient.email) if patient.email else None
            elif change == 2 and reply:
                reply.decided_at, reply.decided_by, reply.decided_stop = clock.now(), "test", False
            elif change == 3 and reply and reply.practice_id == other.practice_id:
                reply.patient_id = other.id
            elif change == 4 and reply:
                db.session.delete(reply)
        if change == 5:
            write(dice.choice(practices), other.phone, f"reply {step}", dice.choice(["Hm", "Hm", "STOP"]))
        kept = rows(KEPT)
        seen = max(seen, len(kept))
        assert kept == rows(SAID), f"step {step}, change {change}"
    assert seen > 5


def test_a_number_corrected_while_their_reply_arrives_holds_back_too(app):
    practice = make_practice("lake")
    patient = make_patient(practice, "Maria")

    def reply():
        with app.app_context():
            write(practice, patient.phone, "one")

    with transaction("test"):
        db.session.get_one(Patient, patient.id).phone_key = contact_key("+13125550177")
        db.session.flush()
        arriving = threading.Thread(target=reply)
        arriving.start()
        arriving.join(0.5)
    arriving.join(10)
    assert rows(KEPT) == rows(SAID)
    assert contact_key("+13125550177") in {key for *_, key in rows(KEPT)}
