"""The practice's month: where it leaks, hours, friends and loop, and what is honest to say about small numbers."""

import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
import sqlalchemy as sa

from ops.db import db, transaction
from ops.metrics.measures import MEASURES, STAGES, Owner, Rate, Stage, wilson
from ops.metrics.reports import by_leak, month_report, overview
from ops.practices.models import Patient
from ops.practices.months import Month
from ops.referrals.models import Referral
from ops.work.answers import Answer, ReferralState
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.cohorts import (
    MARCH,
    ZONE,
    answer,
    at,
    counts,
    march,
    noon,
    result_shows,
    send_friend,
    start_ask,
    waiting_task,
)
from tests.world import make_contract, make_milestone, make_patient, make_practice

# --- where it leaks, and whose leak it is


def test_each_missing_patient_has_one_reason_with_an_owner(app):
    practice = make_practice()
    day = date(2026, 3, 10)
    result_shows(practice, day, phone=None)
    result_shows(practice, day)
    patient = make_patient(practice)
    start_ask(result_shows(practice, date(2026, 2, 20), patient), noon(20, 2))
    result_shows(practice, day, patient)
    leak = march(practice).cohort.steps[1].leak
    assert [(why.words, why.owner, number) for why, number in leak.reasons] == [
        ("Asking was not started", Owner.AGENCY, 1),
        ("No phone number or email address on file", Owner.PRACTICE, 1),
        ("Spared: another ask was near", Owner.PATIENT, 1),
    ]
    assert (leak.count, leak.open) == (3, 0)


def test_who_was_not_asked_is_told_by_the_gate_the_queue_or_the_end_of_the_cadence(app):
    practice = make_practice()

    def missing(ended=None, shut=None, state=TaskState.WAITING):
        run = start_ask(result_shows(practice, date(2026, 3, 10)), noon(10), ended=ended)
        waiting_task(run, shut, state)

    missing()
    missing(shut=["HOURS_STATE"])
    missing(ended=Ending(EndReason.MAY_NOT), shut=["CAP_24H", "STOP_SMS"], state=TaskState.CANCELLED)
    missing(ended=Ending(EndReason.DAYS_OVER), state=TaskState.CANCELLED)
    missing(ended=Ending(EndReason.ANSWERED, Outcome.NOT_HAPPY), state=TaskState.DONE)
    leak = march(practice).cohort.steps[2].leak
    assert {(why.words, why.owner.value, why.open) for why, _ in leak.reasons} == {
        ("Waiting their turn", "agency", True),
        ("Waiting for lawful contact hours", "agency", True),
        ("Asked not to be contacted", "patient", False),
        ("Its days were over before the ask", "agency", False),
        ("Was not happy with the treatment", "practice", False),
    }
    assert leak.open == 2


def test_every_gate_reason_and_every_way_the_queue_ends_a_cadence_has_words(app):
    from ops.metrics.reasons import StageFacts, why_not

    for reason, outcome in product((*EndReason, None), (*Outcome, None)):
        for stage in STAGES[1:]:
            facts = StageFacts(True, False, False, False, reason, outcome, ["STOP_SMS"], None, ["received"])
            why = why_not(stage, facts)
            assert why.words[0].isupper()
            assert why.owner in Owner


# --- hours, friends, loop


def test_the_month_has_the_hours_of_its_clock_even_when_the_clocks_change():
    start, end = MARCH.bounds("America/New_York")
    assert end - start == timedelta(days=31, hours=-1)
    assert MARCH.bounds("America/Phoenix")[1] - MARCH.bounds("America/Phoenix")[0] == timedelta(days=31)
    november = Month(2026, 11).bounds("America/Los_Angeles")
    assert november == (datetime(2026, 11, 1, 7, tzinfo=UTC), datetime(2026, 12, 1, 8, tzinfo=UTC))


def test_how_long_friends_waited_is_told_in_elapsed_hours_and_overdue_ones_count(app):
    practice = make_practice(zone="America/New_York", state="NY")
    patient = make_patient(practice, state="NY")
    contacted = ReferralState.CONTACTED
    # the night the clocks go forward: eleven hours by the clock on the wall are ten
    send_friend(patient, at(practice.zone, 2026, 3, 7, 22), (contacted, at(practice.zone, 2026, 3, 8, 9)))
    send_friend(patient, noon(10), (contacted, noon(12)))
    send_friend(patient, noon(10), (contacted, noon(10) + timedelta(hours=4)))
    send_friend(patient, noon(20))
    friends = march(practice, noon(23)).friends
    assert friends.median_hours == 10
    assert (friends.received, friends.contacted, friends.waiting) == (4, 3, 1)
    assert friends.within_48_hours == Rate(3, 4)
    assert march(practice, noon(21)).friends.within_48_hours == Rate(3, 3)


