"""What the report reads, as SELECTs: practices first, then days or moments. Every fact after `as_of` is left out.

Days (`opens_on`) are on the practice's own calendar, as milestones are; moments are UTC and cut at the month's bounds.
Whoever has several records is one human (`human_id`) if a lead had said so by `as_of`: counted once, and what was done
under one of them holds for all. A cadence is of whose milestone started it, whoever's number it calls by now.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, array_agg
from sqlalchemy.orm import aliased

from ops.accounts.models import Membership, User
from ops.accounts.roles import STAFF
from ops.cadences.models import SPACING_DAYS, Cadence
from ops.messages.models import Message, MessageState
from ops.metrics.measures import DEFAULT_OPENS_DAYS
from ops.practices.age import ADULT_YEARS
from ops.practices.humans import ever_under, human_of, merged_at, records_at
from ops.practices.models import Contract, Milestone, MilestoneKind, Patient, Practice, TreatmentType
from ops.queue.models import Attempt, CadenceRun, Task
from ops.referrals.models import Ask, Referral, ReferralEvent
from ops.work.answers import Answer, ReferralState
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState

LONGEST_DAYS = 3650
"""How far back a milestone may lie whose result opens now; treatment types open after months, not decades."""
TALKED = (Outcome.FRIEND_BOOKED, Outcome.FRIEND_CONNECTED, Outcome.FRIEND_DECLINED, Outcome.CALLBACK)
DELIVERED = (MessageState.ACCEPTED, MessageState.DELIVERED)

type_opens = sa.func.coalesce(TreatmentType.opens_days, DEFAULT_OPENS_DAYS)
opens_on = (Milestone.happened_on + type_opens).label("opens_on")


def _opened(
    practices: Sequence[int], first: date, last: date, as_of: datetime
) -> tuple[sa.Select, sa.TableValuedAlias]:
    """Treatments of eligible patients whose result opens from `first` to `last`, both included; with `merged_at`."""
    merged, other = merged_at(as_of), aliased(Patient)
    theirs = records_at(Milestone.patient_id, merged, as_of)
    others = sa.exists().where(other.id == theirs.c.patient_id, sa.not_(_may_be_asked(other)))
    query = (
        sa.select(
            Milestone.id.label("milestone_id"),
            Milestone.practice_id,
            Milestone.patient_id,
            human_of(Milestone.patient_id, merged).label("human_id"),
            opens_on,
        )
        .join(Patient, Patient.id == Milestone.patient_id)
        .outerjoin(merged, merged.c.patient_id == Milestone.patient_id)
        .outerjoin(TreatmentType, TreatmentType.id == Milestone.treatment_type_id)
        .where(
            Milestone.practice_id.in_(practices),
            Milestone.kind == MilestoneKind.TREATMENT_COMPLETED,
            Milestone.withdrawn_at.is_(None),
            Milestone.created_at <= as_of,
            Milestone.happened_on.between(first - timedelta(days=LONGEST_DAYS), last),
            opens_on.between(first, last),
            _may_be_asked(Patient),
            sa.or_(merged.c.human_id.is_(None), ~others),
        )
    )
    return query, merged


def _may_be_asked(patient: type[Patient]) -> sa.ColumnElement[bool]:
    """Adult and alive on the day the result shows, by this record. An unknown birth date is not a minor's."""
    # the years of the age, not the age itself: PostgreSQL compares intervals with months of 30 days; and it gives
    # February 29 its birthday on March 1 of common years
    years = sa.extract("year", sa.func.age(opens_on, patient.birth_date))
    adult = sa.or_(patient.birth_date.is_(None), years >= ADULT_YEARS)
    return sa.and_(adult, sa.or_(~patient.deceased, sa.func.coalesce(patient.death_date > opens_on, sa.false())))


def opened(practices: Sequence[int], first: date, last: date, as_of: datetime) -> sa.Select:
    """The cohort by milestone: milestone_id, practice_id, human_id, opens_on, reachable, spared, declined."""
    cohort, merged = _opened(practices, first, last, as_of)
    theirs, other = records_at(Milestone.patient_id, merged, as_of), aliased(Patient)
    has_way = sa.or_(other.phone.is_not(None), other.email.is_not(None))
    near, started_by = timedelta(days=SPACING_DAYS), aliased(Milestone)
    spared = sa.exists().where(
        started_by.patient_id == theirs.c.patient_id,
        started_by.id != Milestone.id,
        CadenceRun.milestone_id == started_by.id,
        CadenceRun.cadence_id == Cadence.id,
        Cadence.kind == Kind.ASK,
        CadenceRun.started_at <= as_of,
        CadenceRun.opens_at.between(opens_on - near, opens_on + near),
    )
    declined = sa.exists().where(
        Ask.patient_id == theirs.c.patient_id, Ask.answer == Answer.NEVER, Ask.answered_at <= as_of
    )
    return cohort.add_columns(
        sa.exists().where(other.id == theirs.c.patient_id, has_way).label("reachable"),
        spared.label("spared"),
        declined.label("declined"),
    )


