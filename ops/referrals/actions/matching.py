"""A friend who was sent has become a patient of the practice.

Who has the friend's number and first name, and came to us after we had theirs, is taken for them, with an event that
can be taken back. Who has the number alone, or the email address and the first name, is a question to a lead or the
practice. From then on the patient's visits move the referral on, on the day they took place.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops import clock
from ops.db import Moment, db
from ops.errors import Refused
from ops.practices.humans import ids_of, same_human
from ops.practices.models import Milestone, MilestoneKind, Patient, Practice
from ops.referrals import states
from ops.referrals.actions.moving import LONGEST_AHEAD, Told, add_event, change, move_referral, take_back
from ops.referrals.models import Referral, ReferralEvent
from ops.work.answers import ReferralState, Source

S = ReferralState
CAME = (MilestoneKind.VISIT, MilestoneKind.TREATMENT_COMPLETED)
TAKEN = "That patient is another friend already. Take that back first, if it was wrong."
_FIRST = "lower(regexp_replace(split_part(btrim({}), ' ', 1), '[^[:alnum:]]', '', 'g'))"
CANDIDATES = sa.text(
    f"""
    SELECT * FROM (
        SELECT r.id AS referral_id, p.id AS patient_id, r.state = 'lost' AS lost,
               r.friend_phone IS NOT NULL AND p.phone_key = r.contact_key AS same_number,
               {_FIRST.format("p.first_name")} = {_FIRST.format("r.friend_name")} AS same_name
        FROM referrals r CROSS JOIN LATERAL (
            SELECT a.* FROM patients a WHERE a.practice_id = r.practice_id AND a.phone_key = r.contact_key
            UNION
            SELECT a.* FROM patients a
            WHERE a.practice_id = r.practice_id AND a.email_key IN (r.email_key, r.contact_key)) p
        WHERE r.patient_id IS NULL AND r.maybe_patient_id IS NULL AND r.joined_id IS NULL AND r.state <> 'treated'
          AND r.received_at > :since AND p.created_at > r.received_at AND p.id <> ALL (r.not_patients)
          AND p.id <> r.referrer_id AND (CAST(:practice AS bigint) IS NULL OR r.practice_id = :practice)
          AND NOT EXISTS (SELECT FROM referrals x WHERE x.patient_id = p.id OR x.maybe_patient_id = p.id)) c
    WHERE same_number OR same_name
    ORDER BY lost, referral_id, patient_id
    """  # noqa: S608 (our own words)
).bindparams(sa.bindparam("since", type_=Moment))


class Candidate(NamedTuple):
    """A patient who may be the friend of this referral. `same_name`: the first one."""

    referral_id: int
    patient_id: int
    lost: bool
    same_number: bool
    same_name: bool


def candidates(practice_id: int | None = None) -> list[list[Candidate]]:
    """By referral: who may be the friend, and has not been asked about yet. Friends of the last year alone."""
    asked = {"practice": practice_id, "since": clock.now() - LONGEST_AHEAD}
    rows = [Candidate(*row) for row in db.session.execute(CANDIDATES, asked)]
    return [list(group) for _, group in groupby(rows, lambda row: row.referral_id)]


def look_at(found: Sequence[Candidate]) -> None:
    """Take the one who is certainly them for the friend, or ask."""
    referral = db.session.get_one(Referral, found[0].referral_id, with_for_update=True, populate_existing=True)
    if referral.patient_id or referral.maybe_patient_id:
        return
    sure = [each.patient_id for each in found if each.same_number and each.same_name and not each.lost]
    if sure and set(sure) <= {*same_human(referral.practice_id, sure[0])}:
        say_who(referral, sure[0], actor="tick", source=Source.FILE)
    elif not _is_somebody(referral, found[0].patient_id):
        referral.maybe_patient_id = found[0].patient_id
        db.session.flush()


def say_who(referral: Referral, patient_id: int, *, actor: str, source: Source) -> ReferralEvent:
    """This patient of the practice is the friend. Raises Refused when that was said already, for the patient who sent
    them, and for one who is another friend."""
    db.session.refresh(referral, with_for_update=True)
    patient = db.session.get(Patient, patient_id)
    if patient is None or patient.practice_id != referral.practice_id:
        raise Refused("Please give the number of a patient of this practice.")
    if referral.joined_id is not None:
        raise Refused("We knew this friend already, from another patient: who they are is said there.")
    if referral.patient_id is not None:
        raise Refused("Somebody has said who they are already. Please look again.")
    if referral.referrer_id in same_human(patient.practice_id, patient.id):
        raise Refused("That is the patient who sent them.")
    if _is_somebody(referral, patient.id):
        raise Refused(TAKEN)
    referral.maybe_patient_id = None
    try:
        with db.session.begin_nested():
            before = change(referral, {"patient_id": patient.id})
            db.session.flush()
    except IntegrityError:  # somebody said it of another friend in this moment
        raise Refused(TAKEN) from None
    event = add_event(referral, referral.state, actor, source, tell=False, was=before)
    follow([referral.id])
    return event


def _is_somebody(referral: Referral, patient_id: int) -> bool:
    theirs = ids_of(referral.practice_id, patient_id)
    return bool(db.session.scalar(sa.select(sa.exists().where(Referral.patient_id.in_(theirs)))))


def not_them(referral: Referral, patient_id: int) -> None:
    """The patient who was asked about is not the friend. Raises Refused when another answer came first."""
    db.session.refresh(referral, with_for_update=True)
    if referral.maybe_patient_id != patient_id:
        raise Refused("Somebody has answered that already. Please look again.")
    referral.maybe_patient_id = None
    referral.not_patients = [*referral.not_patients, patient_id]
    db.session.flush()


def to_follow(practice_id: int | None = None, ids: Sequence[int] | None = None) -> sa.Select:
    """Referrals that the visits of the patient the friend became move on, or do not bear any more: id, and the first
    day they came, and were treated, since we had their name."""
    visit = _visits()
    came = sa.func.min(visit.c.happened_on)
    treated = came.filter(visit.c.kind == MilestoneKind.TREATMENT_COMPLETED)
    further = sa.or_(
        sa.and_(treated.is_not(None), Referral.state != S.TREATED),
        sa.and_(came.is_not(None), Referral.state.not_in((S.SHOWED, S.TREATED))),
    )
    too_far = sa.or_(
        sa.and_(treated.is_(None), Referral.state == S.TREATED), sa.and_(came.is_(None), Referral.state == S.SHOWED)
    )
    return (
        sa.select(Referral.id, came.label("came"), treated.label("treated"))
        .join(Practice, Practice.id == Referral.practice_id)
        .outerjoin(visit, sa.true())
        .where(
            Referral.patient_id.is_not(None),
            Referral.follows_visits,
            Referral.received_at > clock.now() - LONGEST_AHEAD,
            sa.true() if practice_id is None else Referral.practice_id == practice_id,
            sa.true() if ids is None else Referral.id.in_(ids),
        )
        .group_by(Referral.id)
        .having(sa.or_(further, sa.and_(too_far, _last_said() == Source.FILE)))
        .order_by(Referral.id)
    )


def _visits() -> sa.FromClause:
    """The visits that bear on a referral (Referral, Practice): of the patient the friend became, on any record, since
    we had their name."""
    noted = (
        sa.select(sa.func.max(ReferralEvent.at))
        .where(
            ReferralEvent.referral_id == Referral.id,
            ReferralEvent.state == Referral.state,
            ~sa.func.coalesce(ReferralEvent.was.has_key("patient_id"), sa.false()),
        )
        .scalar_subquery()
    )
    not_coming = Referral.state.in_((S.NO_SHOW, S.LOST))  # only who comes after that was noted has come after all
    since = sa.case((not_coming, noted + timedelta(days=1)), else_=Referral.received_at)
    first_day, today = (sa.cast(sa.func.timezone(Practice.zone, at), sa.Date) for at in (since, clock.now()))
    return (
        sa.select(Milestone.kind, Milestone.happened_on)
        .where(
            Milestone.patient_id.in_(ids_of(Referral.practice_id, Referral.patient_id)),
            Milestone.kind.in_(CAME),
            Milestone.withdrawn_at.is_(None),
            Milestone.happened_on.between(first_day, today),
            Milestone.happened_on > clock.now().date() - LONGEST_AHEAD + timedelta(days=1),
        )
        .lateral()
    )


def _last_said() -> sa.ScalarSelect[Source]:
    """Who said the newest of what became of a referral."""
    return (
        sa.select(ReferralEvent.source)
        .where(ReferralEvent.referral_id == Referral.id)
        .order_by(ReferralEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def follow(ids: Sequence[int]) -> None:
    """Move these referrals on by the visits of the patient the friend became, or back where a visit did not take place
    after all."""
    for referral_id, came, treated in db.session.execute(to_follow(ids=ids)).all():
        referral = db.session.get_one(Referral, referral_id, with_for_update=True, populate_existing=True)
        db.session.expire(referral, ["events"])
        becomes, day = (S.TREATED, treated) if treated else (S.SHOWED, came)
        if day is None or states.may_follow(becomes, referral.state):  # it says more than the visits do
            if referral.events[-1].source is Source.FILE and not referral.events[-1].says_who:
                take_back(referral, referral.events[-1].id, decided=False)
        elif states.may_follow(referral.state, becomes):
            move_referral(referral, becomes, actor="tick", source=Source.FILE, told=Told(happened_on=day))
