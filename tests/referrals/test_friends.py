"""What becomes of a friend after the booking: who notes it, what follows, and what is taken back."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock
from ops.accounts.models import AuditEntry, PatientRead
from ops.contact.models import ConsentEvent
from ops.db import db, transaction
from ops.errors import Refused
from ops.metrics.reports import month_report
from ops.practices.months import Month
from ops.queue import jobs
from ops.queue.models import Task
from ops.referrals import queries
from ops.referrals.actions import NewFriend, Told, move_referral, receive_referral, take_back
from ops.referrals.models import Referral, ReferralEvent
from ops.referrals.queries import Shelf
from ops.referrals.states import NEXT, may_follow
from ops.work.answers import OptIn, ReferralState, Source
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from ops.work.states import TaskState
from tests.cohorts import result_shows
from tests.floors import NOON, claim, make_floor, make_task, record
from tests.world import make_patient, make_user

INES = NewFriend("Ines Roy", "+13125550177", None, OptIn.ON_THE_CALL)


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


def a_friend(practice, friend=INES, referrer=None) -> Referral:
    with transaction("test"):
        return receive_referral(
            practice, referrer or make_patient(practice, "Rita", "Ray"), friend, actor="test", ask=None
        )


def move(friend, becomes, **told):
    with transaction("user:1"):
        return move_referral(friend, becomes, actor="user:1", source=Source.PRACTICE_SAID, told=Told(**told))


def fresh(friend) -> Referral:
    return db.session.get_one(Referral, friend.id, populate_existing=True)


def post(browser, friend, step, expect=303, **typed):
    return browser.post(f"/practices/lake/friends/{friend.id}/{step}", data=typed, expect=expect)


def test_from_the_ask_to_the_treatment_to_the_months_report(lake, sign_in, at_noon):
    agent, lead = make_user("agent"), make_user("lead", name="Lea Lead")
    milestone = result_shows(lake, date(2026, 3, 10))
    make_task(lake, patient=milestone.patient)
    record(claim(agent), agent, Outcome.WILLING, friend=INES)
    visit = Told(visit_on=date(2026, 3, 16), visit_time=time(14, 30), comes_for="a first look")
    record(claim(agent), agent, Outcome.FRIEND_BOOKED, visit=visit, own_email="ines@example.com")
    friend = db.session.scalars(sa.select(Referral)).one()
    assert (friend.state, friend.visit_on, friend.visit_time) == (ReferralState.BOOKED, date(2026, 3, 16), time(14, 30))
    assert friend.friend_email == "ines@example.com"
    agreed = sa.select(ConsentEvent.how).where(ConsentEvent.channel == "email", ConsentEvent.given)
    assert db.session.scalars(agreed).all() == ["on_the_call"]
    at_noon.move_to("2026-03-17 18:00:00")
    browser = sign_in(lead)
    page = browser.get("/friends?shelf=did_they_come", expect=200).text
    for words in (
        "Ines Roy",
        "Lake Skin",
        "Mar 16, 2026, 2:30 PM CDT",
        "a first look",
        "1 booked day passed without word",
    ):
        assert words in page
    post(browser, friend, "showed", happened_on="2026-03-16")
    post(browser, friend, "treated", happened_on="2026-03-17", value="450")
    page = browser.get("/practices/lake/friends", expect=200).text
    for words in ("Treated", "$450.00", "the practice&#39;s word", "Lea Lead", "passed without word"):
        assert (words in page) is (words != "passed without word")
    report = month_report(lake, Month(2026, 3), clock.now())
    assert (report.friends.booked, report.friends.showed, report.friends.treated) == (1, 1, 1)
    assert report.friends.value == Decimal("450.00")
    assert report.cohort.steps[-1].count == 1
    for text in db.session.scalars(sa.text("SELECT body FROM messages")):
        assert "first look" not in text


@pytest.mark.parametrize("was", ReferralState)
def test_word_of_a_later_step_may_come_first_and_nobody_goes_back(was):
    order = [each for each in ReferralState if each not in (ReferralState.LOST, ReferralState.NO_SHOW)]
    if was in order:
        for becomes in order:
            again = was is becomes is ReferralState.BOOKED
            assert may_follow(was, becomes) is (again or order.index(becomes) > order.index(was))
    assert may_follow(was, ReferralState.LOST) is (was not in (ReferralState.LOST, ReferralState.TREATED))
    assert not NEXT[ReferralState.TREATED]


def test_who_does_not_come_is_called_again_and_who_has_gone_on_is_not(lake, at_noon):
    friend = a_friend(lake)
    jobs.friends_moved()
    move(friend, ReferralState.BOOKED, visit_on=date(2026, 3, 10))
    jobs.friends_moved()
    jobs.friends_moved()
    calls = sa.select(Task).where(Task.kind == Kind.FRIEND_FOLLOW_UP).order_by(Task.id)
    assert [task.state for task in db.session.scalars(calls)] == [TaskState.CANCELLED]
    at_noon.tick(timedelta(days=1))
    move(friend, ReferralState.NO_SHOW)
    jobs.friends_moved()
    jobs.friends_moved()
    _, second = db.session.scalars(calls).all()
    assert (second.state, second.promised_at) == (TaskState.WAITING, None)
    assert "did not come" in second.reason
    move(friend, ReferralState.BOOKED, visit_on=date(2026, 3, 20))
    jobs.friends_moved()
    assert {task.state for task in db.session.scalars(calls)} == {TaskState.CANCELLED}


def test_a_slip_is_taken_back_whole_and_leaves_a_trace(lake):
    friend = a_friend(lake)
    move(friend, ReferralState.BOOKED, visit_on=date(2026, 3, 10), visit_time=time(9), comes_for="a look")
    booked = fresh(friend).events[-1].id
    slip = move(friend, ReferralState.BOOKED, visit_days="Mondays", comes_for="else")
    with pytest.raises(Refused, match="noted since"), transaction("user:1"):
        take_back(fresh(friend), booked)
    with transaction("user:1"):
        take_back(fresh(friend), slip.id)
    now = fresh(friend)
    assert (now.visit_on, now.visit_time, now.visit_days, now.comes_for) == (date(2026, 3, 10), time(9), "", "a look")
    treated = move(friend, ReferralState.TREATED, value=Decimal("99.5"))
    with transaction("user:1"):
        take_back(fresh(friend), treated.id)
    now = fresh(friend)
    assert (now.state, now.value, [each.state for each in now.events]) == (
        ReferralState.BOOKED,
        None,
        [ReferralState.RECEIVED, ReferralState.BOOKED],
    )
    gone = sa.select(AuditEntry.row_id).where(AuditEntry.table_name == "referral_events", AuditEntry.after.is_(None))
    assert db.session.scalars(gone).all() == [str(slip.id), str(treated.id)]
    received = fresh(friend).events[0].id
    with transaction("user:1"):
        take_back(fresh(friend), fresh(friend).events[-1].id)
    with pytest.raises(Refused, match="cannot be taken back"), transaction("user:1"):
        take_back(fresh(friend), received)


@pytest.mark.parametrize(
    ("becomes", "told", "says"),
    [
        (ReferralState.LOST, {}, "why"),
        (ReferralState.SHOWED, {"happened_on": date(2026, 3, 12)}, "still to come"),
        (ReferralState.BOOKED, {"visit_on": date(2028, 1, 1)}, "a year"),
        (ReferralState.BOOKED, {"visit_time": time(9)}, "day of the visit"),
        (ReferralState.TREATED, {"value": Decimal("NaN")}, "in dollars"),
        (ReferralState.TREATED, {"value": Decimal(-1)}, "in dollars"),
        (ReferralState.LOST, {"why": "x" * 201}, "longer than 200"),
        (ReferralState.RECEIVED, {}, "cannot follow"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(lake, becomes, told, says):
    friend = a_friend(lake)
    with pytest.raises(Refused, match=says):
        move(friend, becomes, **told)
    assert (fresh(friend).state, len(fresh(friend).events)) == (ReferralState.RECEIVED, 1)


def test_each_count_is_the_number_of_the_list_behind_it(lake):
    other = make_floor("else", name="Elsewhere")
    last = {
        becomes: move(a_friend(lake, INES._replace(phone=f"+1312555{1000 + number}")), becomes, why="moved away")
        for number, becomes in enumerate(ReferralState)
        if becomes is not ReferralState.RECEIVED
    }
    assert len(last) == 7
    passed = a_friend(other, INES._replace(phone="+13125550190"))
    move(passed, ReferralState.BOOKED, visit_on=date(2026, 3, 10))
    a_friend(lake, INES._replace(phone="+13125550190"))
    for practice_id in (None, lake.id, other.id):
        for shelf, count in queries.shelf_counts(practice_id).items():
            assert len(queries.friends(practice_id, shelf)[0]) == count
    counts = queries.shelf_counts(None)
    assert (counts[Shelf.ASK], counts[Shelf.BOOKED], counts[Shelf.UNDER_WAY], counts[Shelf.ALL]) == (1, 2, 4, 9)
    assert queries.friends(None)[0][0].referral.id == passed.id
    assert sum(queries.asked_about()) == counts[Shelf.ASK]
    assert queries.shelf_counts(None, "(312) 555-0190")[Shelf.ALL] == 2


def test_a_booking_of_which_nobody_knows_the_day_is_asked_about_after_two_weeks(lake, at_noon):
    move(a_friend(lake), ReferralState.BOOKED, visit_days="Mondays")
    assert sum(queries.asked_about()) == 0
    at_noon.tick(timedelta(days=14, minutes=1))
    assert sum(queries.asked_about()) == 1


def test_the_same_friend_of_two_patients_is_one_line_and_moves_there(lake):
    first, second = a_friend(lake), a_friend(lake, referrer=make_patient(lake, "Sol", "Sun"))
    (line,) = queries.friends(lake.id)[0]
    assert (line.referral.id, line.joined) == (first.id, ("Sol Sun",))
    with pytest.raises(Refused, match="from another patient"):
        move(second, ReferralState.BOOKED)


def test_a_member_notes_what_became_of_their_own_friends_and_of_nobody_elses(lake, sign_in):
    friend, other = a_friend(lake), make_floor("else", name="Elsewhere")
    member, outsider, agent = make_user("member", lake), make_user("member", other), make_user("agent")
    browser = sign_in(member)
    page = browser.get("/friends", expect=303)
    assert page.location == "/practices/lake/friends"
    assert "(312) 555-0177" in browser.get(page.location, expect=200).text
    assert db.session.scalars(sa.select(PatientRead.subject_id).where(PatientRead.what == ReadOf.FRIEND)).all() == [
        friend.id
    ]
    post(browser, friend, "showed", happened_on="2026-03-10")
    event = fresh(friend).events[-1]
    assert (event.source, event.actor, event.happened_on) == (Source.MEMBER, member.actor, date(2026, 3, 10))
    assert post(browser, friend, "lost", expect=422).text.count("why") > 0
    for stranger in (outsider, agent):
        for step in ("treated", "take-back"):
            post(sign_in(stranger), friend, step, expect=404, event=event.id)
    sign_in(outsider).get("/practices/lake/friends", expect=404)
    post(browser, friend, "take-back", event=event.id)
    assert fresh(friend).state is ReferralState.RECEIVED
    by_lead = move(friend, ReferralState.BOOKED)
    refused = post(browser, friend, "take-back", expect=422, event=by_lead.id).text
    assert "Please ask them to take it back" in refused


def test_a_form_that_is_wrong_is_shown_again_with_what_was_typed(lake, sign_in):
    friend, browser = a_friend(lake), sign_in(make_user("lead"))
    page = post(browser, friend, "booked", expect=422, visit_time="09:15", visit_days="Mondays <3").text
    assert "Please say the day of the visit" in page
    assert 'value="09:15"' in page
    assert "Mondays &lt;3" in page
    assert "Day of the visit" in post(browser, friend, "booked", expect=422, visit_on="soon").text
    browser.post(f"/practices/lake/friends/{friend.id + 1}/booked", expect=404)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ReferralEvent)) == 1


@pytest.mark.parametrize("was", [ReferralState.BOOKED, ReferralState.LOST])
def test_a_friend_who_had_not_gone_on_after_all_is_called_as_promised(lake, at_noon, was):
    friend = a_friend(lake)
    jobs.friends_moved()
    calls = sa.select(Task).where(Task.kind == Kind.FRIEND_FOLLOW_UP).execution_options(populate_existing=True)
    had = db.session.scalars(calls).one().promised_at
    at_noon.tick(timedelta(hours=1))
    slip = move(friend, was, why="moved away")
    jobs.friends_moved()
    assert db.session.scalars(calls).one().state is TaskState.CANCELLED
    with transaction("user:1"):
        take_back(fresh(friend), slip.id)
    for _ in range(2):
        jobs.friends_moved()
    call = db.session.scalars(calls).one()
    assert (call.state, call.promised_at) == (TaskState.WAITING, had)
