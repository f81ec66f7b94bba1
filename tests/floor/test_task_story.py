"""The story of one task: what happened, why it was taken, and why a waiting one waits."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead
from ops.db import db, transaction
from ops.floor import actions
from ops.floor import words as floor_words
from ops.practices import actions as practices
from ops.queue.actions import assigning
from ops.queue.models import Share, Task
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from tests.floors import MIDNIGHT, NOON, claim, make_floor, make_task, record, sweep
from tests.world import make_patient, make_user


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def test_the_story_tells_events_attempts_the_gate_and_why_this_task_was_taken(app, sign_in, lead):
    practice, agent = make_floor(), make_user("agent", name="Ann Agent")
    other = make_floor("river", name="River Derm")
    make_task(other)
    make_task(practice)
    with transaction("test"):
        db.session.execute(sa.update(Share).where(Share.practice_id == other.id).values(virtual_time=9.0))
    task = claim(agent)
    record(task, agent, Outcome.NO_ANSWER, note="Rang out <b>twice</b>")
    page = sign_in(lead).get(f"/tasks/{task.id}", expect=200).text
    for words in (
        "Opened",
        "Claimed",
        "Its practice was owed most",
        "The next practice in turn was River Derm (9.00 minutes per contract hour)",
        "The law allowed the call until",
        "Asked again from this record: the same task comes first, and the gate allows the call.",
        "To be tried again",
        "Rang out &lt;b&gt;twice&lt;/b&gt;",
        "may be contacted",
        "Tried 1 time without an answer",
    ):
        assert words in page, words
    read = db.session.scalars(sa.select(PatientRead).where(PatientRead.user_id == lead.id)).one()
    assert (read.patient_id, read.what, read.subject_id) == (task.patient_id, ReadOf.STORY, task.id)


def test_a_waiting_task_says_why_nobody_has_it(app, sign_in, lead):
    practice, agent = make_floor(), make_user("agent", name="Ann Agent")
    patient = make_patient(practice)
    held, second = make_task(practice, patient=patient), make_task(practice, Kind.RECALL, patient=patient)
    ready, kept, shut = make_task(practice), make_task(practice), make_task(practice)
    assert claim(agent).id == held.id
    with transaction("test"):
        kept, shut = db.session.get_one(Task, kept.id), db.session.get_one(Task, shut.id)
        kept.promised_at, kept.owner_id, kept.owner_until = NOON, agent.id, NOON + timedelta(minutes=10)
        shut.ready_at, shut.shut_reasons = NOON + timedelta(hours=1), ["HOLIDAY"]
    browser = sign_in(lead)

    def says(task):
        return browser.get(f"/tasks/{task.id}", expect=200).text

    assert "Ann Agent is speaking to this patient about another task" in says(second)
    assert "waits its turn: no task of its practice before it" in says(ready)
    assert "Assigned to Ann Agent, who promised the call, until Mar 11, 2026, 12:10 PM CDT" in says(kept)
    assert "May not be contacted before Mar 11, 2026, 1:00 PM CDT: a holiday" in says(shut)
    with transaction("test"):
        practices.pause_practice(practice)
    assert "is paused: nothing is done for it" in says(ready)


def test_a_task_in_shut_hours_says_when_they_open(app, sign_in, lead, at_noon):
    task = make_task(make_floor())
    at_noon.move_to(MIDNIGHT)
    sweep()
    browser = sign_in(lead)
    shut = "Outside the hours in which they may be called: they open Mar 12, 2026, 8:00 AM CDT"
    assert shut in browser.get(f"/tasks/{task.id}", expect=200).text
    assert "shut; opens Mar 12, 2026, 8:00 AM CDT" in browser.get("/queue?practice=lake", expect=200).text


def test_a_task_says_for_whom_it_is_kept_and_why(app, sign_in, lead):
    practice, agent = make_floor(), make_user("agent", name="Ann Agent")
    spoke, together, handed = make_task(practice), make_task(practice), make_task(practice)
    with transaction("test"):
        for task in (spoke, together):
            kept = db.session.get_one(Task, task.id)
            kept.owner_id, kept.owner_until = agent.id, NOON + timedelta(minutes=20)
            kept.handed_at = NOON if task is together else None
    with transaction(lead.actor):
        assigning.assign(handed.id, agent.id, lead.actor, "Asked for her")
    browser = sign_in(lead)
    for task, words in (
        (
            spoke,
            "Assigned to Ann Agent, who spoke to them last, until Mar 11, 2026, 12:20 PM CDT; then it is anybody&#39;s",
        ),
        (together, "Assigned to Ann Agent, who has just dealt with the same person"),
        (handed, "Assigned to Ann Agent by Lea Lead, before everything else they have; from Mar 11, 2026, 8:00 PM CDT"),
    ):
        assert words in browser.get(f"/tasks/{task.id}", expect=200).text


def test_a_task_says_who_is_missing(app, sign_in, lead):
    practice, agent = make_floor(name="Lake Skin"), make_user("agent")
    spanish = make_task(practice, patient=make_patient(practice, language="es"))
    recall = make_task(practice, Kind.RECALL)
    browser = sign_in(lead)

    def says(task):
        return browser.get(f"/tasks/{task.id}", expect=200).text

    assert "Nobody, of those certified for Lake Skin, speaks Spanish" in says(spanish)
    with transaction(lead.actor):
        actions.set_profile(lead.id, ["en"], None, False)
        actions.set_profile(agent.id, ["en"], ["ask"], True)
    assert "Nobody, of those certified for Lake Skin, does “Time for the next visit”" in says(recall)
    with transaction(lead.actor):
        actions.set_profile(agent.id, ["en"], None, False)
    assert "Nobody is certified for Lake Skin" in says(recall)
    with transaction(lead.actor):
        actions.set_profile(agent.id, ["es"], ["ask"], True)
        actions.certify(lead.id, [practice.id], lead.actor)
    recall_es = make_task(practice, Kind.RECALL, patient=make_patient(practice, language="es"))
    assert "both speaks Spanish and does this kind" in says(recall_es)


def test_a_task_whose_kind_is_paused_says_who_decided_so_and_why(app, sign_in, lead):
    task = make_task(make_floor())
    with transaction(lead.actor):
        actions.pause_kind(task.practice_id, Kind.ASK, lead.actor, "The doctor is away")
    page = sign_in(lead).get(f"/tasks/{task.id}", expect=200).text
    paused = "Lea Lead paused work of the kind “Referral ask” for this practice on Mar 11, 2026, 12:00 PM CDT"
    assert f"{paused}: The doctor is away" in page


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"chosen": {"band": 0, "at": NOON.isoformat()}}, ["It was assigned to this agent", "12:00"]),
        ({"chosen": {"band": 1, "at": NOON.isoformat()}}, ["promises come first: promised for 12:00"]),
        (
            {"chosen": {"band": 2, "virtual_time": 0.32, "rank": 83.2}},
            ["owed most", "(0.32 minutes per contract hour, rank 83.2)"],
        ),
        (
            {"chosen": {"band": 2}, "rank_parts": {"kind": 50.0, "moment": 31.24, "word": 15.0}},
            ["Its rank was made of the kind of work 50.0, the moment 31.2 and a fresh good word 15.0."],
        ),
        (
            {"chosen": {"band": 2}, "second": {"task_id": 8, "band": 2, "virtual_time": 0.3, "rank": 7}},
            ["Second in this practice came task 8 (rank 7.0)."],
        ),
        (
            {"chosen": {"band": 2}, "next_practice": {"practice_id": 3, "virtual_time": 0.5}, "passed": [3, 4, 3]},
            [
                "The next practice in turn was River Derm (0.50 minutes per contract hour).",
                "taking work for it at that moment: River Derm and another practice.",
            ],
        ),
    ],
)
def test_the_record_of_a_claim_is_told_in_words(record, says):
    lines = " ".join(floor_words.why_words(record, {3: "River Derm"}, lambda at: f"{at:%H:%M}".replace("17", "12")))
    for words in says:
        assert words in lines
    assert floor_words.practices_named(record) <= {3, 4}


def test_a_task_whose_hours_nobody_can_tell_yet_says_so(app, sign_in, lead):
    task = make_task(make_floor())
    with transaction("test"):
        lost = db.session.get_one(Task, task.id)
        lost.lane_id, lost.offered = None, False
    browser = sign_in(lead)
    assert (
        "The hours in which they may be called are not known yet" in browser.get(f"/tasks/{task.id}", expect=200).text
    )
    assert "not known yet" in browser.get("/queue?practice=lake", expect=200).text
