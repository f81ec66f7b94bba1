"""The practice's month: who belongs to it, how far each got, and what is honest to say about it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ops.db import db, transaction
from ops.metrics.activity import hours_bought
from ops.metrics.cohort import Cohort
from ops.metrics.measures import MEASURES, STAGES, Owner, Rate, Stage, wilson
from ops.metrics.months import Month
from ops.metrics.reports import by_leak, month_report, overview
from ops.practices.models import Patient
from ops.queue.models import Kind, TaskState
from ops.referrals.models import Answer, ReferralState
from tests.cohorts import answer, at, result_shows, send_friend, start_ask, waiting_task
from tests.world import make_contract, make_milestone, make_patient, make_practice

MARCH = Month(2026, 3)
LATER = datetime(2026, 9, 1, tzinfo=UTC)
ZONE = "America/Chicago"


def noon(day: int, month: int = 3) -> datetime:
    return at(ZONE, 2026, month, day, 12)


def counts(cohort: Cohort) -> dict[str, int]:
    return {str(step.stage): step.count for step in cohort.steps}


def march(practice, as_of: datetime = LATER):
    return month_report(practice, MARCH, as_of)


# --- who belongs to the month


@pytest.mark.parametrize(
    ("on", "month"),
    [
        (date(2026, 2, 28), Month(2026, 2)),
        (date(2026, 3, 1), MARCH),
        (date(2026, 3, 31), MARCH),
        (date(2026, 4, 1), Month(2026, 4)),
        (date(2024, 2, 29), Month(2024, 2)),
        (date(2025, 12, 31), Month(2025, 12)),
    ],
)
def test_a_patient_belongs_to_the_month_in_which_the_result_begins_to_show(app, on, month):
    practice = make_practice()
    result_shows(practice, on)
    for each in (month.before, month, month.after):
        assert month_report(practice, each, LATER).cohort.steps[0].count == (each == month)


def test_a_treatment_without_a_type_shows_after_fourteen_days(app):
    practice = make_practice()
    make_milestone(make_patient(practice), None, happened_on=date(2026, 3, 17))
    make_milestone(make_patient(practice), None, happened_on=date(2026, 3, 18))
    with transaction("test"):
        db.session.execute(db.text("UPDATE milestones SET created_at = '2026-03-20'"))
    assert march(practice).cohort.steps[0].count == 1


def test_several_treatments_of_one_patient_count_once_in_a_month_and_again_in_the_next(app):
    practice = make_practice()
    patient = make_patient(practice)
    for day in (date(2026, 3, 3), date(2026, 3, 20), date(2026, 4, 2)):
        result_shows(practice, day, patient)
    assert march(practice).cohort.steps[0].count == 1
    assert month_report(practice, Month(2026, 4), LATER).cohort.steps[0].count == 1


def test_minors_and_the_dead_are_not_eligible_and_an_unknown_birth_date_is(app):
    practice = make_practice()
    day = date(2026, 3, 10)
    result_shows(practice, day, birth_date=date(2008, 3, 11))
    adult = result_shows(practice, day, birth_date=date(2008, 3, 10))
    unknown = result_shows(practice, day, birth_date=None)
    dead, died_later = result_shows(practice, day), result_shows(practice, day)
    with transaction("test"):
        for milestone, died in ((dead, date(2026, 3, 10)), (died_later, date(2026, 3, 11))):
            patient = db.session.get_one(Patient, milestone.patient_id)
            patient.deceased, patient.death_date = True, died
    assert march(practice).cohort.steps[0].count == len([adult, unknown, died_later])


def test_one_born_on_a_leap_day_is_grown_up_on_the_first_of_march(app):
    practice = make_practice()
    result_shows(practice, date(2026, 2, 28), birth_date=date(2008, 2, 29))
    result_shows(practice, date(2026, 3, 1), birth_date=date(2008, 2, 29))
    assert month_report(practice, Month(2026, 2), LATER).cohort.steps[0].count == 0
    assert march(practice).cohort.steps[0].count == 1


def test_a_visit_or_a_review_makes_nobody_eligible(app):
    from ops.practices.models import MilestoneKind

    practice = make_practice()
    patient = make_patient(practice)
    for kind in (MilestoneKind.VISIT, MilestoneKind.REVIEW_LEFT):
        make_milestone(patient, None, kind=kind, happened_on=date(2026, 3, 1))
    assert march(practice).cohort.steps[0].count == 0


# --- how far each got


def test_each_stage_counts_those_who_got_there(app):
    practice = make_practice(zone=ZONE)
    day = date(2026, 3, 10)
    shown = [result_shows(practice, day) for _ in range(9)]
    runs = [start_ask(milestone, noon(10)) for milestone in shown[1:]]
    said = [Answer.NO_ANSWER, Answer.NOT_NOW, *[Answer.WILLING] * 5]
    asks = [answer(run, each, noon(11)) for run, each in zip(runs[1:], said, strict=True)]
    states = (ReferralState.BOOKED, ReferralState.SHOWED, ReferralState.TREATED)
    for number, ask in enumerate(asks[3:]):
        patient = db.session.get_one(Patient, ask.patient_id)
        steps = [(state, noon(12 + n)) for n, state in enumerate(states[:number])]
        send_friend(patient, noon(11), *steps, ask=ask)
    assert counts(march(practice).cohort) == {
        "eligible": 9,
        "in_window": 8,
        "asked": 7,
        "reached": 6,
        "willing": 5,
        "referred": 4,
        "booked": 3,
        "showed": 2,
        "treated": 1,
    }


def test_only_an_ask_cadence_of_that_treatment_puts_a_patient_in_window(app):
    practice = make_practice()
    start_ask(result_shows(practice, date(2026, 3, 10)), noon(10), kind=Kind.FOLLOW_UP)
    assert counts(march(practice).cohort)["in_window"] == 0


def test_a_later_fact_proves_the_earlier_ones_so_that_no_stage_is_larger_than_the_one_before(app):
    practice = make_practice()
    day = date(2026, 3, 10)
    unasked = result_shows(practice, day)
    send_friend(db.session.get_one(Patient, unasked.patient_id), noon(12))
    never = result_shows(practice, day)
    ask = answer(start_ask(never, noon(10)), Answer.NEVER, noon(11))
    send_friend(db.session.get_one(Patient, never.patient_id), noon(15), (ReferralState.TREATED, noon(20)), ask=ask)
    unheard = result_shows(practice, day)
    answer(start_ask(unheard, noon(10)), Answer.NO_ANSWER, noon(11))
    send_friend(db.session.get_one(Patient, unheard.patient_id), noon(15), (ReferralState.LOST, noon(16)))
    cohort = march(practice).cohort
    seen = [step.count for step in cohort.steps]
    assert seen == sorted(seen, reverse=True) == [3, 3, 3, 3, 3, 3, 1, 1, 1]
    assert cohort.unprompted == 1


def test_a_friend_counts_for_the_latest_result_that_showed_and_never_for_two_months(app):
    practice = make_practice()
    patient = make_patient(practice)
    result_shows(practice, date(2026, 3, 10), patient)
    result_shows(practice, date(2026, 6, 10), patient)
    send_friend(patient, noon(9))  # before any result showed
    assert march(practice).cohort.referral_rate.n == 0
    send_friend(patient, noon(9, 6))
    send_friend(patient, noon(10, 6))
    june = month_report(practice, Month(2026, 6), LATER)
    assert (march(practice).cohort.referral_rate.n, june.cohort.referral_rate.n) == (1, 1)


def test_a_friend_who_came_of_an_ask_counts_for_the_month_of_that_ask_however_late(app):
    practice = make_practice()
    patient = make_patient(practice)
    first = result_shows(practice, date(2026, 3, 10), patient)
    result_shows(practice, date(2026, 6, 10), patient)
    ask = answer(start_ask(first, noon(10)), Answer.WILLING, noon(11))
    send_friend(patient, noon(1, 8), ask=ask)
    june = month_report(practice, Month(2026, 6), LATER)
    assert (march(practice).cohort.referral_rate.n, june.cohort.referral_rate.n) == (1, 0)


def test_the_day_a_friend_came_is_the_practices_day(app):
    practice = make_practice(zone="America/Los_Angeles", state="CA")
    patient = make_patient(practice, state="CA")
    result_shows(practice, date(2026, 4, 1), patient)
    send_friend(patient, at("America/Los_Angeles", 2026, 3, 31, 23, 59))  # already 1 April in UTC
    april = month_report(practice, Month(2026, 4), LATER)
    assert april.cohort.referral_rate.n == 0
    assert april.friends.received == 0
    assert march(practice).friends.received == 1


def test_a_text_that_was_delivered_is_an_ask_without_an_answer(app):
    from ops.crypto import contact_key
    from ops.messages.models import Message, MessageChannel, MessageState

    practice = make_practice()
    states = (MessageState.DELIVERED, MessageState.QUEUED, MessageState.BLOCKED)
    for state in states:
        run = start_ask(result_shows(practice, date(2026, 3, 10)), noon(10))
        with transaction("test"):
            db.session.add(
                Message(
                    practice_id=practice.id,
                    patient_id=run.patient_id,
                    channel=MessageChannel.SMS,
                    kind="ask",
                    reason_key=f"run:{run.id}:step:1",
                    to_address="+13125550199",
                    contact_key=contact_key("+13125550199"),
                    body="Hello",
                    state=state,
                    send_after=noon(10),
                    created_at=noon(10),
                )
            )
    found = counts(march(practice).cohort)
    assert (found["in_window"], found["asked"], found["reached"]) == (3, 1, 0)


# --- as it stood


def test_the_running_month_holds_only_results_that_show_by_today_in_the_practices_zone(app):
    practice = make_practice(zone="America/Los_Angeles", state="CA")
    for day in (14, 15, 20, 24):
        result_shows(practice, date(2026, 3, day))
    evening = at("America/Los_Angeles", 2026, 3, 14, 22)  # 15 March in UTC
    report = march(practice, evening)
    assert report.running
    assert report.cohort.steps[0].count == 1
    assert (report.coming.first_week, report.coming.second_week, report.coming.until) == (2, 1, date(2026, 3, 28))


def test_facts_after_the_moment_of_the_report_are_left_out(app):
    practice = make_practice()
    milestone = result_shows(practice, date(2026, 3, 10))
    run = start_ask(milestone, noon(10))
    ask = answer(run, Answer.WILLING, noon(11), answered=noon(20))
    patient = db.session.get_one(Patient, milestone.patient_id)
    send_friend(patient, noon(25), (ReferralState.BOOKED, noon(28)), ask=ask)
    furthest = {
        noon(9): None,
        noon(10): "in_window",
        noon(12): "asked",
        noon(21): "willing",
        noon(26): "referred",
        noon(29): "booked",
    }
    for moment, stage in furthest.items():
        found = counts(march(practice, moment).cohort)
        assert [name for name, number in found.items() if number][-1:] == ([stage] if stage else [])


def test_a_treatment_we_learn_of_late_joins_the_month_it_belongs_to(app):
    practice = make_practice()
    milestone = result_shows(practice, date(2026, 3, 10))
    with transaction("test"):
        db.session.merge(milestone).created_at = noon(2, 5)
    assert march(practice, noon(1, 5)).cohort.steps[0].count == 0
    assert march(practice, noon(3, 5)).cohort.steps[0].count == 1


def test_a_month_ahead_is_refused_and_a_month_without_anything_is_told_in_words(app):
    practice = make_practice(zone="Pacific/Honolulu", state="HI")
    still_march = at("Pacific/Honolulu", 2026, 3, 31, 23, 59)
    with pytest.raises(ValueError, match="2026-04 has not begun"):
        month_report(practice, Month(2026, 4), still_march)
    report = march(practice, still_march)
    assert report.empty
    assert report.started is None
    assert report.sentences == (
        "No treatment result began to show in March 2026 so far, so nobody was due to be asked.",
    )


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
        ("No phone number or e-mail address on file", Owner.PRACTICE, 1),
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
    missing(ended="may not be contacted", shut=["CAP_24H", "STOP_SMS"], state=TaskState.CANCELLED)
    missing(ended="its days are over", state=TaskState.CANCELLED)
    missing(ended="answered: not_happy", state=TaskState.DONE)
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
    from ops.metrics.reasons import Facts, why_not
    from ops.queue.models import Outcome

    reasons = [
        *("its days are over", "all steps taken", "may not be contacted", "asked not to be contacted", None),
        *(f"answered: {outcome}" for outcome in Outcome),
    ]
    for reason in reasons:
        for stage in STAGES[1:]:
            facts = Facts(True, False, False, False, reason, ["STOP_SMS"], None, ["received"])
            why = why_not(stage, facts)
            assert why.words[0].isupper()
            assert why.owner in Owner


# --- hours, friends, loop


def test_hours_bought_are_prorated_by_day():
    february, march_, leap = Month(2026, 2), Month(2026, 3), Month(2024, 2)
    whole = [(Decimal(28), date(2025, 1, 1), None)]
    assert hours_bought(february, whole) == 28
    assert hours_bought(february, [(Decimal(28), date(2026, 2, 15), None)]) == 14
    assert hours_bought(leap, [(Decimal(29), date(2024, 2, 29), None)]) == 1
    changed = [(Decimal(31), date(2025, 1, 1), date(2026, 3, 11)), (Decimal(62), date(2026, 3, 11), date(2026, 3, 21))]
    assert hours_bought(march_, changed) == 10 + 20
    assert hours_bought(march_, [(Decimal(31), date(2026, 4, 1), None)]) == 0


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
    report = march(practice)
    assert [(friend.first_name, friend.referrer, friend.state) for friend in report.friends.people] == [
        ("Bea", "Ada L.", ReferralState.RECEIVED),
        ("Cy", "Ada L.", ReferralState.BOOKED),
    ]
    assert (report.loop.told, report.loop.owed) == (Rate(1, 2), 2)
    assert report.loop.owed_since == noon(12, 2)


def test_hours_delivered_are_the_minutes_of_the_months_attempts(app):
    from ops.queue.models import Attempt, Outcome

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
    assert (enough.percent, enough.words) == (80, "80 % (4 of 5)")
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
        "6 of the 6 who answered would refer (100 %, yardstick 83 %); 1 of all 12 sent a friend (8 %, yardstick 29 %).",
        "Most are missing before asking could start: 6 patients; “no phone number or e-mail address on file”, "
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

    from ops.contact.actions import suppress
    from ops.contact.models import SuppressedChannel
    from ops.queue.actions.cadences import add_default_cadences, due_runs, start_due_cadences, take_step
    from ops.queue.actions.claiming import claim_next
    from ops.queue.actions.recording import Saved, record_outcome
    from ops.queue.models import Outcome
    from ops.referrals.actions import Friend
    from ops.referrals.models import OptIn
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
            with transaction(agent.actor):
                task = claim_next(agent.id, agent.actor)
            if task is None:
                break
            clock.tick(timedelta(minutes=6))
            ask = task.kind is Kind.ASK
            friend = Friend("Bea", "+13125550177", None, OptIn.ON_THE_CALL) if ask else None
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
