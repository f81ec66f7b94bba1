"""What a lead decides about the floor: who may work what, whose a task is, what is paused, whose weight counts more."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts import actions as accounts
from ops.accounts.models import AuditEntry
from ops.db import db, transaction
from ops.errors import Refused
from ops.floor import actions
from ops.practices import actions as practices
from ops.queue.actions import assigning, tasks
from ops.queue.models import AgentProfile, Certification, Share, Task, TaskEvent
from ops.queue.workers import Lack, lacks, worker, workers
from ops.work.kinds import Kind
from ops.work.states import EventKind
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


def refused(verb, *given, **words):
    with pytest.raises(Refused) as problem:
        do(verb, *given, **words)
    return str(problem.value)


def test_without_a_profile_somebody_works_everything_in_english(app, ann):
    who = worker(ann.id)
    assert (who.languages, who.kinds, who.everywhere, who.has_profile) == (("en",), None, True, False)
    assert lacks(1, Kind.ASK, "en")[ann.id] == []
    assert lacks(1, Kind.ASK, "es")[ann.id] == [Lack.LANGUAGE]


def test_only_agents_and_leads_take_tasks_and_closed_accounts_do_not(app, lead, ann):
    make_user("admin")
    make_user("member", make_practice("lake"))
    gone = make_user("agent")
    do(accounts.deactivate, gone)
    assert {who.name for who in workers()} == {"Lea Lead", "Ann Agent"}


def test_a_profile_decides_which_tasks_an_agent_gets(app, ann):
    lake, river = make_floor("lake"), make_floor("river")
    spanish, recall = make_task(lake, language="es"), make_task(river, Kind.RECALL)
    do(actions.set_profile, ann.id, ["es"], None, True)
    assert claim(ann).id == spanish.id
    do(actions.set_profile, ann.id, ["en"], ["recall"], False)
    do(tasks.release, spanish.id, ann.id, 1, ann.actor)
    assert claim(ann) is None, "certified for no practice"
    assert do(actions.certify, ann.id, [river.id], "user:1") == 1
    assert claim(ann).id == recall.id


def test_withdrawing_leaves_what_is_in_progress(app, ann):
    lake = make_floor()
    held = make_task(lake)
    make_task(lake)
    do(actions.set_profile, ann.id, ["en"], None, False)
    do(actions.certify, ann.id, [lake.id], "user:1")
    claim(ann)
    assert do(actions.withdraw, ann.id, [lake.id]) == 1
    assert claim(ann).id == held.id, "it is still theirs to finish"
    do(tasks.release, held.id, ann.id, 1, ann.actor)
    assert claim(ann) is None


@pytest.mark.parametrize(
    ("languages", "kinds", "says"),
    [
        ([], None, "at least one language"),
        ([" "], None, "at least one language"),
        (["en", "xq"], None, "xq is no language"),
        (["english"], None, "english is no language"),
        (["en"], [], "at least one kind"),
        (["en"], ["ask", "dance"], "no kind of work called dance"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_and_nothing_stored(app, ann, languages, kinds, says):
    assert says in refused(actions.set_profile, ann.id, languages, kinds, True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AgentProfile)) == 0


def test_a_language_that_patients_speak_is_known_whatever_its_code(app, ann):
    make_patient(make_practice("lake"), language="xq")
    do(actions.set_profile, ann.id, ["XQ", "en", "en"], None, True)
    assert worker(ann.id).languages == ("en", "xq")
    assert actions.languages_spoken() == ["en", "xq"]


def test_certifying_refuses_what_is_not_there_and_who_works_everywhere(app, ann):
    lake, over = make_practice("lake"), make_practice("over")
    do(practices.end_practice, over)
    assert "works for every practice" in refused(actions.certify, ann.id, [lake.id], "user:1")
    do(actions.set_profile, ann.id, ["en"], None, False)
    for wanted in ([], [lake.id, 999999], [lake.id, over.id]):
        refused(actions.certify, ann.id, wanted, "user:1")
    assert "Only agents and leads" in refused(actions.certify, make_user("admin").id, [lake.id], "user:1")
    assert "Only agents and leads" in refused(actions.set_profile, 999999, ["en"], None, True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 0
    do(accounts.deactivate, ann)
    assert "is closed" in refused(actions.certify, ann.id, [lake.id], "user:1")
    assert "is closed" in refused(actions.set_profile, ann.id, ["en"], None, True)
    assert "not certified" in refused(actions.withdraw, ann.id, [lake.id])


def test_a_cleared_profile_is_everything_in_english_and_certifications_come_back_with_the_next(app, ann):
    lake = make_practice("lake")
    do(actions.set_profile, ann.id, ["es"], None, False)
    do(actions.certify, ann.id, [lake.id], "user:1")
    do(actions.clear_profile, ann.id)
    assert (worker(ann.id).languages, worker(ann.id).everywhere) == (("en",), True)
    refused(actions.clear_profile, ann.id)
    do(actions.set_profile, ann.id, ["es"], None, False)
    assert worker(ann.id).practices == {lake.id}


def test_an_assigned_task_comes_before_everything_else_and_is_nobody_elses(app, lead, ann):
    lake = make_floor()
    promise, low = make_task(lake, promised_at=NOON), make_task(lake, Kind.RECALL)
    bob = make_user("agent", name="Bob Agent")
    do(assigning.assign, low.id, bob.id, lead.actor, "Knows the family")
    assert claim(ann).id == promise.id
    task = fresh(low)
    assert (task.owner_id, task.handed_at, task.owner_until) == (bob.id, NOON, NOON + timedelta(hours=8))
    event = db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.ASSIGNED)).one()
    assert (event.actor, event.facts["to"], event.facts["reason"]) == (lead.actor, bob.id, "Knows the family")
    assert event.facts["override"] == []
    do(tasks.release, promise.id, ann.id, 1, ann.actor)
    assert claim(bob).id == low.id, "before the promise"


def test_whoever_lets_an_assigned_task_go_leaves_it_to_everybody(app, lead, ann):
    task = make_task(make_floor())
    bob = make_user("agent")
    do(assigning.assign, task.id, bob.id, lead.actor)
    assert claim(ann) is None
    assert claim(bob).id == task.id
    do(tasks.release, task.id, bob.id, 1, bob.actor)
    assert claim(ann).id == task.id


def test_an_agent_who_is_not_certified_gets_it_only_as_an_override_with_a_reason(app, lead, ann):
    lake = make_floor()
    task = make_task(lake, language="es")
    do(actions.set_profile, ann.id, ["en"], ["recall"], False)
    give = (assigning.assign, task.id, ann.id, lead.actor)
    assert "not certified for this practice, this kind of work and this language" in refused(*give, "Why not")
    assert "say why" in refused(*give, " ", override=True)
    assert fresh(task).owner_id is None
    do(*give, "Nobody else is here", override=True)
    event = db.session.scalars(sa.select(TaskEvent).where(TaskEvent.kind == EventKind.ASSIGNED)).one()
    assert event.facts["override"] == ["practice", "kind", "language"]
    assert claim(ann).id == task.id


def test_a_held_task_is_released_first(app, lead, ann):
    lake = make_floor()
    task, bob = make_task(lake), make_user("agent")
    claim(ann)
    assert "has this task in progress" in refused(assigning.assign, task.id, ann.id, lead.actor, "x")
    assert "whoever has it in progress" in refused(assigning.assign, task.id, bob.id, lead.actor)
    assert fresh(task).held_by == ann.id
    do(assigning.assign, task.id, bob.id, lead.actor, "Ann has gone home")
    kinds = db.session.scalars(sa.select(TaskEvent.kind).order_by(TaskEvent.id)).all()
    assert kinds[-2:] == [EventKind.RELEASED_BY_LEAD, EventKind.ASSIGNED]
    assert db.session.get_one(Share, lake.id).minutes_charged == 0
    with pytest.raises(tasks.LeaseLost), transaction(ann.actor):
        tasks.release(task.id, ann.id, 1, ann.actor)
    assert claim(bob).id == task.id


def test_only_an_open_task_and_an_open_account_that_takes_tasks(app, lead, ann):
    lake = make_floor()
    task, gone = make_task(lake), make_user("agent")
    do(accounts.deactivate, gone)
    assert "is closed" in refused(assigning.assign, task.id, gone.id, lead.actor)
    assert "Only agents and leads" in refused(assigning.assign, task.id, make_user("admin").id, lead.actor)
    assert "Only agents and leads" in refused(assigning.assign, task.id, 999999, lead.actor)
    assert "finished" in refused(assigning.assign, 999999, ann.id, lead.actor)
    with transaction("test"):
        tasks.cancel(db.session.get_one(Task, task.id), "test", "over")
    assert "finished" in refused(assigning.assign, task.id, ann.id, lead.actor)


def test_a_task_assigned_at_night_stays_theirs_from_the_morning_on(app, lead, ann, at_noon):
    lake, bob = make_floor(), make_user("agent")
    at_noon.move_to(MIDNIGHT)
    task = make_task(lake)
    sweep()
    do(assigning.assign, task.id, bob.id, lead.actor)
    assert fresh(task).owner_until == MORNING + timedelta(hours=8)
    at_noon.move_to(MORNING)
    assert claim(ann) is None
    assert claim(bob).id == task.id


def test_an_assigned_task_can_be_unassigned(app, lead, ann):
    task, bob = make_task(make_floor()), make_user("agent")
    do(assigning.assign, task.id, bob.id, lead.actor)
    do(assigning.unassign, task.id, lead.actor, "Bob is ill")
    assert (fresh(task).owner_id, fresh(task).handed_at) == (None, None)
    assert "assigned to nobody" in refused(assigning.unassign, task.id, lead.actor)
    assert claim(ann).id == task.id


def test_a_paused_kind_is_not_offered_promises_included_until_it_is_resumed(app, lead, ann):
    lake, river = make_floor("lake"), make_floor("river")
    make_task(lake)
    make_task(lake, promised_at=NOON)
    other_kind, other_practice = make_task(lake, Kind.RECALL), make_task(river)
    assert "say why" in refused(actions.pause_kind, lake.id, Kind.ASK, lead.actor, " ")
    do(actions.pause_kind, lake.id, Kind.ASK, lead.actor, "The doctor is away", by=lead.actor)
    assert "paused already" in refused(actions.pause_kind, lake.id, Kind.ASK, lead.actor, "again")
    got = {claim(agent).id for agent in (ann, make_user("agent"))}
    assert got == {other_kind.id, other_practice.id}
    assert claim(make_user("agent")) is None
    do(actions.resume_kind, lake.id, Kind.ASK, "Back", by=lead.actor)
    assert "not paused any more" in refused(actions.resume_kind, lake.id, Kind.ASK)
    assert claim(make_user("agent")).promised_at == NOON
    assert claim(make_user("agent")) is not None
    told = db.session.execute(
        sa.select(AuditEntry.change, AuditEntry.actor, AuditEntry.reason)
        .where(AuditEntry.table_name == "kind_pauses")
        .order_by(AuditEntry.id)
    ).all()
    assert told == [("insert", lead.actor, "The doctor is away"), ("delete", lead.actor, "Back")]


def test_what_is_in_progress_stays_when_its_kind_is_paused_and_what_is_assigned_waits(app, lead, ann):
    lake = make_floor()
    task = make_task(lake)
    claim(ann)
    do(actions.pause_kind, lake.id, Kind.ASK, lead.actor, "The doctor is away")
    assert fresh(task).held_by == ann.id
    waiting, bob = make_task(lake), make_user("agent")
    do(assigning.assign, waiting.id, bob.id, lead.actor)
    assert claim(bob) is None
    do(actions.resume_kind, lake.id, Kind.ASK)
    assert claim(bob).id == waiting.id


def test_a_weight_serves_a_practice_as_if_it_had_bought_more(app, lead, ann):
    lake = make_floor("lake", hours=10)
    make_task(lake)
    do(actions.set_weight, lake.id, Decimal("2"), "Two weeks late", by=lead.actor)
    claim(ann)
    assert db.session.get_one(Share, lake.id).virtual_time == pytest.approx(6 / 20)


@pytest.mark.parametrize("weight", ["0.05", "5.01", "-1", "0", "NaN", "Infinity"])
def test_a_weight_out_of_range_is_refused(app, weight):
    lake = make_floor()
    assert "0.1 to 5" in refused(actions.set_weight, lake.id, Decimal(weight), "Because")
    assert "say why" in refused(actions.set_weight, lake.id, Decimal(2), "")
    assert "1 already" in refused(actions.set_weight, lake.id, Decimal(1), "Because")
    assert db.session.get_one(Share, lake.id).weight == 1


def test_the_audit_log_says_who_changed_a_weight_when_from_to_and_why(app, lead):
    lake = make_floor()
    do(actions.set_weight, lake.id, Decimal("1.5"), "Two weeks late", by=lead.actor)
    do(actions.set_weight, lake.id, Decimal("1"), "Caught up", by=lead.actor)
    told = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.table_name == "shares").order_by(AuditEntry.id))
    first, second = told.all()
    assert (first.actor, first.practice_id, first.reason) == (lead.actor, lake.id, "Two weeks late")
    assert (first.before["weight"], first.after["weight"]) == (1.0, 1.5)
    assert (second.after["weight"], second.reason) == (1.0, "Caught up")


def test_a_reason_is_said_of_its_own_transaction_only(app, lead, ann):
    lake = make_floor()
    do(actions.set_weight, lake.id, Decimal("1.5"), "Two weeks late", by=lead.actor)
    do(actions.set_profile, ann.id, ["en"], None, False, by=lead.actor)
    do(actions.certify, ann.id, [lake.id], lead.actor, by=lead.actor)
    tables = ("agent_profiles", "certifications")
    rows = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.table_name.in_(tables))).all()
    assert {(row.table_name, row.actor, row.reason) for row in rows} == {(name, lead.actor, None) for name in tables}