def test_friends_are_shown_by_first_name_and_loop_debt_is_counted(app):
    practice = make_practice()
    patient = make_patient(practice, "Ada", "Lane")
    send_friend(patient, noon(10), name="Bea Mary Doe", told=noon(11))
    send_friend(patient, noon(12), (ReferralState.BOOKED, noon(13)), name="Cy")
    send_friend(patient, noon(12, 2), name="Dot")
    send_friend(patient, at(ZONE, 2026, 4, 1), name="Eve", told=noon(2, 4))  # the first moment of the next month
    with transaction("test"):
        db.session.execute(sa.update(Referral).where(Referral.friend_name == "Cy").values(value=Decimal("450.10")))
    report = march(practice)
    assert report.friends.value == Decimal("450.10"), "and who brought nothing yet takes nothing away"
    assert [(friend.first_name, friend.referrer, friend.state) for friend in report.friends.people] == [
        ("Bea", "Ada L.", ReferralState.RECEIVED),
        ("Cy", "Ada L.", ReferralState.BOOKED),
    ]
    assert (report.loop.told, report.loop.owed) == (Rate(1, 2), 2)
    assert report.loop.owed_since == noon(12, 2)


def test_hours_delivered_are_the_minutes_of_the_months_attempts(app):
    from ops.queue.models import Attempt
    from ops.work.outcomes import Outcome

    practice = make_practice(hours=None)
    make_contract(practice, 31, date(2026, 3, 22))
    from tests.world import make_user

    agent = make_user("agent")
    run = start_ask(result_shows(practice, date(2026, 3, 10)), noon(10))
    task = waiting_task(run)
    moments = [at(ZONE, 2026, 2, 28, 23, 59), at(ZONE, 2026, 3, 1), at(ZONE, 2026, 3, 31, 23, 59), at(ZONE, 2026, 4, 1)]
    with transaction("test"):
        for fence, moment in enumerate(moments):
            db.session.add(
                Attempt(
                    practice_id=practice.id,
                    patient_id=run.patient_id,
                    task_id=task.id,
                    fence=fence,
                    agent_id=agent.id,
                    channel="call",
                    outcome=Outcome.NO_ANSWER,
                    minutes=Decimal("7.5"),
                    at=moment,
                )
            )
    work = march(practice).work
    assert (work.hours_bought, work.hours_delivered, work.attempts) == (10, 0.25, (("No answer", 2),))


# --- what is honest


