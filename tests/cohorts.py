"""Builders for a month's facts: what the queue leaves behind, at the moments a test names.

Rows, not verbs: a test of the report needs odd orders and exact moments that the verbs would not let it have.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops.cadences.models import Cadence
from ops.crypto import contact_key
from ops.db import db
from ops.metrics.cohort import Cohort
from ops.metrics.reports import MonthReport, month_report
from ops.practices.models import Milestone, Patient, Practice
from ops.practices.months import Month
from ops.queue.models import CadenceRun, Task
from ops.referrals.models import Ask, Referral, ReferralEvent
from ops.work.answers import Answer, OptIn, ReferralState, Source
from ops.work.endings import Ending
from ops.work.kinds import Kind
from ops.work.states import RunState, TaskState
from tests.world import edge, make_milestone, make_patient

TOXIN_OPENS = 10
MARCH = Month(2026, 3)
LATER = datetime(2026, 9, 1, tzinfo=UTC)
"""When everything of March is known."""
ZONE = "America/Chicago"


def at(zone: str, *when: int) -> datetime:
    """A moment on the clock of `zone`."""
    return datetime(*when, tzinfo=ZoneInfo(zone))


def noon(day: int, month: int = 3) -> datetime:
    """Twelve o'clock of a day in 2026 in Chicago."""
    return at(ZONE, 2026, month, day, 12)


def march(practice: Practice, as_of: datetime = LATER) -> MonthReport:
    return month_report(practice, MARCH, as_of)


def counts(cohort: Cohort) -> dict[str, int]:
    """How many got to each stage."""
    return {str(step.stage): step.count for step in cohort.steps}


def result_shows(practice: Practice, on: date, patient: Patient | None = None, **person: object) -> Milestone:
    """A toxin treatment whose result begins to show on that day."""
    with edge():
        patient = patient or make_patient(practice, **person)
        milestone = make_milestone(patient, "Toxin", happened_on=on - timedelta(days=TOXIN_OPENS))
        # known to us from the day it happened
        milestone.created_at = at(practice.zone, on.year, on.month, on.day) - timedelta(days=TOXIN_OPENS)
        db.session.flush()
    return milestone


def start_ask(
    milestone: Milestone, started: datetime, *, kind: Kind = Kind.ASK, ended: Ending | None = None
) -> CadenceRun:
    """A cadence run of that milestone; `ended` is why it ended."""
    with edge():
        query = sa.select(Cadence).where(Cadence.practice_id == milestone.practice_id, Cadence.kind == kind)
        cadence = db.session.scalars(query).first()
        if cadence is None:
            cadence = Cadence(practice_id=milestone.practice_id, name=f"Test {kind}", kind=kind)
            db.session.add(cadence)
            db.session.flush()
        run = CadenceRun(
            practice_id=milestone.practice_id,
            patient_id=milestone.patient_id,
            cadence_id=cadence.id,
            milestone_id=milestone.id,
            trigger_id=cadence.id,
            state=RunState.ENDED if ended else RunState.RUNNING,
            opens_at=started,
            peaks_at=started + timedelta(days=4),
            closes_at=started + timedelta(days=50),
            started_at=started,
            ended_at=started + timedelta(days=1) if ended else None,
            end_reason=ended.reason if ended else None,
            end_outcome=ended.outcome if ended else None,
            end_words=ended.words if ended else None,
        )
        db.session.add(run)
        db.session.flush()
    return run


def waiting_task(run: CadenceRun, shut: list[str] | None = None, state: TaskState = TaskState.WAITING) -> Task:
    with edge():
        task = Task(
            practice_id=run.practice_id,
            patient_id=run.patient_id,
            run_id=run.id,
            kind=Kind.ASK,
            state=state,
            reason="Result shows.",
            created_at=run.started_at,
            ready_at=run.started_at,
            rank=1,
            ranked_at=run.started_at,
            estimate_minutes=6,
            shut_reasons=shut,
            finished_at=run.started_at if state in (TaskState.DONE, TaskState.CANCELLED) else None,
        )
        db.session.add(task)
        db.session.flush()
    return task


def answer(run: CadenceRun, said: Answer, asked: datetime, answered: datetime | None = None) -> Ask:
    with edge():
        ask = Ask(
            practice_id=run.practice_id,
            patient_id=run.patient_id,
            run_id=run.id,
            asked_at=asked,
            answer=said,
            answered_at=None if said is Answer.NO_ANSWER else answered or asked,
        )
        db.session.add(ask)
        db.session.flush()
    return ask


def send_friend(
    patient: Patient,
    received: datetime,
    *later: tuple[ReferralState, datetime],
    name: str = "Bea Doe",
    ask: Ask | None = None,
    told: datetime | None = None,
) -> Referral:
    """A friend of that patient and the states they went through afterwards."""
    with edge():
        number = db.session.scalar(sa.select(sa.func.count()).select_from(Referral))
        email = f"friend{number}@example.com"
        referral = Referral(
            practice_id=patient.practice_id,
            referrer_id=patient.id,
            ask_id=ask.id if ask else None,
            friend_name=name,
            friend_email=email,
            contact_key=contact_key(email),
            opt_in=OptIn.ON_THE_CALL,
            state=later[-1][0] if later else ReferralState.RECEIVED,
            received_at=received,
            received_by="test",
        )
        for state, moment in ((ReferralState.RECEIVED, received), *later):
            tell = state is ReferralState.RECEIVED
            referral.events.append(
                ReferralEvent(
                    practice_id=patient.practice_id,
                    state=state,
                    at=moment,
                    actor="test",
                    source=Source.CALL,
                    tell=tell,
                    told_at=told if tell else None,
                )
            )
        db.session.add(referral)
        db.session.flush()
    return referral
