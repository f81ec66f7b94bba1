"""The cadence pages: plain sentences, edits that hold, and patients on their way who neither miss nor repeat a step."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.background import queue
from ops.cadences.actions import editing, starting, stepping
from ops.cadences.actions.editing import Start, Step
from ops.cadences.models import Cadence, CadenceStep, Trigger
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.models import MilestoneKind
from ops.queue.models import CadenceRun, Task
from ops.work.endings import EndReason
from ops.work.kinds import Kind, StepMode
from ops.work.states import RunState
from tests.world import make_milestone, make_patient, make_practice, make_user

ASK = "Ask when the result shows"


@pytest.fixture
def practice(app):
    practice = make_practice("lake", name="Lake Skin")
    with transaction("test"):
        starting.add_default_cadences(practice.id)
    return practice


@pytest.fixture
def ask(practice):
    return db.session.scalars(sa.select(Cadence).where(Cadence.practice_id == practice.id, Cadence.name == ASK)).one()


@pytest.fixture
def lead(app):
    return make_user("lead")


def steps_of(cadence):
    db.session.expire_all()
    return [(step.position, step.mode, step.gap_hours, step.tries) for step in cadence.steps]


def make_run(practice, cadence, position=0, *, in_work=False):
    """A patient who has got as far as `position`; `in_work`: the call of that step is in the queue."""
    now = clock.now()
    with transaction("test"):
        patient = make_patient(practice)
        milestone = make_milestone(patient, "Toxin", days_ago=12)
        run = CadenceRun(
            practice_id=practice.id,
            patient_id=patient.id,
            cadence_id=cadence.id,
            milestone_id=milestone.id,
            trigger_id=1,
            state=RunState.RUNNING,
            position=position,
            next_at=None if in_work else now,
            opens_at=now - timedelta(days=2),
            peaks_at=now + timedelta(days=2),
            closes_at=now + timedelta(days=50),
            started_at=now,
        )
        db.session.add(run)
    return run


def url(practice, cadence, tail=""):
    return f"/practices/{practice.slug}/cadences/{cadence.id}{tail}"


def test_the_cadences_are_told_in_plain_sentences(practice, lead, sign_in):
    page = sign_in(lead).get("/practices/lake/cadences", expect=200).text
    assert "When the result of the treatment opens, after treatment completed" in page
    assert "a call, up to 3 tries; 48 h later a text; 5 days later an email" in page
    assert "2 days after treatment completed" in page
    assert "not within 90 days of another “Referral ask” of the same patient" in page


def test_only_leads_and_admins_come_here_and_foreign_things_are_not_there(practice, ask, client, sign_in, lead):
    other = make_practice("river")
    with transaction("test"):
        starting.add_default_cadences(other.id)
    foreign = db.session.scalars(sa.select(Cadence).where(Cadence.practice_id == other.id)).first()
    step, trigger = (
        foreign.steps[0].id,
        db.session.scalars(sa.select(Trigger.id).where(Trigger.practice_id == other.id)).first(),
    )
    assert client.get("/practices/lake/cadences").status_code == 303
    member, agent = make_user("member", practice), make_user("agent")
    posts = [
        "/practices/lake/cadences/add",
        *(url(practice, ask, f"/{verb}") for verb in ("rename", "activate", "deactivate", "steps/add", "triggers/add")),
        *(
            url(practice, ask, f"/steps/{ask.steps[0].id}/{verb}")
            for verb in ("edit", "move-later", "move-earlier", "remove")
        ),
    ]
    for outsider in (sign_in(member), sign_in(agent)):
        outsider.get("/practices/lake/cadences", expect=404)
        outsider.get(url(practice, ask), expect=404)
        for there in posts:
            outsider.post(there, expect=404)
    browser = sign_in(lead)
    browser.get(url(practice, foreign), expect=404)
    browser.get("/practices/nowhere/cadences", expect=404)
    for tail in (
        f"/steps/{step}/edit",
        f"/steps/{step}/remove",
        f"/steps/{step}/move-later",
        f"/triggers/{trigger}/edit",
    ):
        browser.post(url(practice, ask, tail), expect=404)
    browser.post(url(practice, ask, f"/triggers/{trigger}/remove"), expect=404)
    browser.post(url(practice, foreign, "/deactivate"), expect=404)
    assert db.session.get_one(Cadence, foreign.id).active


def test_a_lead_adds_moves_changes_and_removes_steps(practice, ask, lead, sign_in):
    browser = sign_in(lead)
    added = {"step-mode": "call", "step-gap_hours": "24", "step-tries": "2", "step-place": "1"}
    browser.post(url(practice, ask, "/steps/add"), data=added, expect=303)
    assert steps_of(ask) == [(0, "call", 0, 3), (1, "call", 24, 2), (2, "sms", 48, 1), (3, "email", 120, 1)]
    browser.post(url(practice, ask, f"/steps/{ask.steps[1].id}/move-later"), expect=303)
    browser.post(url(practice, ask, f"/steps/{ask.steps[3].id}/move-earlier"), expect=303)
    assert [mode for _, mode, _, _ in steps_of(ask)] == ["call", "sms", "email", "call"]
    first = ask.steps[0].id
    changed = {f"step{first}-mode": "sms", f"step{first}-gap_hours": "5", f"step{first}-tries": "4"}
    browser.post(url(practice, ask, f"/steps/{first}/edit"), data=changed, expect=303)
    assert steps_of(ask)[0] == (0, "sms", 5, 1), "only a call has tries"
    browser.post(url(practice, ask, f"/steps/{ask.steps[1].id}/remove"), expect=303)
    assert [(place, mode) for place, mode, _, _ in steps_of(ask)] == [(0, "sms"), (1, "email"), (2, "call")]
    page = browser.get(url(practice, ask), expect=200).text
    assert "A text" in page
    assert "24 h later a call, up to 2 tries" in page


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"step-gap_hours": "9000"}, "8760"),
        ({"step-gap_hours": "-1"}, "8760"),
        ({"step-gap_hours": ""}, "Enter the hours"),
        ({"step-gap_hours": "99999999999999999999"}, "8760"),
        ({"step-tries": "7"}, "6"),
        ({"step-mode": "fax"}, "Not a valid choice"),
        ({"step-place": "17"}, "Not a valid choice"),
    ],
)
def test_a_step_out_of_range_is_refused_on_the_page(practice, ask, lead, sign_in, given, complaint):
    before = steps_of(ask)
    right = {"step-mode": "call", "step-gap_hours": "24", "step-tries": "2", "step-place": "1"}
    page = sign_in(lead).post(url(practice, ask, "/steps/add"), data=right | given, expect=422).text
    assert complaint in page
    assert steps_of(ask) == before


def test_a_cadence_that_is_on_keeps_its_last_step_and_has_at_most_twelve(practice, lead, sign_in):
    browser = sign_in(lead)
    browser.post("/practices/lake/cadences/add", data={"name": "New  one", "kind": "recall"}, expect=303)
    new = db.session.scalars(sa.select(Cadence).where(Cadence.name == "New one")).one()
    assert not new.active
    assert "needs a step" in browser.post(url(practice, new, "/activate"), expect=422).text
    for _ in range(editing.MOST_STEPS):
        with transaction("test"):
            editing.add_step(new, Step(StepMode.CALL, 1))
    with transaction("test"), pytest.raises(Refused, match="at most 12"):
        editing.add_step(new, Step(StepMode.CALL, 1))
    browser.post(url(practice, new, "/activate"), expect=303)
    for _ in range(editing.MOST_STEPS - 1):
        with transaction("test"):
            editing.remove_step(new, new.steps[0].id)
    assert "only step" in browser.post(url(practice, new, f"/steps/{new.steps[0].id}/remove"), expect=422).text


def test_names_are_taken_once_and_kinds_are_those_milestones_start(practice, ask, lead, sign_in):
    browser = sign_in(lead)
    taken = browser.post("/practices/lake/cadences/add", data={"name": ASK, "kind": "ask"}, expect=422).text
    assert "already" in taken
    browser.post("/practices/lake/cadences/add", data={"name": "x", "kind": "reply"}, expect=422)
    browser.post("/practices/lake/cadences/add", data={"name": " ", "kind": "ask"}, expect=422)
    browser.post(url(practice, ask, "/rename"), data={"name": "Ask well"}, expect=303)
    browser.post(url(practice, ask, "/rename"), data={"name": "Check-in after treatment"}, expect=422)
    assert db.session.get_one(Cadence, ask.id).name == "Ask well"


def position_of(run):
    db.session.expire_all()
    return db.session.get_one(CadenceRun, run.id).position


def step_due(run):
    """The step a run takes next."""
    at = position_of(run)
    steps = db.session.get_one(Cadence, run.cadence_id).steps
    return steps[at].id if at < len(steps) else None


def test_the_step_a_patient_waits_for_stays_the_next_one_when_steps_are_added_or_moved(practice, ask):
    call, text, mail = (step.id for step in ask.steps)
    due_text = make_run(practice, ask, 1)
    calling = make_run(practice, ask, 0, in_work=True)
    with transaction("test"):
        editing.add_step(ask, Step(StepMode.EMAIL, 5), 0)
    assert (step_due(due_text), step_due(calling)) == (text, call)
    with transaction("test"):
        editing.move_step(ask, text, 1)
    assert [step.id for step in ask.steps][1:] == [call, mail, text]
    assert (step_due(due_text), step_due(calling)) == (text, call)


def test_when_a_step_is_removed_the_one_after_it_takes_its_turn_for_everybody(practice, ask):
    call, text, mail = (step.id for step in ask.steps)
    due_call, calling, due_mail = (
        make_run(practice, ask, 0),
        make_run(practice, ask, 0, in_work=True),
        make_run(practice, ask, 2),
    )
    with transaction("test"):
        editing.remove_step(ask, call)
    assert (step_due(due_call), step_due(due_mail)) == (text, mail)
    with transaction("test"):  # the call comes to its end without an answer
        stepping.advance(db.session.get_one(CadenceRun, calling.id))
    assert step_due(calling) == text


def test_behind_the_last_step_a_cadence_is_finished(practice, ask):
    run = make_run(practice, ask, 2)
    with transaction("test"):
        editing.remove_step(ask, ask.steps[2].id)
    with transaction("test"):
        assert stepping.take_step(run.id)
    ended = db.session.get_one(CadenceRun, run.id)
    assert (ended.state, ended.end_reason) == (RunState.ENDED, EndReason.STEPS_TAKEN)


def test_a_step_somebody_else_removed_cannot_be_edited(practice, ask):
    gone = ask.steps[0].id
    with transaction("test"):
        editing.remove_step(ask, gone)
    with transaction("test"), pytest.raises(Refused, match="Somebody else"):
        editing.edit_step(ask, gone, Step(StepMode.CALL, 1))


def trigger_form(prefix="trigger-", **given):
    shown = {
        "milestone": "visit",
        "treatment": "0",
        "when": "days",
        "delay_days": "3",
        "open_days": "14",
        "spacing_days": "60",
        "active": "y",
    }
    return {prefix + name: value for name, value in (shown | given).items() if value is not None}


def triggers_of(cadence):
    db.session.expire_all()
    rows = db.session.scalars(sa.select(Trigger).where(Trigger.cadence_id == cadence.id).order_by(Trigger.id)).all()
    return [(row.milestone_kind, row.treatment_type_id, row.delay_days, row.spacing_days, row.active) for row in rows]


def test_a_lead_adds_changes_and_removes_triggers_and_the_practice_is_looked_at_again(practice, ask, lead, sign_in):
    browser = sign_in(lead)
    filler = next(kind.id for kind in practice.treatment_types if kind.name == "Filler")
    queue("work").empty()
    browser.post(url(practice, ask, "/triggers/add"), data=trigger_form(treatment=str(filler)), expect=303)
    assert triggers_of(ask)[-1] == ("visit", filler, 3, 60, True)
    assert [(job.func_name, list(job.args)) for job in queue("work").jobs] == [
        ("ops.cadences.jobs.practice_changed", [practice.id])
    ]
    new = db.session.scalars(sa.select(sa.func.max(Trigger.id))).one()
    changed = trigger_form(f"trigger{new}-", when="opens", active=None)
    browser.post(url(practice, ask, f"/triggers/{new}/edit"), data=changed, expect=303)
    assert triggers_of(ask)[-1] == ("visit", None, None, 60, False)
    browser.post(url(practice, ask, f"/triggers/{new}/remove"), expect=303)
    assert len(triggers_of(ask)) == 5


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"delay_days": ""}, "Enter the days"),
        ({"delay_days": "1096"}, "1095"),
        ({"delay_days": "soon"}, "integer"),
        ({"spacing_days": "0"}, "1095"),
        ({"open_days": "0"}, "365"),
        ({"spacing_days": ""}, "Enter the days"),
        ({"milestone": "birthday"}, "Not a valid choice"),
        ({"when": "never"}, "Not a valid choice"),
        ({"treatment": "999999"}, "Not a valid choice"),
        ({"milestone": "treatment_completed"}, "starts this cadence already"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused_on_the_page(practice, ask, lead, sign_in, given, complaint):
    before = triggers_of(ask)
    page = sign_in(lead).post(url(practice, ask, "/triggers/add"), data=trigger_form(**given), expect=422).text
    assert complaint in page
    assert triggers_of(ask) == before


def test_a_trigger_for_another_practices_treatment_is_refused(practice, ask):
    foreign = make_practice("river").treatment_types[0].id
    with transaction("test"), pytest.raises(Refused, match="does not do"):
        editing.add_trigger(ask, Start(MilestoneKind.VISIT, foreign, 1, 90))


def test_a_new_trigger_starts_what_happened_before_it_but_nobody_twice(practice, ask):
    from ops.cadences import jobs

    patient = make_patient(practice)
    make_milestone(patient, None, kind=MilestoneKind.VISIT, days_ago=5)
    jobs.import_finished(practice.id)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CadenceRun)) == 0
    with transaction("test"):
        trigger = editing.add_trigger(ask, Start(MilestoneKind.VISIT, None, 2, 90))
    jobs.practice_changed(practice.id)
    with transaction("test"):
        editing.edit_trigger(ask, trigger, Start(MilestoneKind.VISIT, None, 3, 30))
    jobs.practice_changed(practice.id)
    with transaction("test"):
        editing.remove_trigger(ask, trigger)
        editing.add_trigger(ask, Start(MilestoneKind.VISIT, None, 3, 30))
    jobs.practice_changed(practice.id)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CadenceRun)) == 1
    assert db.session.scalars(sa.select(Task)).one().kind is Kind.ASK


def test_a_cadence_that_is_off_starts_nobody_and_lets_those_on_their_way_finish(practice, ask, lead, sign_in):
    from ops.cadences import jobs

    run = make_run(practice, ask, 0)
    sign_in(lead).post(url(practice, ask, "/deactivate"), expect=303)
    make_milestone(make_patient(practice), "Toxin", days_ago=12)
    jobs.import_finished(practice.id)
    started = db.session.scalars(sa.select(CadenceRun).where(CadenceRun.cadence_id == ask.id)).all()
    assert [one.id for one in started] == [run.id]
    assert db.session.scalars(sa.select(Task).where(Task.run_id == run.id)).one()
    sign_in(lead).post(url(practice, ask, "/activate"), expect=303)
    jobs.practice_changed(practice.id)
    assert db.session.scalar(sa.select(sa.func.count()).where(CadenceRun.cadence_id == ask.id)) == 2


def test_every_edit_is_in_the_audit_log_with_the_lead_as_actor(practice, ask, lead, sign_in):
    step = ask.steps[1].id
    data = {f"step{step}-mode": "sms", f"step{step}-gap_hours": "72", f"step{step}-tries": "1"}
    sign_in(lead).post(url(practice, ask, f"/steps/{step}/edit"), data=data, expect=303)
    entry = db.session.execute(
        sa.text("SELECT actor, before, after FROM audit_log WHERE table_name = 'cadence_steps' AND change = 'update'")
    ).one()
    assert (entry.actor, entry.before, entry.after) == (lead.actor, {"gap_hours": 48}, {"gap_hours": 72})


def test_the_page_says_who_is_on_their_way_and_which_words_are_missing(practice, ask, lead, sign_in):
    make_run(practice, ask, 1)
    make_run(practice, ask, 0, in_work=True)
    page = sign_in(lead).get(url(practice, ask), expect=200).text
    assert "2 patients are on their way" in page
    assert "1 patient will get it next" in page
    assert "1 call in the queue" in page
    assert "no script" in page, "no script is published in this test"
    from ops.scripts.actions import ensure_defaults

    with transaction("test"):
        ensure_defaults()
    assert "no script" not in sign_in(lead).get(url(practice, ask), expect=200).text


def test_two_leads_at_once_leave_the_steps_numbered_without_gaps(practice, ask, app):
    from concurrent.futures import ThreadPoolExecutor

    def add(_):
        with app.app_context(), transaction("test"):
            editing.add_step(db.session.get_one(Cadence, ask.id), Step(StepMode.SMS, 1), 0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(8)))
    assert [place for place, *_ in steps_of(ask)] == list(range(11))
    assert (
        db.session.scalar(sa.select(sa.func.count()).select_from(CadenceStep).where(CadenceStep.cadence_id == ask.id))
        == 11
    )