def ask_runs(practices: Sequence[int], first: date, last: date, as_of: datetime) -> sa.Select:
    """The cohort's ask cadences: milestone_id, started_at, running, end_reason, end_outcome, asked, answer,
    shut_reasons."""
    cohort = _opened(practices, first, last, as_of)[0].subquery()
    sent_under = ever_under(cohort.c.patient_id)
    texted = sa.exists().where(
        Message.patient_id == sent_under.c.patient_id,
        Message.reason_key.like(CadenceRun.message_keys()),
        Message.state.in_(DELIVERED),
        sa.func.coalesce(Message.settled_at, Message.created_at) <= as_of,
    )
    shut = (
        sa.select(Task.shut_reasons)
        .where(Task.run_id == CadenceRun.id, Task.state.in_((TaskState.WAITING, TaskState.CANCELLED)))
        .order_by(Task.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    left_out = sa.func.jsonb_path_query_array(CadenceRun.left_out, sa.text("'$[*].codes[*]'"))
    # an answer given after `as_of` was not known then
    answer = sa.case((Ask.answered_at > as_of, Answer.NO_ANSWER), else_=Ask.answer)
    return (
        sa.select(
            CadenceRun.milestone_id,
            CadenceRun.started_at,
            sa.or_(CadenceRun.ended_at.is_(None), CadenceRun.ended_at > as_of).label("running"),
            CadenceRun.end_reason,
            CadenceRun.end_outcome,
            sa.or_(Ask.id.is_not(None), texted).label("asked"),
            sa.cast(answer, sa.Text).label("answer"),
            sa.func.coalesce(shut, left_out, type_=JSONB).label("shut_reasons"),
        )
        .join(cohort, cohort.c.milestone_id == CadenceRun.milestone_id)
        .join(Cadence, Cadence.id == CadenceRun.cadence_id)
        .outerjoin(Ask, sa.and_(Ask.run_id == CadenceRun.id, Ask.asked_at <= as_of))
        .where(Cadence.kind == Kind.ASK, CadenceRun.started_at <= as_of)
    )


def cohort_friends(practices: Sequence[int], first: date, last: date, as_of: datetime) -> sa.Select:
    """Friends sent by the cohort: the milestone_id each counts for, practice_id, steps (states in order).

    A friend counts for the milestone whose ask they came of, else for the latest result of whoever sent them that was
    open on that day.
    """
    cohort = _opened(practices, first, last, as_of)[0].subquery()
    merged = merged_at(as_of)
    theirs = records_at(Referral.referrer_id, merged, as_of)
    came_on = sa.cast(sa.func.timezone(Practice.zone, Referral.received_at), sa.Date)
    latest = (
        sa.select(Milestone.id)
        .outerjoin(TreatmentType, TreatmentType.id == Milestone.treatment_type_id)
        .where(
            Milestone.patient_id == theirs.c.patient_id,
            Milestone.kind == MilestoneKind.TREATMENT_COMPLETED,
            Milestone.withdrawn_at.is_(None),
            Milestone.created_at <= as_of,
            opens_on <= came_on,
        )
        .order_by(opens_on.desc(), Milestone.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(
            sa.func.coalesce(CadenceRun.milestone_id, latest).label("milestone_id"),
            Referral.practice_id,
            Referral.id.label("referral_id"),
            # who was known from another patient is called, and comes, under the referral we had
            _steps(as_of, sa.func.coalesce(Referral.joined_id, Referral.id)).label("steps"),
        )
        .join(Practice, Practice.id == Referral.practice_id)
        .outerjoin(merged, merged.c.patient_id == Referral.referrer_id)
        .outerjoin(Ask, Ask.id == Referral.ask_id)
        .outerjoin(CadenceRun, CadenceRun.id == Ask.run_id)
        .where(
            Referral.practice_id.in_(practices),
            Referral.received_at <= as_of,
            human_of(Referral.referrer_id, merged).in_(sa.select(cohort.c.human_id)),
        )
    )


def _steps(as_of: datetime, referral: sa.ColumnElement[int] = Referral.id) -> sa.ColumnElement:  # type: ignore[assignment]
    """The states a referral went through until `as_of`, in their order."""
    state = sa.cast(ReferralEvent.state, sa.Text)
    return (
        sa.select(array_agg(aggregate_order_by(state, ReferralEvent.at, ReferralEvent.id)))
        .where(ReferralEvent.referral_id == referral, ReferralEvent.at <= as_of)
        .correlate(Referral)
        .scalar_subquery()
    )


def friends_received(practice: int, start: datetime, end: datetime, as_of: datetime) -> sa.Select:
    """Friends received from `start` up to `end`: their name as given, referrer, moments and steps."""
    return (
        sa.select(
            Referral.id.label("referral_id"),
            Referral.friend_name,
            Referral.referrer_id,
            Patient.first_name.label("referrer_first"),
            Patient.last_name.label("referrer_last"),
            Referral.received_at,
            _contacted(as_of).label("contacted_at"),
            _steps(as_of).label("steps"),
            sa.cast(Referral.value, sa.Text).label("value"),  # pandas makes a float of a number
            Referral.visit_on,
        )
        .join(Patient, Patient.id == Referral.referrer_id)
        .where(
            Referral.practice_id == practice,
            Referral.joined_id.is_(None),
            Referral.received_at >= start,
            Referral.received_at < end,
            Referral.received_at <= as_of,
        )
        .order_by(Referral.received_at, Referral.id)
    )


def _contacted(as_of: datetime) -> sa.ColumnElement:
    """The first moment somebody talked to the friend, by the referral's steps or by a call, whichever is earlier."""
    step = (
        sa.select(sa.func.min(ReferralEvent.at))
        .where(
            ReferralEvent.referral_id == Referral.id,
            ReferralEvent.state.not_in((ReferralState.RECEIVED, ReferralState.LOST)),
            ReferralEvent.at <= as_of,
        )
        .scalar_subquery()
    )
    call = (
        sa.select(sa.func.min(Attempt.at))
        .join(Task, Task.id == Attempt.task_id)
        .where(Task.referral_id == Referral.id, Attempt.outcome.in_(TALKED), Attempt.at <= as_of)
        .correlate(Referral)
        .scalar_subquery()
    )
    return sa.func.least(step, call)  # least() passes over NULL


def loop(practice: int, start: datetime, end: datetime, as_of: datetime) -> sa.Select:
    """Steps a referrer may hear of: how many in [start, end), how many of those were told, and all still owed."""
    event = ReferralEvent
    told = sa.and_(event.told_at.is_not(None), event.told_at <= as_of)
    now = sa.and_(event.at >= start, event.at < end)
    return sa.select(
        sa.func.count().filter(now).label("steps"),
        sa.func.count().filter(now, told).label("told"),
        sa.func.count().filter(sa.not_(told)).label("owed"),
        sa.func.min(event.at).filter(sa.not_(told)).label("owed_since"),
    ).where(event.practice_id == practice, event.tell, event.at <= as_of)


def attempts(practice: int, start: datetime, end: datetime, as_of: datetime) -> sa.Select:
    """Attempts from `start` up to `end` by outcome: outcome, number, minutes."""
    return (
        sa.select(
            sa.cast(Attempt.outcome, sa.Text).label("outcome"),
            sa.func.count().label("number"),
            sa.func.sum(Attempt.minutes).label("minutes"),
        )
        .where(Attempt.practice_id == practice, Attempt.at >= start, Attempt.at < end, Attempt.at <= as_of)
        .group_by(Attempt.outcome)
        .order_by(sa.desc("number"), "outcome")
    )


def contracts(practice: int) -> sa.Select:
    """What the practice bought: hours_per_month, starts_on, ends_on (excluded, or None)."""
    return sa.select(Contract.hours_per_month, Contract.starts_on, Contract.ends_on).where(
        Contract.practice_id == practice
    )


def first_opening(practice: int) -> sa.Select:
    """The day the first result ever opened or will open; NULL before the first treatment."""
    return (
        sa.select(sa.func.min(Milestone.happened_on + type_opens))
        .outerjoin(TreatmentType, TreatmentType.id == Milestone.treatment_type_id)
        .where(Milestone.practice_id == practice, Milestone.kind == MilestoneKind.TREATMENT_COMPLETED)
    )


def reviews(practice: int, first: date, last: date, as_of: datetime) -> sa.Select:
    """How many reviews were left from `first` to `last`."""
    return sa.select(sa.func.count()).where(
        Milestone.practice_id == practice,
        Milestone.kind == MilestoneKind.REVIEW_LEFT,
        Milestone.happened_on.between(first, last),
        Milestone.created_at <= as_of,
    )


def practices_of(user: User) -> sa.Select:
    """The practices whose report this person may read, by name: a member's own, everybody's for leads and admins."""
    every = sa.select(Practice).order_by(sa.func.lower(Practice.name), Practice.id)
    if user.role in STAFF:
        return every
    return every.join(Membership, Membership.practice_id == Practice.id).where(Membership.user_id == user.id)
