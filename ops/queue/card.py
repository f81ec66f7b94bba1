"""What the agent sees of a task: the minimum necessary about the patient, and everything about what to say and why."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import PatientRead, User
from ops.contact.asking import may_contact
from ops.contact.facts import Decision
from ops.contact.places import places_of
from ops.db import db
from ops.practices.models import Milestone, Patient, Practice, TreatmentType
from ops.queue import wording
from ops.queue.actions.cadences import why_no_note
from ops.queue.actions.hands import UNREAD_REPLY, has_unread_reply
from ops.queue.board_words import reasons_words
from ops.queue.models import Attempt, CadenceRun, EventKind, Task, TaskEvent
from ops.queue.outcomes import Rule, rules_for
from ops.queue.people import person_of, referral_of
from ops.referrals.models import Referral
from ops.scripts import render
from ops.scripts.markup import to_html
from ops.scripts.models import ScriptVersion


@dataclass(frozen=True)
class Card:
    """One task as the desk shows it. Times are aware; `zones` are those of the patient's possible places."""

    task: Task
    practice: Practice
    patient: Patient
    referral: Referral | None
    category: str | None
    milestone: Milestone | None
    first_name: str
    zones: tuple[str, ...]
    decision: Decision
    script: str
    missing: str | None
    """Why part of the script could not be said."""
    attempts: tuple[Attempt, ...]
    why: dict
    outcomes: tuple[Rule, ...]
    no_note: str | None
    """Why the note to forward cannot be sent, for kinds that send one: promise nothing then."""
    unread_reply: bool
    """They wrote something that may mean stop, and nobody has read it yet."""

    @property
    def why_not(self) -> str:
        """Why they may not be called now, in words; "" when they may."""
        return reasons_words([*self.decision.reasons, *([UNREAD_REPLY] if self.unread_reply else [])])

    @property
    def may_call_until(self) -> datetime | None:
        return self.decision.window[1] if self.decision.allow and self.decision.window else None


def card_for(task: Task, agent: User) -> Card:
    """Everything the desk shows of the task this agent holds."""
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    referral, milestone = referral_of(task), _milestone(task)
    treatment = (
        db.session.get(TreatmentType, milestone.treatment_type_id)
        if milestone and milestone.treatment_type_id
        else None
    )
    person = person_of(task, patient)
    values = wording.values(practice, patient, agent=agent, referral=referral, treatment=treatment)
    script, missing = _said(task, values)
    return Card(
        task=task,
        practice=practice,
        patient=patient,
        referral=referral,
        category=treatment.category if treatment else None,
        milestone=milestone,
        first_name=referral.friend_name.split(" ")[0] if referral else patient.first_name,
        zones=_zones(person, practice),
        decision=may_contact(person, practice, "call", clock.now(), f"task:{task.id}", store=False, but_task=task.id),
        script=script,
        missing=missing,
        attempts=_attempts(task),
        why=_why(task),
        outcomes=rules_for(task.kind),
        unread_reply=has_unread_reply(task, person),
        no_note=why_no_note(patient) if any(rule.sends_note for rule in rules_for(task.kind)) else None,
    )


def _milestone(task: Task) -> Milestone | None:
    if not task.run_id:
        return None
    run = db.session.get_one(CadenceRun, task.run_id)
    return db.session.get(Milestone, run.milestone_id)


def _said(task: Task, values: dict[str, str]) -> tuple[str, str | None]:
    """The script as HTML; what is not known is shown as a mark to speak around, never as a blank, and named."""
    version = db.session.get(ScriptVersion, task.script_version_id) if task.script_version_id else None
    if version is None:
        return "", "Nobody has published a script for this kind of task yet. Please tell your lead."
    unknown = sorted(name for name in render.variables_in(version.body) if not values.get(name))
    if not unknown:
        return to_html(render.render(version.body, values)), None
    marks = {name: f"[{name.replace('_', ' ')}: not known]" for name in unknown}
    names = ", ".join(name.replace("_", " ") for name in unknown)
    return to_html(render.render(version.body, values | marks)), f"The practice has not told us: {names}."


def _zones(person: object, practice: Practice) -> tuple[str, ...]:
    places = places_of(
        getattr(person, "state", None),
        getattr(person, "zip", None),
        getattr(person, "phone", None),
        getattr(person, "stated_zone", None),
        None,
    )
    return tuple(dict.fromkeys(place.zone for place in places)) or (practice.zone,)


def _attempts(task: Task) -> tuple[Attempt, ...]:
    about = Task.referral_id.is_(None) if task.referral_id is None else Task.referral_id == task.referral_id
    return tuple(
        db.session.scalars(
            sa.select(Attempt)
            .join(Task, Task.id == Attempt.task_id)
            .where(Attempt.patient_id == task.patient_id, about)
            .order_by(Attempt.at.desc())
            .limit(8)
        )
    )


def _why(task: Task) -> dict:
    claimed = db.session.scalars(
        sa.select(TaskEvent.facts)
        .where(TaskEvent.task_id == task.id, TaskEvent.kind == EventKind.CLAIMED)
        .order_by(TaskEvent.id.desc())
        .limit(1)
    ).first()
    return claimed or {}


def log_read(agent: User, practice_id: int, patient_id: int, task_id: int, what: str) -> None:
    """Note that the agent looked at this patient (RULES A12)."""
    db.session.add(
        PatientRead(
            at=clock.now(),
            user_id=agent.id,
            practice_id=practice_id,
            patient_id=patient_id,
            what=f"task {task_id}: {what}",
        )
    )
