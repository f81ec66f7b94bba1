"""A report counts humans: two records that a lead has said are one are counted once, from that moment on."""

from datetime import date, timedelta

import sqlalchemy as sa
from freezegun import freeze_time

from ops.crypto import contact_key
from ops.db import db
from ops.messages.models import Message, MessageState
from ops.metrics import cohort
from ops.metrics.measures import Rate
from ops.metrics.reasons import NEVER
from ops.metrics.reports import overview
from ops.practices.models import Patient
from ops.record.actions import merging, unmerging
from ops.work.answers import Answer, ReferralState
from tests.cohorts import answer, counts, march, noon, result_shows, send_friend, start_ask
from tests.floors import do
from tests.world import edge, make_patient, make_practice

MERGED, APART = noon(1, 5), noon(1, 6)
DAY = date(2026, 3, 10)
PHONE = "+13125550142"


def merge(practice, kept, merged, moment=MERGED):
    with freeze_time(moment):
        return do(merging.merge, practice, kept.id, merged.id, "She told us", actor="user:1")


def take_apart(practice, made, moment=APART):
    with freeze_time(moment):
        do(unmerging.unmerge, practice, made.id, "They are sisters", actor="user:1")


def rates(practice, as_of):
    found = march(practice, as_of).cohort
    return found.referral_rate, found.willingness


def test_two_records_of_one_human_are_counted_once_from_the_moment_they_were_merged_until_taken_apart(app):
    practice = make_practice()
    kept, merged, alone = (make_patient(practice, "Ada", f"Lane {number}") for number in range(3))
    run = start_ask(result_shows(practice, DAY, kept), noon(10))
    result_shows(practice, DAY + timedelta(days=3), merged)
    result_shows(practice, DAY, alone)
    asked = answer(run, Answer.WILLING, noon(11))
    send_friend(merged, noon(15), (ReferralState.TREATED, noon(20)))  # of no ask: under the other record
    send_friend(kept, noon(16), ask=asked, name="Cy Doe")
    made = merge(practice, kept, merged)
    take_apart(practice, made)
    before, meanwhile, after = MERGED - timedelta(days=1), MERGED + timedelta(days=1), APART + timedelta(days=1)
    assert rates(practice, before) == rates(practice, after) == (Rate(2, 3), Rate(2, 2))
    assert rates(practice, MERGED) == rates(practice, meanwhile) == (Rate(1, 2), Rate(1, 1))
    assert march(practice, meanwhile).cohort.unprompted == 0
    assert overview([practice], noon(31))[0].this.steps[0].count == 3
    assert counts(march(practice, meanwhile).cohort)["treated"] == 1


def test_what_is_known_of_one_record_holds_for_the_human(app):
    practice = make_practice()

    def two(**facts):
        kept, other = make_patient(practice, "Bo", "One", birth_date=None), make_patient(practice, "Bo", "Two")
        with edge():
            db.session.execute(sa.update(Patient).where(Patient.id == other.id).values(**facts or {"state": "IL"}))
        result_shows(practice, DAY, kept)
        merge(practice, kept, other)
        return other

    two(birth_date=date(2010, 1, 1))  # a minor
    two(deceased=True)
    never = two()
    answer(start_ask(result_shows(practice, date(2025, 6, 1), never), noon(1)), Answer.NEVER, noon(2))
    near = two()
    start_ask(result_shows(practice, date(2026, 2, 20), near), noon(20, 2))
    report = march(practice).cohort
    assert report.steps[0].count == 2
    assert {why.words for why, _ in report.steps[1].leak.reasons} == {
        "Spared: another ask was near",
        NEVER.words,
    }


def test_a_friend_sent_under_the_record_without_a_result_this_month_counts(app):
    practice = make_practice()
    kept, merged = make_patient(practice, "Ada", "Lane"), make_patient(practice, "Ada", "Lain")
    result_shows(practice, DAY, kept)
    result_shows(practice, DAY - timedelta(days=200), merged)
    send_friend(merged, noon(20))
    assert rates(practice, noon(30))[0] == Rate(0, 1)
    merge(practice, kept, merged)
    assert rates(practice, noon(2, 5))[0] == Rate(1, 1)
    assert cohort.due(practice, DAY, DAY, noon(2, 5)) == 1


def test_a_text_that_left_under_either_record_is_an_ask_still(app):
    practice, made = make_practice(), []
    for under in (0, 1):
        records = [make_patient(practice, "Ada", f"Lane {number}") for number in range(2)]
        run = start_ask(result_shows(practice, DAY, records[1]), noon(10))
        to = {"channel": "sms", "to_address": PHONE, "contact_key": contact_key(PHONE), "body": "Hello", "kind": "ask"}
        text = Message(**to, practice_id=practice.id, patient_id=records[under].id, reason_key=f"run:{run.id}:step:1")
        text.state, text.send_after, text.created_at = MessageState.DELIVERED, noon(10), noon(10)
        with edge():
            db.session.add(text)
        made.append(merge(practice, *records))  # the cadence goes over, what was sent does not, nor does it go back
    assert counts(march(practice, MERGED).cohort)["asked"] == 2
    for each in made:
        take_apart(practice, each)
    assert counts(march(practice).cohort)["asked"] == 2
