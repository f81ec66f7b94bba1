"""The lead's board: whose turn it is, what waits for what, pulling back, cancelling, and the story of a task."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from sqlalchemy import event

from ops import clock
from ops.accounts.models import User
from ops.cadences import jobs
from ops.contact.facts import Reason
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import actions, board, board_lists
from ops.floor import words as floor_words
from ops.practices import actions as practices
from ops.practices.models import Practice
from ops.queue import hours
from ops.queue import words as queue_words
from ops.queue.actions import assigning, tasks
from ops.queue.models import CadenceRun, Share, Task, TaskEvent
from ops.work import outcomes, states
from ops.work.endings import Ending, EndReason
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import EventKind, RunState, TaskState
from tests.floors import MIDNIGHT, MORNING, NOON, claim, fresh, make_floor, make_task, record, sweep
from tests.world import make_contract, make_milestone, make_patient, make_user


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def line_of(slug, **asked):
    return next(line for line in board.look(board.Asked(**asked)).lines if line.slug == slug)


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
        for verb in (f"/queue/tasks/{task.id}/release", f"/tasks/{task.id}/cancel"):
            browser.post(verb, data={"reason": "mine"}, expect=404)
    sign_in(lead).get("/tasks/999999", expect=404)
    assert fresh(task).state is TaskState.WAITING


def test_hours_are_those_bought_and_worked_this_month_in_the_practices_zone(app):
    practice = make_floor(hours=None)
    make_contract(practice, 31, date(2026, 2, 1), date(2026, 3, 11))
    make_contract(practice, 62, date(2026, 3, 11))
    assert line_of("lake").bought_hours == 10 + 42  # ten days of 31 h, 21 of 62 h, in 31 days
    assert line_of("lake").pace_minutes == 60 * (10 + 1), "and by noon of the eleventh half a day at 2 h"
    agent = make_user("agent")
    with freeze_time("2026-03-01 05:50") as frozen:  # February 28, 23:50 in Chicago
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
        assert line_of("lake").behind_minutes == pytest.approx(660 + 9 * 2 * 60 / 1440 - 9)
        assert db.session.get_one(Share, practice.id).minutes_charged == 16


def test_the_practice_with_the_least_minutes_per_hour_bought_is_owed_most(app, sign_in, lead):
    few, many, idle = make_floor("few", hours=10), make_floor("many", hours=40), make_floor("idle", hours=40)
    make_task(few)
    make_task(many)
    with transaction("test"):
        for practice, time in ((few, 3.0), (many, 2.0), (idle, 0.0)):
            db.session.execute(sa.update(Share).where(Share.practice_id == practice.id).values(virtual_time=time))
    found = {line.slug: line.owed_rank for line in board.look(board.Asked()).lines}
    assert found == {"many": 1, "few": 2, "idle": None}
    browser = sign_in(lead)
    assert "It is served next." in browser.get("/queue?practice=many", expect=200).text
    assert "It is 2nd in turn, 10 min after" in browser.get("/queue?practice=few", expect=200).text


def test_one_column_says_how_far_each_practice_is_behind_its_contract_and_the_lines_add_up(app, sign_in, lead):
    floors = {"few": 31, "many": 62, "idle": 0, "away": 93}
    made = {slug: make_floor(slug, hours=hours or None) for slug, hours in floors.items()}
    with transaction("test"):
        practices.pause_practice(db.session.get_one(Practice, made["away"].id))
    make_task(made["few"])
    task = claim(make_user("agent"))
    agent = db.session.get_one(User, task.held_by)
    with freeze_time(NOON + timedelta(minutes=9)):
        record(task, agent, Outcome.NEVER)
    seen = board.look(board.Asked()).lines
    assert [(line.slug, round(line.behind_minutes)) for line in seen] == [
        ("many", 1260), ("few", 621), ("idle", 0), ("away", 1890),
    ], "furthest behind first, and last what nothing is done for"  # fmt: skip
    total = board.totals(seen)
    for what in ("bought_hours", "delivered_minutes", "pace_minutes", "behind_minutes", "promised", "in_progress"):
        assert getattr(total, what) == sum(getattr(line, what) for line in seen), what
    page = sign_in(lead).get("/queue", expect=200).text
    for words in ("9 min of 31 h, 10 h 21 min behind", "no contract", "9 min of 186 h, 62 h 51 min behind", "All 4"):
        assert words in page, words
    assert "owed" not in page.lower()
    few = next(line for line in seen if line.slug == "few")
    for delivered, told in ((755, "2 h 5 min ahead"), (754, "on pace"), (506, "on pace"), (505, "2 h 5 min behind")):
        line = replace(few, delivered_minutes=Decimal(delivered), pace_minutes=Decimal(630))
        assert floor_words.pace_words(line) == told
    assert "charged" not in page.lower()


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
    found = {block.code: (block.tasks, block.opens_at) for block in board.over_all(board.look(board.Asked()).lines)}
    assert found == {
        "HOURS_STATE": (1, morning),
        "CAP_24H": (1, morning),
        "promised": (1, NOON + timedelta(hours=2)),
        "next_try": (1, NOON + timedelta(hours=3)),
        "practice_not_active": (1, None),
    }
    total = board.totals(board.look(board.Asked()).lines)
    assert (total.ready, total.later, total.paused, total.promised) == (1, 3, 1, 1)
    page = sign_in(lead).get("/queue", expect=200).text
    assert "Outside the lawful hours of the place" in page
    assert "Mar 12, 2026, 8:00 AM CDT" in page, "in the practice's own zone in its row"


def test_what_its_hours_shut_is_not_ready_and_opens_with_them(app, lead, at_noon):
    practice, later = make_floor(), make_floor("west", zone="America/Los_Angeles", state="WA")
    make_task(practice)
    make_task(practice, promised_at=NOON)
    make_task(later, patient=make_patient(later, phone="+12065550142"))
    at_noon.move_to(MIDNIGHT)
    sweep()
    seen = board.look(board.Asked())
    assert (board.totals(seen.lines).ready, board.totals(seen.lines).later) == (0, 3)
    assert [(one.code, one.tasks, one.opens_at) for one in board.over_all(seen.lines)] == [("window_shut", 3, MORNING)]
    assert [line.owed_rank for line in seen.lines] == [None, None], "nobody's turn while all is shut"
    at_noon.move_to(MORNING)
    sweep()
    seen = board.look(board.Asked())
    assert {line.slug: (line.ready, line.later) for line in seen.lines} == {"lake": (2, 0), "west": (0, 1)}
    chicago, west = seen.windows
    assert (chicago.open, chicago.ready, chicago.closes_at > MORNING) == (True, 2, True)
    assert (west.open, west.shut, west.opens_at) == (False, 1, MORNING + timedelta(hours=2))
    assert hours.group_words(chicago.group, chicago.places) == "Central time (IL)"
    assert hours.group_words(west.group, west.places) == "Pacific time (WA)"


def test_waiting_tasks_are_counted_by_age(app, lead, at_noon):
    practice = make_floor()
    for days in (0, 0.5, 2, 5, 8, 30):
        at_noon.move_to(NOON - timedelta(days=days))
        make_task(practice)
    at_noon.move_to(NOON)
    make_task(practice, ready_at=NOON + timedelta(hours=1))
    sweep()
    found = [(one.ready, one.later) for one in board.look(board.Asked()).ages]
    assert found == [(2, 1), (1, 0), (1, 0), (2, 0)]


def test_a_practice_is_owed_minutes_against_the_one_whose_turn_it_is(app, lead, sign_in):
    turn, ahead, away = make_floor("turn", hours=10), make_floor("ahead", hours=40), make_floor("away", hours=20)
    make_task(turn)
    make_task(ahead)
    with transaction("test"):
        for practice, time, weight in ((turn, 6.0, 1), (ahead, 6.5, 2), (away, 1.0, 1)):
            db.session.execute(
                sa.update(Share).where(Share.practice_id == practice.id).values(virtual_time=time, weight=weight)
            )
    found = {line.slug: line.owed_minutes for line in board.look(board.Asked()).lines}
    assert found == {"turn": 0, "ahead": -40, "away": 3 * 20}, "and who was away is owed three minutes an hour at most"
    browser = sign_in(lead)
    assert "weight 2" in browser.get("/queue", expect=200).text
    assert "2nd in turn, 40 min after the one" in browser.get("/queue?practice=ahead", expect=200).text
    assert "Nothing of it can be served now." in browser.get("/queue?practice=away", expect=200).text


def test_what_nobody_may_work_is_not_ready(app, lead):
    practice = make_floor()
    make_task(practice)
    make_task(practice, patient=make_patient(practice, language="es"))
    line = line_of("lake")
    assert (line.ready, [(one.code, one.tasks) for one in line.blocks]) == (1, [("nobody_may", 1)])
    with transaction(lead.actor):
        actions.set_profile(make_user("agent").id, ["es"], None, True)
    assert line_of("lake").ready == 2


def test_a_task_about_somebody_who_is_being_called_waits_for_the_end_of_that_call(app, lead):
    practice, agent = make_floor(), make_user("agent")
    patient = make_patient(practice)
    make_task(practice, patient=patient)
    make_task(practice, Kind.RECALL, patient=patient)
    claim(agent)
    line = line_of("lake")
    assert (line.in_progress, line.ready) == (1, 0)
    assert [one.code for one in line.blocks] == ["on_another_call"]


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
    assert [line.slug for line in board.look(board.Asked("river")).lines] == ["river"]
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
    assert getattr(app.view_functions["floor.board_live"], "passive", False), (
        "a page left open is nobody doing something"
    )


def test_releasing_a_task_frees_it_keeps_its_age_and_refuses_the_agents_late_save(app, sign_in, lead):
    practice, agent = make_floor(), make_user("agent", name="Ann Agent")
    opened = make_task(practice)
    with transaction("test"):
        charged = db.session.get_one(Share, practice.id).minutes_charged
    task = claim(agent)
    browser = sign_in(lead)
    assert "Ann Agent" in browser.get("/queue", expect=200).text
    browser.post(f"/queue/tasks/{task.id}/release", data={"reason": " "}, expect=422)
    assert fresh(task).state is TaskState.CLAIMED
    there = browser.post(
        f"/queue/tasks/{task.id}/release", data={"reason": "Her shift is over", "back": "board"}, expect=303
    )
    assert there.location == "/queue"
    freed = fresh(task)
    assert (freed.state, freed.held_by, freed.created_at) == (TaskState.WAITING, None, opened.created_at)
    last = db.session.scalars(sa.select(TaskEvent).order_by(TaskEvent.id.desc())).first()
    assert (last.kind, last.actor) == (EventKind.RELEASED_BY_LEAD, lead.actor)
    assert last.facts == {"reason": "Her shift is over", "held_by": agent.id}
    assert db.session.get_one(Share, practice.id).minutes_charged == charged
    with pytest.raises(tasks.LeaseLost):
        record(task, agent, Outcome.WILLING)
    page = browser.post(f"/queue/tasks/{task.id}/release", data={"reason": "again"}, expect=422).text
    assert "Nobody has this task in progress any more" in page
    story = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "Her shift is over; was in progress with Ann Agent" in story


def test_cancelling_a_task_ends_its_cadence_and_says_why(app, sign_in, lead):
    practice = make_floor()
    make_milestone(make_patient(practice), "Toxin", days_ago=14)

    jobs.import_finished(practice.id)
    task = db.session.scalars(sa.select(Task).where(Task.kind == Kind.ASK)).one()
    browser = sign_in(lead)
    browser.post(f"/tasks/{task.id}/cancel", data={"reason": ""}, expect=422)
    browser.post(f"/tasks/{task.id}/cancel", data={"reason": "Moved abroad"}, expect=303)
    run = db.session.get_one(CadenceRun, fresh(task).run_id)
    assert (fresh(task).state, run.state) == (TaskState.CANCELLED, RunState.ENDED)
    assert run.ending == Ending(EndReason.BY_LEAD, words="Moved abroad")
    page = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "Moved abroad" in page
    assert "Lea Lead" in page
    assert "finished already" in browser.post(f"/tasks/{task.id}/cancel", data={"reason": "x"}, expect=422).text


def test_a_task_cancelled_while_in_progress_leaves_the_agent_and_credits_the_minutes(app, lead):
    practice, agent = make_floor(), make_user("agent")
    make_task(practice)
    task = claim(agent)
    with transaction(lead.actor):
        assigning.cancel_task(task.id, lead.actor, "The practice asked for it")
    assert fresh(task).held_by is None
    assert db.session.get_one(Share, practice.id).minutes_charged == 0
    with transaction(lead.actor), pytest.raises(Refused):
        assigning.release(task.id, lead.actor, "too late")


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
    assert counts[0] <= 16


@pytest.mark.parametrize("code", [str(reason) for reason in Reason])
def test_every_reason_of_the_gate_has_words(code):
    assert queue_words.REASON_WORDS[code]


def test_every_event_and_outcome_has_words():
    assert set(states.MOVES) == set(EventKind)
    assert set(outcomes.OUTCOME_WORDS) == set(Outcome)


@pytest.mark.parametrize(
    ("rank", "said"),
    [(None, "–"), (1, "next"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (121, "121st")],
)
def test_the_order_is_said_in_words(rank, said):
    assert floor_words.owed_words(rank) == said
