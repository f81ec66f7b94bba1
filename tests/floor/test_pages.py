"""The lead's controls on their pages, and what an agent's empty desk says."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db, transaction
from ops.floor import actions
from ops.queue.actions import assigning
from ops.queue.models import AgentProfile, KindPause, Share, Task
from ops.queue.workers import worker
from ops.rhythm import today
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.floors import MIDNIGHT, MORNING, NOON, claim, do, fresh, make_floor, make_task, sweep
from tests.world import make_patient, make_practice, make_user


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


def test_the_empty_desk_counts_what_this_agent_may_work_by_what_it_waits_for(app, lead, ann, at_noon):
    lake, river = make_floor("lake"), make_floor("river")
    make_task(river)
    make_task(lake, language="es")
    make_task(lake, Kind.RECALL)
    make_task(lake, ready_at=NOON + timedelta(hours=3))
    ready = make_task(lake)
    do(actions.set_profile, ann.id, ["en"], ["ask"], False)
    do(actions.certify, ann.id, [lake.id], "user:1")
    assert today.waiting(ann.id).ready == 1
    do(assigning.assign, ready.id, make_user("agent").id, lead.actor)
    assert {one.code for one in today.waiting(ann.id).blocks} == {"not_due", "kept"}
    do(assigning.unassign, ready.id, lead.actor)
    do(actions.pause_kind, lake.id, Kind.ASK, lead.actor, "The doctor is away")
    assert [(one.code, one.tasks) for one in today.waiting(ann.id).blocks] == [("kind_paused", 2)]
    do(actions.resume_kind, lake.id, Kind.ASK)
    at_noon.move_to(MIDNIGHT)
    sweep()
    night = today.waiting(ann.id)
    assert [(one.code, one.tasks, one.opens_at) for one in night.blocks] == [("window_shut", 2, MORNING)]
    assert (night.ready, night.opens_at, len(night.windows)) == (0, MORNING, 1)
    do(actions.withdraw, ann.id, [lake.id])
    assert today.waiting(ann.id).idle


def test_the_desk_stops_counting_where_there_is_enough_for_the_day(app, sign_in, ann, monkeypatch):
    monkeypatch.setattr(today, "ENOUGH", 2)
    lake = make_floor()
    make_task(lake)
    assert "1 task can be worked now" in sign_in(ann).get("/desk", expect=200).text
    for _ in range(3):
        make_task(lake)
    assert "At least 2 tasks can be worked now" in sign_in(ann).get("/desk", expect=200).text


def test_a_look_at_the_desk_finds_what_the_count_would(app, lead, ann):
    lake, river = make_floor("lake"), make_floor("river")
    bob = make_user("agent")
    for practice in (lake, river):
        make_task(practice)
        make_task(practice, Kind.RECALL)
        make_task(practice, language="es")
    make_task(lake, promised_at=NOON)
    mine = make_task(river, Kind.RECALL, language="es")
    do(assigning.assign, mine.id, ann.id, lead.actor, "Asked for her", override=True)
    owned, patient = make_task(lake), make_patient(lake)
    make_task(lake, patient=patient)
    make_task(lake, Kind.RECALL, patient=patient)
    with transaction("test"):
        kept = db.session.get_one(Task, owned.id)
        kept.owner_id, kept.owner_until = bob.id, NOON + timedelta(minutes=20)
    claim(bob)
    do(actions.pause_kind, river.id, Kind.RECALL, lead.actor, "The doctor is away")
    for languages, kinds, everywhere in ((["en"], None, True), (["en", "es"], ["ask"], True), (["es"], None, False)):
        do(actions.set_profile, ann.id, languages, kinds, everywhere)
        if not everywhere:
            do(actions.certify, ann.id, [river.id], "user:1")
        who = worker(ann.id)
        looked = today.ready(who.user_id)
        assert looked == today._counted(who).ready > 0


def test_what_is_assigned_counts_on_the_desk_of_who_has_it_certified_or_not(app, lead, ann):
    task = make_task(make_floor(), language="es")
    assert today.waiting(ann.id).ready == 0
    do(assigning.assign, task.id, ann.id, lead.actor, "Nobody else is here", override=True)
    do(actions.set_profile, ann.id, ["en"], None, False)
    assert today.waiting(ann.id).ready == 1


def test_the_desk_says_what_opens_when(app, sign_in, lead, ann, at_noon):
    task = make_task(make_floor())
    at_noon.move_to(MIDNIGHT)
    sweep()
    page = sign_in(ann).get("/desk", expect=200).text
    assert "Nothing can be worked right now" in page
    assert "outside the hours in which they may be called" in page
    assert "Central time (IL)" in page
    assert "Mar 12, 2026, 9:00 AM EDT" in page
    assert fresh(task).state is TaskState.WAITING


def test_the_pages_are_for_leads_and_admins(app, client, sign_in, lead, ann):
    lake, task = make_floor(), None
    task = make_task(lake)
    posts = (
        (f"/floor/{ann.id}/profile", {"languages": "en", "which_kinds": "all", "which_practices": "all"}),
        (f"/floor/{ann.id}/profile/clear", {}),
        (f"/floor/{ann.id}/certify", {"practices": lake.id}),
        (f"/floor/{ann.id}/withdraw", {"practices": lake.id}),
        (f"/tasks/{task.id}/assign", {"agent": ann.id, "reason": "mine"}),
        (f"/tasks/{task.id}/unassign", {}),
        ("/practices/lake/kinds/pause", {"kind": "ask", "reason": "mine"}),
        ("/practices/lake/kinds/resume", {"kind": "ask"}),
        ("/practices/lake/weight", {"weight": "2", "reason": "mine"}),
    )
    for outsider in (ann, make_user("member", lake)):
        browser = sign_in(outsider)
        browser.get("/floor", expect=403)
        browser.get(f"/floor/{ann.id}", expect=404)
        for address, data in posts:
            browser.post(address, data=data, expect=404)
    assert client.get("/floor").status_code == 303
    for insider in (lead, make_user("admin")):
        sign_in(insider).get("/floor", expect=200)
        sign_in(insider).get(f"/floor/{ann.id}", expect=200)
    for nobody in (make_user("admin").id, 999999):
        sign_in(lead).get(f"/floor/{nobody}", expect=404)
        sign_in(lead).post(f"/floor/{nobody}/certify", data={"practices": lake.id}, expect=404)
    assert fresh(task).owner_id is None
    for table in (AgentProfile, KindPause):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_a_lead_certifies_on_the_page(app, sign_in, lead, ann):
    lake, river = make_practice("lake", name="Lake Skin"), make_practice("river", name="River Derm")
    make_patient(lake, language="es")
    browser = sign_in(lead)
    assert "nothing said: everything, in English" in browser.get("/floor", expect=200).text
    there = f"/floor/{ann.id}"
    page = browser.get(there, expect=200).text
    assert "every kind, in English only" in page
    assert "Spanish" in page
    some = {"languages": ["en", "es"], "which_kinds": "some", "kinds": ["ask"], "which_practices": "some"}
    assert "at least one language" in browser.post(f"{there}/profile", data=some | {"languages": []}, expect=422).text
    browser.post(f"{there}/profile", data=some, expect=303)
    assert "certified for no practice" in browser.get(there, expect=200).text
    browser.post(f"{there}/certify", data={"practices": [lake.id, river.id]}, expect=303)
    browser.post(f"{there}/withdraw", data={"practices": [river.id]}, expect=303)
    for wrong in ([], ["x"], ["999999"], ["0"], [str(2**63)]):
        assert "Nothing was stored" in browser.post(f"{there}/certify", data={"practices": wrong}, expect=422).text
    page = browser.get(f"{there}?q=riv", expect=200).text
    assert "River Derm" in page
    assert f'id="certify-{river.id}"' in page
    assert f'id="withdraw-{lake.id}"' not in page
    assert "withdrawn: River Derm" in page
    assert "speaks English and Spanish" in page
    assert "1 practice" in browser.get("/floor", expect=200).text
    browser.post(f"{there}/profile/clear", expect=303)
    assert "every kind, in English only" in browser.get(there, expect=200).text


def test_a_lead_assigns_a_task_on_its_page(app, sign_in, lead, ann):
    lake = make_floor()
    task = make_task(lake)
    do(actions.set_profile, ann.id, ["en"], None, False)
    browser = sign_in(lead)
    board = browser.get("/queue?practice=lake", expect=200).text
    assert f'href="/tasks/{task.id}?assign=1&amp;back=board:lake#assign-form"' in board
    page = browser.get(f"/tasks/{task.id}?assign=1&back=board:lake", expect=200).text
    assert "Ann Agent: at work, not certified for this practice" in page
    give = f"/tasks/{task.id}/assign"
    page = browser.post(give, data={"agent": ann.id, "reason": "Asked for her"}, expect=422).text
    assert "tick the override" in page
    assert "Asked for her" in page
    for wrong in ("", "x", "0", "-1", str(2**63)):
        assert "choose somebody" in browser.post(give, data={"agent": wrong}, expect=422).text
    data = {"agent": ann.id, "reason": "Asked for her", "override": "y", "back": "board:lake"}
    assert browser.post(give, data=data, expect=303).location == "/queue?practice=lake"
    assert "assigned to Ann Agent" in browser.get("/queue?practice=lake", expect=200).text
    page = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "Assigned to Ann Agent by Lea Lead, before everything else they have" in page
    assert "to Ann Agent; an override: not certified for this practice; Asked for her" in page
    browser.post(f"/tasks/{task.id}/unassign", data={"reason": ""}, expect=303)
    assert fresh(task).owner_id is None
    assert "assigned to nobody" in browser.post(f"/tasks/{task.id}/unassign", data={}, expect=422).text


def test_who_assigned_a_task_is_told_though_the_clock_goes_on(app, sign_in, lead, ann):
    task = make_task(make_floor())
    with freeze_time(NOON, auto_tick_seconds=1):
        do(assigning.assign, task.id, ann.id, lead.actor)
    assert "Assigned to Ann Agent by Lea Lead" in sign_in(lead).get(f"/tasks/{task.id}", expect=200).text


def test_a_task_assigned_while_its_kind_is_paused_says_that_it_waits(app, sign_in, lead, ann):
    lake = make_floor()
    task = make_task(lake)
    do(actions.pause_kind, lake.id, Kind.ASK, lead.actor, "The doctor is away")
    browser = sign_in(lead)
    browser.post(f"/tasks/{task.id}/assign", data={"agent": ann.id}, expect=303)
    page = browser.get(f"/tasks/{task.id}", expect=200).text
    assert "It waits for now: Lea Lead paused work of the kind “Referral ask”" in page
    assert "not now: this kind is paused; assigned to Ann Agent" in browser.get("/queue?practice=lake", expect=200).text


def test_a_lead_weighs_and_pauses_on_the_board(app, sign_in, lead):
    lake = make_floor(name="Lake Skin")
    make_task(lake)
    browser = sign_in(lead)
    browser.post("/practices/lake/kinds/pause", data={"kind": "ask", "reason": "The doctor is away"}, expect=303)
    page = browser.get("/queue?practice=lake", expect=200).text
    assert "Referral ask paused" in page
    assert "The doctor is away" in page
    assert "this kind of work is paused" in page
    browser.post("/practices/lake/kinds/resume", data={"kind": "ask"}, expect=303)
    browser.post("/practices/lake/weight", data={"weight": "1.5", "reason": "Two weeks late"}, expect=303)
    page = browser.get("/queue?practice=lake", expect=200).text
    assert "weight 1 → 1.5" in page
    assert "Two weeks late" in page
    for data in ({"weight": "9", "reason": "x"}, {"weight": "x", "reason": "x"}, {"weight": "2", "reason": ""}):
        browser.post("/practices/lake/weight", data=data, expect=303)
        assert "Nothing was changed" in browser.get("/queue?practice=lake", expect=200).text
    browser.post("/practices/lake/kinds/pause", data={"kind": "dance", "reason": "x"}, expect=303)
    assert "Nothing was changed" in browser.get("/queue?practice=lake", expect=200).text
    browser.post("/practices/nowhere/weight", data={"weight": "2", "reason": "x"}, expect=404)
    assert db.session.get_one(Share, lake.id).weight == Decimal("1.5")


def test_an_agency_without_a_practice_is_told_what_to_do_first(sign_in):
    browser = sign_in(make_user("lead"))
    assert "Add the first one" in browser.get("/queue", expect=200).text
    assert "No practice of this name" in browser.get("/queue?practice=nowhere").text
