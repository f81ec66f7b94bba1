"""A morning's work for one agent: five practices, twenty tasks of every kind, made by the product's own verbs.

`python -m tests.morning` fills the installation of the environment (DATABASE_URL); with `more` a few people to ask are
added at its first practice.
"""

import sys

import sqlalchemy as sa

from ops import create_app
from ops.accounts.models import Role
from ops.cadences import jobs
from ops.db import db, transaction
from ops.messages.actions import receive
from ops.practices.models import Patient, Practice
from ops.queue import jobs as queue_jobs
from ops.queue.actions import tasks
from ops.queue.models import Task
from ops.referrals.actions import NewFriend, receive_referral
from ops.scripts.actions import ensure_defaults
from ops.work.answers import OptIn
from ops.work.kinds import Kind
from tests.whole_agency import PASSWORD
from tests.world import make_milestone, make_patient, make_practice, make_user

PRACTICES = ("Harbor Skin", "Lakeside Laser", "Juniper Wellness", "Sound Skin", "Cedar Clinic")
KINDS = (
    *[Kind.ASK] * 12,
    *[Kind.FRIEND_FOLLOW_UP] * 3,
    Kind.FOLLOW_UP,
    Kind.REVIEW_REQUEST,
    Kind.LOOP_CLOSING,
    Kind.REPLY,
    Kind.RECALL,
)
NAMES = "Maria Petra Rosa Noor Ada Mei Ines Lena Zoe Ruth Kai Sol Ivy Tess Uma Wren Nia Fay Joy Eve".split()


def fill() -> None:
    """An agent, a lead, five practices, and one task for each of `KINDS`, dealt out to them in turn."""
    for who, role, name in (("agent", Role.AGENT, "Dana Reyes"), ("lead", Role.LEAD, "Lena Hoffmann")):
        make_user(role, email=f"{who}@example.com", name=name, password=PASSWORD)
    practices = [
        make_practice(
            name=name,
            zone="America/New_York",
            state="NY",
            website=f"https://{name.split()[0].lower()}.example.com",
            shareable="They explain every step.",
            helps_best="people who want to look refreshed",
            callback_number="+12125550199",
        )
        for name in PRACTICES
    ]
    for practice in practices:
        jobs.practice_added(practice.id)
    with transaction("test"):
        ensure_defaults()
    for number, kind in enumerate(KINDS):
        _task(practices[number % len(practices)], number, kind)
    for practice in practices:
        jobs.import_finished(practice.id)


def _task(practice: Practice, number: int, kind: Kind) -> None:
    phone = f"+1{('212', '646')[number % 2]}55501{number:02}"
    patient = make_patient(
        practice, NAMES[number], "Lane", phone=phone, email=f"{NAMES[number].lower()}@example.com", zip="10001"
    )
    if kind is Kind.ASK:
        make_milestone(patient, "Toxin", days_ago=14)
        return
    with transaction("test"):
        if kind is Kind.FRIEND_FOLLOW_UP:
            friend = NewFriend(f"Friend{number}", f"+1917555010{number % 10}", None, OptIn.WROTE_US)
            referral = receive_referral(practice, patient, friend, actor="test", ask=None)
            queue_jobs.friends.open_friend_task(referral, "test")
            return
        tasks.open_task(
            practice_id=practice.id, patient_id=patient.id, kind=kind, reason="Made for this morning.", actor="test"
        )


def more(people: int = 12) -> None:
    """A few more people to ask at the first practice."""
    practice = db.session.scalars(sa.select(Practice).order_by(Practice.id)).first()
    known = db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) or 0
    assert practice
    for number in range(known, known + people):
        patient = make_patient(
            practice, f"More{number}", external_id=f"M{number}", phone=f"+1332555{100 + number:04}", zip="10001"
        )
        make_milestone(patient, "Toxin", days_ago=14)
    jobs.import_finished(practice.id)


def write(task_id: int, body: str) -> None:
    """Whom this task is about writes something to its practice."""
    task = db.session.get_one(Task, task_id)
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    address = patient.phone or ""
    db.session.rollback()
    with transaction("test"):
        receive(practice, channel="sms", from_address=address, body=body, provider_id=body)


if __name__ == "__main__":
    from ops.runtime.servers import ready

    with ready(), create_app().app_context():
        match sys.argv[1:]:
            case ["write", task, words]:
                write(int(task), words)
            case ["more"]:
                more()
            case _:
                fill()
