"""A friend who became a patient: found by number and name, asked about otherwise, moved on by their visits."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.cadences import jobs as cadence_jobs
from ops.db import db
from ops.errors import Refused
from ops.metrics.reports import month_report
from ops.practices.actions import withdraw_milestone
from ops.practices.models import Milestone
from ops.practices.months import Month
from ops.record.actions import merging
from ops.referrals import actions, queries
from ops.referrals.actions import NewFriend
from ops.referrals.jobs import match_friends
from ops.referrals.models import Referral
from ops.referrals.queries import Shelf
from ops.work.answers import OptIn, ReferralState, Source
from tests.floors import NOON, do, make_floor
from tests.uploads import text
from tests.world import make_milestone, make_patient, make_practice, make_user

PHONE, EMAIL = "+13125550177", "ines@example.com"


@pytest.fixture(autouse=True)
def at_noon(app):
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def rita(lake):
    return make_patient(lake, "Rita", "Ray")


def sent(lake, referrer, name="Ines Roy", phone=PHONE, email=EMAIL):
    friend = NewFriend(name, phone, email, OptIn.ON_THE_CALL)
    return do(actions.receive_referral, lake, referrer, friend, actor="test", ask=None)


def found(friend):
    match_friends()
    now = db.session.get_one(Referral, friend.id, populate_existing=True)
    return now.patient_id, now.maybe_patient_id


def stands(friend):
    now = db.session.get_one(Referral, friend.id, populate_existing=True)
    return now.state, [(event.step, event.happened_on) for event in now.events[1:]]


def last(friend):
    return db.session.get_one(Referral, friend.id, populate_existing=True).events[-1].id


def test_number_and_name_are_taken_for_the_friend_whose_visits_move_the_referral_on_into_the_report(
    lake, rita, at_noon
):
    older = make_patient(lake, "Ines", "Roy", phone=PHONE)  # a patient before anybody sent her: no friend who came
    friend = sent(lake, rita)
    assert found(friend) == (None, None)
    at_noon.tick(timedelta(hours=1))
    ines = make_patient(lake, "Inés", "Roy-Moss", external_id="F-1", phone=PHONE)
    assert found(friend) == (None, ines.id)  # another spelling is asked about
    do(actions.not_them, friend, ines.id)
    assert found(friend) == (None, None)
    ines = make_patient(lake, "INES", "Roy", external_id="F-2", phone=PHONE)
    make_milestone(ines, "Filler", days_ago=40)  # before she was sent
    assert found(friend) == (ines.id, None)
    assert stands(friend) == (ReferralState.RECEIVED, [("Found among the practice’s patients", None)])
    at_noon.tick(timedelta(days=5))
    visit = make_milestone(ines, "Filler", days_ago=1)
    cadence_jobs.import_finished(lake.id)  # the file that brought it
    assert stands(friend)[0] is ReferralState.TREATED
    assert stands(friend)[1][-1] == ("Treated", clock.today(lake.zone) - timedelta(days=1))
    report = month_report(lake, Month.of(clock.today(lake.zone)))
    assert (report.friends.showed, report.friends.treated) == (1, 1)
    do(withdraw_milestone, lake, db.session.get_one(Milestone, visit.id), "cancelled")
    match_friends()
    assert stands(friend)[0] is ReferralState.RECEIVED
    do(actions.take_back, friend, last(friend))  # not her after all: nobody finds her again
    assert found(friend) == (None, None)
    assert older.id not in (ines.id,)


def test_what_a_person_said_is_not_done_over(lake, rita, at_noon):
    friend = sent(lake, rita)
    at_noon.tick(timedelta(hours=1))
    ines = make_patient(lake, "Ines", "Roy", phone=PHONE)
    make_milestone(ines, "Filler", days_ago=0)
    do(actions.move_referral, friend, ReferralState.LOST, actor="user:1", told=actions.Told(why="moved away"))
    assert found(friend) == (None, ines.id)  # lost, and here: asked
    do(actions.say_who, friend, ines.id, actor="user:1", source=Source.PRACTICE_SAID)
    assert stands(friend)[0] is ReferralState.LOST  # said on the day of that visit
    at_noon.tick(timedelta(days=3))
    make_milestone(ines, "Filler", days_ago=1)
    match_friends()
    assert stands(friend)[0] is ReferralState.TREATED
    do(actions.take_back, friend, last(friend))
    match_friends()
    assert stands(friend)[0] is ReferralState.LOST


def test_the_email_address_with_the_name_is_asked_about_and_a_name_alone_is_not(lake, rita, at_noon):
    friend = sent(lake, rita)
    at_noon.tick(timedelta(hours=1))
    make_patient(lake, "Ines", "Roy", phone="+13125550101")
    make_patient(lake, "Olga", "Roy", email=EMAIL)
    elsewhere = make_practice("hill")
    make_patient(elsewhere, "Ines", "Roy", phone=PHONE)
    assert found(friend) == (None, None)
    ines = make_patient(lake, "Ines", "Moss", email=EMAIL, phone=None)
    assert found(friend) == (None, ines.id)


def test_one_patient_is_one_friend_also_under_two_records(lake, rita, at_noon):
    friend, other = sent(lake, rita), sent(lake, rita, "Olga Roy", "+13125550178", None)
    at_noon.tick(timedelta(hours=1))
    old, new = (make_patient(lake, "Ines", name, phone=phone) for name, phone in (("Roy", PHONE), ("Moss", None)))
    do(merging.merge, lake, old.id, new.id, "Married", actor="user:1")
    assert found(friend) == (old.id, None)
    for patient in (old, new):
        with pytest.raises(Refused, match="another friend already"):
            do(actions.say_who, other, patient.id, actor="user:1", source=Source.PRACTICE_SAID)
    with pytest.raises(Refused, match="who sent them"):
        do(actions.say_who, other, rita.id, actor="user:1", source=Source.PRACTICE_SAID)
    with pytest.raises(sa.exc.IntegrityError, match="uq_referrals_patient_id"):
        do(db.session.execute, sa.update(Referral).values(patient_id=old.id))
    db.session.rollback()
    at_noon.tick(timedelta(days=2))
    make_milestone(new, "Filler", days_ago=1)  # under the record that was merged
    match_friends()
    assert stands(friend)[0] is ReferralState.TREATED


def test_a_lead_and_the_practice_are_asked_on_the_list_of_friends(lake, rita, at_noon, sign_in):
    friend = sent(lake, rita)
    at_noon.tick(timedelta(hours=1))
    make_patient(lake, "Irma", "Roy", external_id="F-7", phone=PHONE)
    match_friends()
    lead, member = sign_in(make_user("lead")), sign_in(make_user("member", lake))
    assert queries.shelf_counts(None)[Shelf.MATCH] == 1
    page = text(lead.get("/friends?shelf=is_this_them"))
    assert "Is Irma Roy (F-7) the friend Rita Ray sent?" in page and "1 friend may be a patient by now" in page
    address = f"/practices/lake/friends/{friend.id}"
    sign_in(make_user("agent")).post(f"{address}/who", data={"number": "F-7"}, expect=404)
    sign_in(make_user("member", make_practice("hill"))).post(f"{address}/who", data={"number": "F-7"}, expect=404)
    assert "number of a patient of this practice" in text(
        lead.post(f"{address}/who", data={"number": "F-9"}, expect=422)
    )
    member.post(f"{address}/who", data={"number": "F-7"}, expect=303)
    assert "said who they are already" in text(lead.post(f"{address}/who", data={"number": "F-7"}, expect=422))
    late = lead.post(f"{address}/not-them", data={"patient": str(rita.id)}, expect=422)
    assert "answered that already" in text(late)
    page = text(member.get("/practices/lake/friends", expect=200))
    assert "Irma Roy, F-7" in page and "Take back" in page
    member.post(f"{address}/take-back", data={"event": str(last(friend))}, expect=303)
    assert found(friend) == (None, None)
