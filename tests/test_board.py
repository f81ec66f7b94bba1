"""The lead's board: whose turn it is, what waits for what, pulling back, cancelling, and the story of a task."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from sqlalchemy import event

from ops import clock
from ops.accounts.models import PatientRead
from ops.contact.facts import Reason
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices import actions as practices
from ops.queue import board, board_lists, board_words, jobs
from ops.queue.actions import cadences, editing, recording, tasks
from ops.queue.models import CadenceRun, EventKind, Kind, Outcome, RunState, Share, Task, TaskEvent, TaskState
from ops.scripts.actions import ensure_defaults
from tests.world import make_contract, make_milestone, make_patient, make_practice, make_user

NOON = datetime(2026, 3, 11, 17, 0, tzinfo=UTC)
"""A Wednesday, noon in Chicago: calls are allowed."""


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def make_floor(slug="lake", **details):
    """A practice with its default cadences and share."""
    practice = make_practice(slug, **details)
    with transaction("test"):
        ensure_defaults()
        cadences.add_default_cadences(practice.id)
    return practice


def make_task(practice, kind=Kind.ASK, **details):
    with transaction("test"):
        patient = details.pop("patient", None) or make_patient(practice)
        return tasks.open_task(
            practice_id=practice.id, patient_id=patient.id, kind=kind, reason="Why it exists", actor="test", **details
        )


def claim(agent):
    taken = jobs.next_for(agent.id, agent.actor)
    return db.session.get(Task, taken.id) if taken else None


def record(task, agent, outcome, **words):
    with transaction(agent.actor):
        saved = recording.Saved(outcome=outcome, **words)
        return recording.record_outcome(task.id, agent.id, task.fence, agent.actor, saved)


def fresh(task):
    db.session.expire_all()
    return db.session.get_one(Task, task.id)


def line_of(slug, **asked):
    return next(line for line in board.floor(board.Asked(**asked)) if line.slug == slug)


def test_the_board_is_for_leads_and_admins(app, client, sign_in, lead):
    practice = make_floor()
    task = make_task(practice)
    for there in ("/queue", "/queue/live", f"/tasks/{task.id}"):
        assert client.get(there).status_code == 303
        sign_in(lead).get(there, expect=200) if there != "/queue/live" else None
        sign_in(make_user("admin")).get("/queue", expect=200)
    for outsider in (make_user("agent"), make_user("member", practice)):
        browser = sign_in(outsider)
        browser.get("/queue", expect=403)
        browser.get("/queue/live", expect=403)
        browser.get(f"/tasks/{task.id}", expect=404)
        for verb in ("pull-back", "cancel"):
            browser.post(f"/tasks/{task.id}/{verb}", data={"reason": "mine"}, expect=404)
    sign_in(lead).get("/tasks/999999", expect=404)
    assert fresh(task).state is TaskState.WAITING


def test_hours_are_those_bought_and_worked_this_month_in_the_practices_zone(app):
    practice = make_floor(hours=None)
    make_contract(practice, 31, date(2026, 2, 1), date(2026, 3, 11))
    make_contract(practice, 62, date(2026, 3, 11))
    assert line_of("lake").bought_hours == 10 + 42  # ten days of 31 h, 21 of 62 h, in 31 days
    agent = make_user("agent")
    with freeze_time("2026-03-01 05:50") as frozen:  # 28 February, 23:50 in Chicago
        make_task(practice)
        frozen.move_to("2026-02-27 18:00")
        with transaction("test"):
            db.session.execute(sa.update(Task).values(ready_at=clock.now()))
        task = claim(agent)
        frozen.tick(timedelta(minutes=7))
        record(task, agent, Outcome.NEVER)
    assert line_of("lake").delivered_minutes == 0
    make_task(practice)
    task = claim(agent)
    with freeze_time(NOON + timedelta(minutes=9)):
        record(task, agent, Outcome.NEVER)
        assert line_of("lake").delivered_minutes == 9
        assert line_of("lake").charged_minutes == 16


def test_the_practice_with_the_least_minutes_per_hour_bought_is_owed_most(app, sign_in, lead):
    few, many, idle = make_floor("few", hours=10), make_floor("many", hours=40), make_floor("idle", hours=40)
    make_task(few)
    make_task(many)
    with transaction("test"):
        for practice, time in ((few, 3.0), (many, 2.0), (idle, 0.0)):
            db.session.execute(sa.update(Share).where(Share.practice_id == practice.id).values(virtual_time=time))
    found = {line.slug: line.owed_rank for line in board.floor(board.Asked())}
    assert found == {"many": 1, "few": 2, "idle": None}
    assert next(line.slug for line in board.floor(board.Asked())) == "many"
    page = sign_in(lead).get("/queue", expect=200).text
    assert "owed most" in page
    assert "2nd" in page


def test_what_waits_is_counted_by_what_it_waits_for_and_when_the_first_opens(app, sign_in, lead):
    practice, paused = make_floor(), make_floor("river")
    make_task(practice)
    shut, later, tried = make_task(practice), make_task(practice), make_task(practice)
    make_task(paused)
    morning = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)
    with transaction("test"):
        shut, later, tried = (db.session.get_one(Task, task.id) for task in (shut, later, tried))
        shut.ready_at, shut.shut_reasons = morning, ["HOURS_STATE", "CAP_24H"]
        later.ready_at = later.promised_at = NOON + timedelta(hours=2)
        tried.ready_at, tried.tries = NOON + timedelta(hours=3), 1
        practices.pause_practice(paused)
    found = {block.code: (block.tasks, block.opens_at) for block in board.over_all(board.floor(board.Asked()))}
    assert found == {
        "HOURS_STATE": (1, morning),
        "CAP_24H": (1, morning),
        "promised": (1, NOON + timedelta(hours=2)),
        "next_try": (1, NOON + timedelta(hours=3)),
        "practice_not_active": (1, None),
    }
    total = board.totals(board.floor(board.Asked()))
    assert (total.ready, total.later, total.paused, total.promised) == (1, 3, 1, 1)
    page = sign_in(lead).get("/queue", expect=200).text
    assert "Outside the lawful hours of the place" in page
    assert "Thu 12 Mar 2026, 08:00 CDT" in page, "in the practice's own zone in its row"


def test_a_promise_whose_time_has_passed_is_overdue(app):
    practice = make_floor()
    make_task(practice, promised_at=NOON - timedelta(minutes=5))
    make_task(practice, promised_at=NOON + timedelta(minutes=5))
    assert (line_of("lake").promised, line_of("lake").overdue) == (2, 1)


def test_the_board_can_be_narrowed_to_a_practice_and_a_kind(app, sign_in, lead):
    lake, river = make_floor("lake", name="Lake Skin"), make_floor("river", name="River Derm")
    make_task(lake)
    make_task(lake, Kind.REPLY)
    make_task(river)
    assert (line_of("lake").ready, line_of("lake", kind=Kind.REPLY).ready) == (2, 1)
    assert [line.slug for line in board.floor(board.Asked("river"))] == ["river"]
    page = sign_in(lead).get("/queue?practice=lake&kind=reply", expect=200).text
    assert "Next up" in page
    assert 'href="/queue?practice=river' not in page
    assert (
        sign_in(lead).get("/queue?practice=nobody&kind=nothing", expect=200).text.count("No practice of this name") == 1
    )


def test_the_live_part_is_the_board_without_the_rest_of_the_page(app, lead):
    practice = make_floor()
    make_task(practice)
    app.test_client_class = None
    from flask.testing import FlaskClient

    from ops.accounts import access, sessions

    app.test_client_class = FlaskClient
    browser = app.test_client()
    with transaction(lead.actor):
        token = sessions.begin(lead, address="127.0.0.1", browser="a test")
    with browser.session_transaction() as session:
        session[access.TOKEN] = token
    with app.app_context():
        page = browser.get("/queue/live?practice=lake").text
    assert "<html" not in page
    assert "Lake" in page
    assert getattr(app.view_functions["queue.board_live"], "passive", False), (
        "a page left open is nobody doing something"
    )


def test_pulling_a_task_back_frees_it_keeps_its_age_and_refuses_the_agents_late_save(app, sign_in, lead):
    practice, agent = make_floor(), make_user("agent", name="Ann Agent")
    opened = make_task(practice)
    with transaction("test"):
        charged = db.session.get_one(Share, practice.id).minutes_charged
    task = claim(agent)
    browser = sign_in(lead)
    assert "Ann Agent" in browser.get("/queue", expect=200).text
    browser.post(f"/tasks/{task.id}/pull-back", data={"reason": " "}, expect=422)
    assert fresh(task).state is TaskState.CLAIMED
    there = browser.post(
        f"/tasks/{task.id}/pull-back", data={"reason": "Her shift is over", "back": "board"}, expect=303
    )
    assert there.location == "/queue"
    freed = fresh(task)
    assert (freed.state, freed.held_by, freed.created_at) == (TaskState.WAITING, None, opened.created_at)
    last = db.session.scalars(sa.select(TaskEvent).order_by(TaskEvent.id.desc())).first()
    assert (last.kind, last.actor) == (EventKind.PULLED_BACK, lead.actor)
    assert last.facts == {"reason": "Her shift is over", "held_by": agent.id}
    assert db.session.get_one(Share, practice.id).minutes_charged == charged
    with pytest.raises(tasks.LeaseLost):
        record(task, agent, Outcome.WILLING)
    page = browser.post(f"/tasks/{task.id}/pull-back", data={"reason": "again"}, expect=422).text
    assert "Nobody holds this task any more" in page
    story = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "Her shift is over; was in the hands of Ann Agent" in story


def test_cancelling_a_task_ends_its_cadence_and_says_why(app, sign_in, lead):
    practice = make_floor()
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    from ops.queue import jobs

    jobs.import_finished(practice.id)
    task = db.session.scalars(sa.select(Task).where(Task.kind == Kind.ASK)).one()
    browser = sign_in(lead)
    browser.post(f"/tasks/{task.id}/cancel", data={"reason": ""}, expect=422)
    browser.post(f"/tasks/{task.id}/cancel", data={"reason": "Moved abroad"}, expect=303)
    run = db.session.get_one(CadenceRun, fresh(task).run_id)
    assert (fresh(task).state, run.state) == (TaskState.CANCELLED, RunState.ENDED)
    assert "Moved abroad" in run.end_reason
    page = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "Moved abroad" in page
    assert "Lea Lead" in page
    assert "finished already" in browser.post(f"/tasks/{task.id}/cancel", data={"reason": "x"}, expect=422).text


def test_a_task_cancelled_in_an_agents_hands_leaves_them_and_credits_the_minutes(app, lead):
    practice, agent = make_floor(), make_user("agent")
    make_task(practice)
    task = claim(agent)
    with transaction(lead.actor):
        editing.cancel_task(task.id, lead.actor, "The practice asked for it")
    assert fresh(task).held_by is None
    assert db.session.get_one(Share, practice.id).minutes_charged == 0
    with transaction(lead.actor), pytest.raises(Refused):
        editing.pull_back(task.id, lead.actor, "too late")


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
        "Taken",
        "Its practice was owed most",
        "The next practice in turn was River Derm (9.00 minutes per contract hour)",
        "The law allowed the call until",
        "To be tried again",
        "Rang out &lt;b&gt;twice&lt;/b&gt;",
        "may be contacted",
        "Tried 1 time without an answer",
    ):
        assert words in page, words
    read = db.session.scalars(sa.select(PatientRead).where(PatientRead.user_id == lead.id)).one()
    assert (read.patient_id, read.what) == (task.patient_id, f"task {task.id}: its story")


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
    assert "Kept for Ann Agent, who promised the call, until Wed 11 Mar 2026, 12:10 CDT" in says(kept)
    assert "May not be contacted before Wed 11 Mar 2026, 13:00 CDT: a holiday" in says(shut)
    with transaction("test"):
        practices.pause_practice(practice)
    assert "is paused: nothing is done for it" in says(ready)


def test_who_was_not_happy_is_listed_until_a_lead_has_looked(app, sign_in, lead):
    practice, agent = make_floor(name="Lake Skin"), make_user("agent")
    make_task(practice, patient=make_patient(practice, "Mona", "Zeller"))
    task = claim(agent)
    record(task, agent, Outcome.NOT_HAPPY, note="Bruised for a week")
    browser = sign_in(lead)
    page = browser.get("/queue", expect=200).text
    assert "Mona Z." in page
    assert "Zeller" not in page
    assert "Bruised for a week" in page
    with freeze_time(NOON + timedelta(minutes=1)):
        assert not board_lists.unhappy(board.Asked())[0].seen
        browser.get(f"/tasks/{task.id}", expect=200)
    assert board_lists.unhappy(board.Asked())[0].seen
    with freeze_time(NOON + timedelta(days=31)):
        assert board_lists.unhappy(board.Asked()) == []


def test_the_board_asks_the_database_as_often_for_thirty_practices_as_for_three(app, sign_in, lead):
    browser, seen, counts = sign_in(lead), [], []
    event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    for size in (3, 30):
        for number in range(size):
            make_task(make_floor(f"p-{size}-{number}"))
        claim(make_user("agent"))
        seen.clear()
        browser.get("/queue", expect=200)
        counts.append(len(seen))
    assert counts[0] == counts[1], counts
    assert counts[0] <= 14


@pytest.mark.parametrize("code", [str(reason) for reason in Reason])
def test_every_reason_of_the_gate_has_words(code):
    assert board_words.REASON_WORDS[code]


def test_every_event_and_outcome_has_words():
    assert set(board_words.EVENT_WORDS) == set(EventKind)
    assert set(board_words.OUTCOME_WORDS) == set(Outcome)


@pytest.mark.parametrize(
    ("rank", "said"),
    [(None, "–"), (1, "owed most"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (121, "121st")],
)
def test_the_order_is_said_in_words(rank, said):
    assert board_words.owed_words(rank) == said
