"""What goes on while two records are one, and what happens to it meanwhile: promises, visits that were withdrawn, texts
that wait, colleagues who know them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts.models import AuditEntry
from ops.cadences import jobs
from ops.cadences.actions.stepping import message_key
from ops.config import settings
from ops.contact.facts import Reason
from ops.db import db, transaction
from ops.desk.facts import in_hand
from ops.messages.models import Message
from ops.practices.actions import edit_treatment_type, withdraw_milestone
from ops.practices.models import Milestone
from ops.queue.actions import ending, tasks
from ops.queue.models import CadenceRun, Task
from ops.queue.promises import possible
from ops.record.actions import merging, unmerging
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reasons import Waits
from ops.work.skips import Skip
from ops.work.states import OPEN, RunState
from tests import outbox
from tests.floors import claim, do, make_task, record
from tests.world import make_milestone, make_patient, make_user

PHONES = ("+13125550142", "+13125550143", "+13125550144")


@pytest.fixture
def records(lake):
    """Three records of one woman, as it seems."""
    return [make_patient(lake, "Ada", f"Lane{number}", phone=phone) for number, phone in enumerate(PHONES)]


def merge(lake, kept, merged):
    return do(merging.merge, lake, kept.id, merged.id, "She told us", actor="user:1")


def unmerge(lake, made):
    do(unmerging.unmerge, lake, made.id, "They are sisters", actor="user:1")
    jobs.catch_up(lake.id)


def treated(lake, patient, days_ago=20) -> Milestone:
    milestone = make_milestone(patient, "Filler", days_ago=days_ago)
    jobs.catch_up(lake.id)
    return milestone


def withdraw(lake, milestone):
    do(withdraw_milestone, lake, db.session.get_one(Milestone, milestone.id), "cancelled")
    jobs.catch_up(lake.id)


def agree_a_call(agent):
    task = claim(agent)
    record(task, agent, Outcome.CALLBACK, callback_at=clock.now() + timedelta(hours=30), mine=True)
    return task.id


def running():
    """Whose cadences go on, with the milestones they are about."""
    db.session.rollback()
    rows = sa.select(CadenceRun.patient_id, CadenceRun.milestone_id).where(CadenceRun.state == RunState.RUNNING)
    return db.session.execute(rows.order_by(CadenceRun.patient_id)).all()


def promised():
    """Open asks: whose, and whether a call was agreed."""
    db.session.rollback()
    waiting = sa.select(Task.patient_id, Task.promised_at.is_not(None)).where(
        Task.state.in_(OPEN), Task.kind == Kind.ASK
    )
    return db.session.execute(waiting.order_by(Task.id)).all()


def test_a_call_agreed_under_the_record_that_goes_is_made_and_the_other_one_is_the_double(lake, records):
    kept, merged, _ = records
    treated(lake, merged)
    agree_a_call(make_user("agent"))
    treated(lake, kept)
    before = running(), promised()
    made = merge(lake, kept, merged)
    assert promised() == [(kept.id, True)]
    unmerge(lake, made)
    assert (running(), promised()) == before


def test_calls_agreed_under_both_are_both_made(lake, records):
    kept, merged, _ = records
    agent = make_user("agent")
    for patient in (merged, kept):
        treated(lake, patient)
        agree_a_call(agent)
    merge(lake, kept, merged)
    assert promised() == [(kept.id, True)] * 2


def test_what_was_agreed_before_the_merge_outlasts_the_visit_that_was_withdrawn_after_it(lake, records):
    kept, merged, _ = records
    visit = treated(lake, merged)
    agree_a_call(make_user("agent"))
    merge(lake, kept, merged)
    withdraw(lake, visit)
    assert promised() == [(kept.id, True)]


def test_a_text_that_waited_before_the_merge_ends_with_its_visit_after_it(lake, records):
    kept, merged, _ = records
    visit = treated(lake, merged)
    run = db.session.scalars(sa.select(CadenceRun)).one()
    text = outbox.queue(lake, merged, key=f"{message_key(run)}1")
    merge(lake, kept, merged)
    withdraw(lake, visit)
    assert outbox.states(text) == ["queued", "cancelled"]


def test_a_text_that_waits_to_one_about_a_visit_of_the_other_does_not_leave_when_they_are_two(lake, records):
    kept, merged, _ = records
    made = merge(lake, kept, merged)
    treated(lake, merged)
    run = db.session.scalars(sa.select(CadenceRun)).one()
    assert run.patient_id == kept.id
    outbox.queue(lake, kept, key=f"{message_key(run)}1")
    ours = outbox.queue(lake, kept, key="loop:7")
    unmerge(lake, made)
    states = sa.select(Message.reason_key, Message.state).order_by(Message.reason_key)
    assert dict(db.session.execute(states).all()) == {ours.reason_key: "queued", f"{message_key(run)}1": "cancelled"}


def test_a_visit_withdrawn_or_moved_while_they_were_one_starts_nothing_when_they_are_two(lake, records):
    kept, *others = records
    visits = [treated(lake, patient) for patient in records]
    made = [merge(lake, kept, each) for each in others]
    withdraw(lake, visits[1])
    with transaction("user:1"):
        db.session.get_one(Milestone, visits[2].id).happened_on = clock.today(lake.zone) - timedelta(days=1)
    jobs.catch_up(lake.id)
    for each in made:
        unmerge(lake, each)
    assert set(running()) == {(kept.id, visits[0].id), (others[1].id, visits[2].id)}
    ended = db.session.scalars(sa.select(CadenceRun.end_reason).where(CadenceRun.milestone_id == visits[1].id)).all()
    assert ended == [EndReason.VISIT_WITHDRAWN]
    assert promised() == [(kept.id, False)], "the moved one waits for its new days"


def test_what_stood_back_for_a_record_that_is_another_human_goes_on(lake, records):
    kept, second, third = records
    visits = {patient.id: treated(lake, patient).id for patient in (second, third)}
    first_merge, second_merge = merge(lake, kept, second), merge(lake, kept, third)
    assert running() == [(kept.id, visits[second.id])]
    unmerge(lake, first_merge)
    assert running() == [(kept.id, visits[third.id]), (second.id, visits[second.id])]
    unmerge(lake, second_merge)
    assert running() == [(second.id, visits[second.id]), (third.id, visits[third.id])]


def test_what_another_record_stood_back_for_was_withdrawn(lake, records):
    kept, merged, _ = records
    merge(lake, kept, merged)
    first, second = treated(lake, kept), treated(lake, merged)
    assert running() == [(kept.id, first.id)]
    withdraw(lake, first)
    assert running() == [(kept.id, second.id)]


def test_who_knows_them_under_one_record_is_offered_neither(lake, records):
    kept, merged, _ = records
    agent = make_user("agent")
    make_task(lake, Kind.REVIEW_REQUEST, patient=merged)
    task = claim(agent)
    do(tasks.skip, task.id, agent.id, task.fence, agent.actor, "my sister", Skip.KNOWS)
    make_task(lake, patient=kept)
    made = merge(lake, kept, merged)
    assert claim(agent) is None
    unmerge(lake, made)
    assert claim(agent).patient_id == kept.id


def test_a_lead_says_that_an_agent_does_not_know_them_after_all(lake, records, sign_in):
    kept, merged, _ = records
    agent, lead, address = make_user("agent"), sign_in(make_user("lead")), f"/practices/lake/patients/{kept.id}"
    make_task(lake, Kind.REVIEW_REQUEST, patient=merged)
    task = claim(agent)
    do(tasks.skip, task.id, agent.id, task.fence, agent.actor, "my sister", Skip.KNOWS)
    merge(lake, kept, merged)
    for told, expect in (("knows them personally", 303), ("may be offered them again", 422)):
        assert told in lead.get(address, expect=200).text
        lead.post(f"{address}/known-by", data={"email": agent.email}, expect=expect)
    gone = sa.select(AuditEntry.change).where(AuditEntry.table_name == "not_offered")
    assert set(db.session.scalars(gone)) == {"delete"}
    assert claim(agent).patient_id == kept.id
    sign_in(make_user("member", lake)).post(f"{address}/known-by", data={"email": agent.email}, expect=404)


def test_the_card_tells_what_was_said_and_sent_under_the_other_record(lake, records):
    kept, merged, _ = records
    agent = make_user("agent")
    make_task(lake, Kind.REVIEW_REQUEST, patient=merged)
    record(claim(agent), agent, Outcome.CALLBACK, callback_at=clock.now() + timedelta(hours=30), note="After work")
    outbox.queue(lake, merged)
    make_task(lake, Kind.FOLLOW_UP, patient=kept)
    made = merge(lake, kept, merged)
    assert claim(agent).patient_id == kept.id
    card = in_hand(agent.id)
    assert ([call.note for call in card.attempts_made], len(card.messages_sent)) == (["After work"], 1)
    record(db.session.get_one(Task, card.id), agent, Outcome.NO_ANSWER)
    unmerge(lake, made)
    make_task(lake, Kind.FRIEND_FOLLOW_UP, patient=kept)
    claim(agent)
    assert [call.note for call in in_hand(agent.id).attempts_made] == [""]


def test_calls_under_either_record_count_toward_the_calls_a_month(lake, records, at_noon):
    kept, merged, _ = records
    agent, limit = make_user("agent"), settings().attempts_per_person
    for _ in range(limit):
        task = make_task(lake, Kind.REVIEW_REQUEST, patient=merged)
        record(claim(agent), agent, Outcome.NO_ANSWER)
        do(tasks.cancel, db.session.get_one(Task, task.id), "test", "over")
        at_noon.tick(timedelta(days=1, minutes=1))
    task = make_task(lake, patient=kept)
    soon = clock.now() + timedelta(hours=1)
    assert not possible(task, lake, kept, soon).against
    made = merge(lake, kept, merged)
    found = possible(task, lake, kept, soon)
    assert found.against == (Waits.PERSON_LIMIT,) and found.at > soon
    assert claim(agent) is None
    unmerge(lake, made)
    assert not possible(task, lake, kept, soon).against


def test_contacts_by_either_number_count_toward_the_contacts_a_day(lake, records, at_noon):
    kept, merged, _ = records
    agent, first = make_user("agent"), clock.now()
    while not possible(make_task(lake, Kind.RECALL, patient=merged), lake, merged, clock.now()).against:
        record(claim(agent), agent, Outcome.NO_ANSWER)
        do(ending.cancel_work_for, merged.id, "test", Ending(EndReason.OPTED_OUT))
        at_noon.tick(timedelta(minutes=20))
    do(ending.cancel_work_for, merged.id, "test", Ending(EndReason.OPTED_OUT))
    task = make_task(lake, patient=kept)
    assert not possible(task, lake, kept, clock.now()).against
    made = merge(lake, kept, merged)
    found = possible(task, lake, kept, clock.now())
    assert found.against == (Reason.CAP_24H,)
    assert found.at == first + timedelta(hours=24)
    assert claim(agent) is None
    unmerge(lake, made)
    assert claim(agent).id == task.id


def test_who_spoke_to_them_under_either_record_gets_their_next_call_first(lake, records, at_noon):
    kept, merged, _ = records
    agent, other = make_user("agent"), make_user("agent")
    make_task(lake, Kind.REVIEW_REQUEST, patient=merged)
    record(claim(agent), agent, Outcome.REVIEW_PROMISED)
    at_noon.tick(timedelta(days=2))
    for each in (agent, other):
        claim(each)  # both are here
    made = merge(lake, kept, merged)
    assert make_task(lake, patient=kept).owner_id == agent.id
    unmerge(lake, made)
    assert make_task(lake, patient=kept).owner_id is None


def test_days_that_a_person_decided_stay_when_the_task_was_over_before_the_merge(lake, records, at_noon):
    kept, merged, _ = records
    treated(lake, merged)
    agent = make_user("agent")
    task = claim(agent)
    record(task, agent, Outcome.THINKING)
    at_noon.tick(timedelta(days=8))
    do(tasks.finish, claim(agent), "test")
    made = merge(lake, kept, merged)
    before = db.session.scalars(sa.select(CadenceRun)).one().closes_at
    filler = next(each for each in lake.treatment_types if each.name == "Filler")
    same = {each: getattr(filler, each) for each in ("name", "category", "match_words", "opens_days", "peaks_days")}
    do(edit_treatment_type, lake, filler, **same, recall_days=None, closes_days=filler.closes_days - 5)
    jobs.practice_changed(lake.id)
    assert db.session.scalars(sa.select(CadenceRun)).one().closes_at == before
    unmerge(lake, made)
    jobs.practice_changed(lake.id)
    assert db.session.scalars(sa.select(CadenceRun)).one().closes_at == before
