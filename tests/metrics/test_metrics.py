"""The practice's month: who belongs to it, how far each got, and what is honest to say about it."""

from datetime import date

import pytest

from ops.db import db, transaction
from ops.metrics.reports import month_report
from ops.practices.models import Patient
from ops.practices.months import Month
from ops.work.answers import Answer, ReferralState
from ops.work.kinds import Kind
from tests.cohorts import LATER, MARCH, ZONE, answer, at, counts, march, noon, result_shows, send_friend, start_ask
from tests.world import make_milestone, make_patient, make_practice

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
    send_friend(patient, at("America/Los_Angeles", 2026, 3, 31, 23, 59))  # already April 1 in UTC
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
    evening = at("America/Los_Angeles", 2026, 3, 14, 22)  # March 15 in UTC
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