def test_wilson_intervals_are_those_of_the_textbook():
    assert wilson(16, 20) == pytest.approx((0.5840, 0.9193), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_fewer_than_five_are_counts_and_never_a_percentage():
    few, enough = Rate(3, 4), Rate(4, 5)
    assert (few.percent, few.interval, few.words) == (None, None, "3 of 4, too few to rank")
    assert (enough.percent, enough.words) == (80, "80% (4 of 5)")
    assert Rate(0, 0).words == "0 of 0, too few to rank"
    assert (Rate(1, 8).percent, Rate(3, 8).percent) == (13, 38)  # half goes up, always


def test_every_stage_is_defined_once_and_each_definition_is_whole():
    assert list(MEASURES)[: len(STAGES)] == list(STAGES)
    for measure in MEASURES.values():
        assert measure.meaning.endswith(".")
        assert measure.numerator
    assert all(MEASURES[stage].owner for stage in STAGES[1:])


def test_the_three_sentences_say_what_was_done_what_came_and_where_it_leaks(app):
    practice = make_practice()
    day = date(2026, 3, 10)
    for _ in range(6):
        ask = answer(start_ask(result_shows(practice, day), noon(10)), Answer.WILLING, noon(11))
    send_friend(db.session.get_one(Patient, ask.patient_id), noon(12), ask=ask)
    for _ in range(6):
        result_shows(practice, day, phone=None)
    assert march(practice).sentences == (
        "In March 2026, 12 patients’ results began to show; 6 were asked and 6 answered.",
        "6 of the 6 who answered would refer (100%, yardstick 83%); 1 of all 12 sent a friend (8%, yardstick 29%).",
        "Most are missing before asking could start: 6 patients; “no phone number or email address on file”, "
        "the practice’s to close.",
    )


def test_the_overview_agrees_with_the_report_and_ranks_nobody_with_fewer_than_five(app):
    leaky, tight, small = (make_practice(name=name) for name in ("Leaky", "Tight", "Small"))
    for practice, shown, asked in ((leaky, 6, 1), (tight, 6, 5), (small, 4, 0)):
        for number in range(shown):
            milestone = result_shows(practice, date(2026, 3, 10))
            if number < asked:
                ask = answer(start_ask(milestone, noon(10)), Answer.WILLING, noon(11))
                send_friend(db.session.get_one(Patient, ask.patient_id), noon(12), ask=ask)
    lines = overview([small, tight, leaky], noon(5, 4))
    assert [line.practice.name for line in by_leak(lines)] == ["Leaky", "Tight", "Small"]
    for line in lines:
        assert line.month == Month(2026, 4)
        assert line.last == month_report(line.practice, MARCH, noon(5, 4)).cohort
    assert lines[0].this.steps[0].count == 0
    assert lines[0].last.steps[0].stage is Stage.ELIGIBLE


def test_the_report_reads_what_the_queues_own_verbs_leave_behind(app):
    """From a treatment to a friend by the product's own actions; another patient said STOP before."""
    from freezegun import freeze_time

    from ops.cadences.actions.starting import add_default_cadences, start_due_cadences
    from ops.cadences.actions.stepping import due_runs, take_step
    from ops.contact.actions import suppress
    from ops.contact.models import SuppressedChannel
    from ops.desk.actions.recording import Saved, record_outcome
    from ops.queue.jobs import next_for
    from ops.queue.models import Task
    from ops.referrals.actions import NewFriend
    from ops.work.answers import OptIn
    from ops.work.outcomes import Outcome
    from tests.world import make_user

    with freeze_time("2026-03-02 15:00:00"):
        practice = make_practice(zone=ZONE)
        agent = make_user("agent")
        patients = [make_patient(practice, phone=f"+1312555010{number}") for number in range(2)]
        for patient in patients:
            make_milestone(patient, "Toxin", happened_on=date(2026, 3, 2))
        with transaction("test"):
            add_default_cadences(practice.id)
            start_due_cadences(practice)
            suppress(patients[1].phone_key, SuppressedChannel.ALL, "STOP_SMS", "reply STOP", "test", practice.id)
    with freeze_time("2026-03-12 17:00:00") as clock:
        with transaction("tick"):
            for run in due_runs(100):
                take_step(run)
        for _ in range(8):
            claimed = next_for(agent.id, agent.actor)
            if claimed is None:
                break
            task = db.session.get_one(Task, claimed.id)
            clock.tick(timedelta(minutes=6))
            ask = task.kind is Kind.ASK
            friend = NewFriend("Bea", "+13125550177", None, OptIn.ON_THE_CALL) if ask else None
            outcome = {Kind.ASK: Outcome.WILLING, Kind.FRIEND_FOLLOW_UP: Outcome.FRIEND_BOOKED}.get(
                task.kind, Outcome.ALL_WELL
            )
            with transaction(agent.actor):
                record_outcome(task.id, agent.id, task.fence, agent.actor, Saved(outcome, friend=friend))
        report = march(practice, datetime(2026, 3, 13, tzinfo=UTC))
    assert list(counts(report.cohort).values()) == [2, 2, 1, 1, 1, 1, 1, 0, 0]
    assert [(why.words, number) for why, number in report.cohort.steps[2].leak.reasons] == [
        ("Asked not to be contacted", 1)
    ]
    assert (report.friends.received, report.friends.booked, report.friends.contacted) == (1, 1, 1)
    assert report.work.tries >= 2
    assert report.work.hours_delivered == pytest.approx(report.work.tries * 0.1, abs=0.02)
    assert (report.loop.told.of, report.loop.owed) == (1, 1)


def test_a_practice_more_in_the_overview_is_counted_and_not_made_a_table_of(app):
    """For each practice and month pandas took 18 ms, counting takes less than one: what is measured are its calls."""
    practices, calls, seen = [], [], []
    for upto in (2, 10):
        while len(practices) < upto:
            practices.append(make_practice())
            for _ in range(2):
                start_ask(result_shows(practices[-1], date(2026, 3, 10)), noon(10))
        overview(practices, noon(5, 4))  # what is done once is done
        seen.clear()
        sys.setprofile(lambda frame, kind, _: kind == "call" and seen.append("/pandas/" in frame.f_code.co_filename))
        overview(practices, noon(5, 4))
        sys.setprofile(None)
        calls.append(sum(seen))
    assert calls[1] < 1.5 * calls[0], calls
