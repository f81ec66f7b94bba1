"""Two records of one human: one is kept, a no on either is a no, nobody is asked twice, and all of it is taken back."""

import threading
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops.cadences import jobs
from ops.cadences.actions import starting, stepping
from ops.cadences.models import Cadence
from ops.contact.models import SuppressedChannel as Over
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages.actions import receive
from ops.queue.models import CadenceRun, Task
from ops.record import contact
from ops.record.actions import merging, refusing, unmerging
from ops.record.actions.refusing import Source
from ops.record.models import RecordMerge
from ops.record.people import human
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import OPEN, RunState
from tests.floors import NOON, claim, make_task, record
from tests.uploads import text
from tests.world import make_milestone, make_patient, make_practice, make_user

PHONE, OTHER_PHONE = "+13125550142", "+13125550143"


@pytest.fixture
def double(lake):
    """The same woman under her old name and number."""
    return make_patient(lake, "Ada", "Lovell", external_id="A-2", phone=OTHER_PHONE, email="lovell@example.com")


def merge(lake, kept, merged, why="She told us"):
    with transaction("user:1"):
        return merging.merge(lake, kept.id, merged.id, why, actor="user:1")


def unmerge(lake, made, why="They are sisters"):
    with transaction("user:1"):
        return unmerging.unmerge(lake, made.id, why, actor="user:1")


def may(lake, patient):
    return [way.may for way in contact.ways(human(lake, patient.id))]


def asks(*patients):
    """The running asks of these records."""
    ids = [patient.id for patient in patients]
    going = sa.select(CadenceRun.patient_id).join(Cadence, Cadence.id == CadenceRun.cadence_id)
    going = going.where(CadenceRun.patient_id.in_(ids), CadenceRun.state == RunState.RUNNING, Cadence.kind == Kind.ASK)
    return list(db.session.scalars(going.order_by(CadenceRun.id)))


MOVING = "lane_id ranked_at rank settled_at updated_at shut_reasons owner_id owner_until".split()
TABLES = "patients milestones cadence_runs tasks messages asks attempts suppressions".split()


def everything(practice):
    """All that could be changed, but for what only says that it was looked at again."""
    db.session.rollback()
    rows = "SELECT to_jsonb(t) - CAST(:moving AS text[]) FROM {} t WHERE practice_id = :practice ORDER BY 1"
    given = {"practice": practice.id, "moving": MOVING}
    held_back = sa.text("SELECT key FROM unread_keys ORDER BY key")
    found = {table: db.session.scalars(sa.text(rows.format(table)), given).all() for table in TABLES}
    return found | {"held back": db.session.scalars(held_back).all()}


def test_two_records_of_one_human_start_one_ask_merged_or_not(lake, ada):
    """The same name and number twice in the practice's files: both have their milestone, one is asked about."""
    again = make_patient(lake, "Ada", "Lane", external_id="A-9", phone=PHONE)
    for patient in (ada, again):
        make_milestone(patient, "Filler", days_ago=20)
    for _ in range(2):
        jobs.catch_up(lake.id)
    assert len(asks(ada, again)) == 1
    make_milestone(again, "Toxin", days_ago=20)
    jobs.catch_up(lake.id)
    assert len(asks(ada, again)) == 1


def test_who_died_under_one_record_is_asked_under_none(lake, ada):
    again = make_patient(lake, "Ada", "Lane", external_id="A-9", phone=PHONE)
    make_milestone(ada, "Filler", days_ago=20)
    with transaction("test"):
        again.deceased = True
    jobs.catch_up(lake.id)
    assert asks(ada, again) == []


def test_open_work_goes_on_once_under_the_kept_record_and_undo_restores_it_exactly(lake, ada, double):
    for patient in (ada, double):
        make_milestone(patient, "Filler", days_ago=20)
    jobs.catch_up(lake.id)
    make_milestone(double, "Toxin", days_ago=3)  # a check-in only the other record has
    jobs.catch_up(lake.id)
    with transaction("test"):
        receive(lake, channel="email", from_address="ada@example.com", body="hello", provider_id="a")
    before = everything(lake)
    assert asks(ada, double) == [ada.id, double.id]
    made = merge(lake, ada, double)
    assert asks(ada, double) == [ada.id]
    open_tasks = sa.select(Task.patient_id, Task.person_key).where(Task.state.in_(OPEN))
    assert set(db.session.execute(open_tasks).all()) == {(ada.id, ada.phone_key)}
    assert len(db.session.scalars(sa.select(Task).where(Task.kind == Kind.FOLLOW_UP, Task.state.in_(OPEN))).all()) == 1
    unmerge(lake, made)
    assert everything(lake) == before
    with pytest.raises(Refused, match="taken back already"):
        unmerge(lake, made)
    merge(lake, ada, double)  # and again


def test_a_no_under_either_record_is_a_no_for_both_until_they_are_two_again(lake, ada, double):
    with transaction("user:1"):
        refusing.do_not_contact(human(lake, double.id), [Over.SMS], Source.WROTE, "No texts", once="1", actor="user:1")
    assert may(lake, ada) == [True, True, True]
    made = merge(lake, ada, double)
    assert may(lake, ada) == [True, False, True]
    with transaction("test"):  # STOP from the old number, while they are one
        receive(lake, channel="sms", from_address=OTHER_PHONE, body="STOP", provider_id="x")
    assert may(lake, ada) == [False, False, False]
    unmerge(lake, made)
    assert may(lake, ada) == [True, True, True]
    assert may(lake, double) == [False, False, False]


def test_what_either_wrote_holds_back_both_and_is_read_on_one_card(lake, ada, double):
    made = merge(lake, ada, double)
    with transaction("test"):
        receive(lake, channel="sms", from_address=OTHER_PHONE, body="who is this", provider_id="x")
    assert may(lake, ada) == [False, False, False]
    unmerge(lake, made)
    assert db.session.scalars(sa.text("SELECT count(*) FROM unread_keys")).all() == [
        3
    ]  # of the kept record, and whence


def test_who_refused_without_a_number_or_died_under_the_other_record(lake, ada):
    bare = make_patient(lake, "A.", "Lane", external_id="A-3", phone=None)
    with transaction("user:1"):
        refusing.do_not_contact(human(lake, bare.id), [Over.ALL], Source.CALLED, "No", once="1", actor="user:1")
    made = merge(lake, ada, bare)
    assert may(lake, ada) == [False, False, False]
    unmerge(lake, made)
    assert may(lake, ada) == [True, True, True]
    dead = make_patient(lake, "A.", "Lane", external_id="A-4", phone=None)
    with transaction("test"):
        dead.deceased = True
    merge(lake, ada, dead)
    assert "has died" in contact.ways(human(lake, ada.id))[0].why_not


def test_what_the_merged_record_brings_later_starts_under_the_kept_one_and_goes_back_with_its_calls(lake, ada, double):
    made = merge(lake, ada, double)
    make_milestone(double, "Filler", days_ago=20)
    jobs.catch_up(lake.id)
    assert asks(ada, double) == [ada.id]
    agent = make_user("agent")
    record(claim(agent), agent, Outcome.NEVER)
    unmerge(lake, made)
    where = "SELECT patient_id FROM cadence_runs UNION ALL SELECT patient_id FROM tasks UNION ALL "
    where += "SELECT patient_id FROM attempts UNION ALL SELECT patient_id FROM asks"
    assert set(db.session.scalars(sa.text(where))) == {double.id}


def test_who_answered_under_one_record_is_not_asked_under_the_other(lake, ada, double):
    make_milestone(double, "Filler", days_ago=20)
    jobs.catch_up(lake.id)
    agent = make_user("agent")
    record(claim(agent), agent, Outcome.NOT_NOW)
    make_milestone(ada, "Filler", days_ago=20)
    jobs.catch_up(lake.id)
    assert asks(ada) == [ada.id]
    merge(lake, ada, double)
    assert asks(ada, double) == []


def test_what_cannot_be_one_person_is_not_merged(lake, ada, double):
    stranger = make_patient(make_practice("hill"), "Ada", "Lane", phone=PHONE)
    born = make_patient(lake, "Ada", "Lane", phone=PHONE, birth_date=date(1990, 1, 1))
    bare = make_patient(lake, "Ada", "Lane", phone=None)
    third = make_patient(lake, "Ada", "Lane", phone=PHONE)
    for kept, merged, says in (
        (ada, ada, "another record of this practice"),
        (ada, stranger, "another record of this practice"),
        (ada, born, "born on different days"),
        (bare, ada, "has no number"),
    ):
        with pytest.raises(Refused, match=says):
            merge(lake, kept, merged)
    with pytest.raises(Refused, match="how you know"):
        merge(lake, ada, double, " ")
    merge(lake, ada, double)
    for kept, merged in ((third, ada), (double, third), (third, double)):
        with pytest.raises(Refused, match="merged already"):
            merge(lake, kept, merged)
    make_task(lake, patient=third)
    assert claim(make_user("agent"))
    with pytest.raises(Refused, match="on a call"):
        merge(lake, ada, third)


def test_of_two_who_merge_both_ways_at_once_one_is_refused(app, lake, ada, double):
    said, start = [], threading.Barrier(2)
    pairs, practice_id = ((ada.id, double.id), (double.id, ada.id)), lake.id

    def lead(kept, merged):
        with app.app_context():
            practice = db.session.get(type(lake), practice_id)
            start.wait()
            try:
                with transaction("user:1"):
                    merging.merge(practice, kept, merged, "Same", actor="user:1")
            except Refused as problem:
                said.append(str(problem))

    leads = [threading.Thread(target=lead, args=pair) for pair in pairs]
    for each in leads:
        each.start()
    for each in leads:
        each.join()
    assert len(said) == 1
    assert "merged already" in said[0]
    third = make_patient(lake)
    made = db.session.scalars(sa.select(RecordMerge)).one()
    with pytest.raises(IntegrityError, match="uq_record_merges_merged_id"), transaction("test"):
        again = {"practice_id": lake.id, "kept_id": third.id, "merged_id": made.merged_id, "why": "x", "waits": []}
        db.session.add(RecordMerge(**again, merged_at=NOON, merged_by="x", changed={}))
        db.session.flush()


def test_a_lead_merges_on_the_record_takes_it_back_and_nobody_else_does(lake, ada, double, sign_in):
    lead, address = sign_in(make_user("lead", name="Lena Lead")), f"/practices/lake/patients/{ada.id}"
    alike = make_patient(lake, "Ada", "Lane-Moss", external_id="A-5", phone=PHONE)
    assert "Ada Lane-Moss, A-5" in text(lead.get(address))
    given = {"other": "", "number": "A-2", "why": "She <b>told</b> us"}
    assert "Please say how you know" in text(lead.post(address + "/merge", data={**given, "why": ""}, expect=422))
    assert "another record" in text(lead.post(address + "/merge", data={**given, "number": "A-99"}, expect=422))
    for outsider in (make_user("agent"), make_user("member", lake), make_user("member", make_practice("hill"))):
        sign_in(outsider).post(address + "/merge", data=given, expect=404)
    lead.post(address + "/merge", data=given, expect=303)
    page = text(lead.get(address))
    assert "Merged by Lena Lead, Mar 11, 2026, 12:00 PM CDT: She &lt;b&gt;told&lt;/b&gt; us" in page
    assert lead.get(f"/practices/lake/patients/{double.id}", expect=303).location.endswith(address)
    made = db.session.scalars(sa.select(RecordMerge)).one()
    back = f"{address}/unmerge/{made.id}"
    lead.post(f"/practices/lake/patients/{alike.id}/unmerge/{made.id}", data={"why": "x"}, expect=404)
    sign_in(make_user("member", lake)).post(back, data={"why": "x"}, expect=404)
    lead.post(back, data={"why": "Sisters"}, expect=303)
    lead.get(f"/practices/lake/patients/{double.id}", expect=200)
    lead.post(address + "/merge", data={**given, "other": str(alike.id)}, expect=303)


def somebody_waits_for_a_lock():
    here = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        return any(other.scalar(here) for _ in range(5000))


def test_a_step_that_is_taken_while_two_are_merged_calls_the_one_who_is_kept(app, lake, ada, double):
    make_milestone(double, "Filler", days_ago=20)
    with transaction("tick"):
        starting.start_due_cadences(lake)
    ids, run_id = (lake.id, ada.id, double.id), db.session.scalars(sa.select(CadenceRun.id)).one()

    def lead():
        with app.app_context():
            practice = db.session.get(type(lake), ids[0])
            with transaction("user:1"):
                merging.merge(practice, *ids[1:], "Same", actor="user:1")

    merges = threading.Thread(target=lead)
    with transaction("tick"):
        db.session.get_one(CadenceRun, run_id, with_for_update=True)
        merges.start()
        assert somebody_waits_for_a_lock()
        assert stepping.take_step(run_id)
    merges.join()
    db.session.rollback()
    assert db.session.scalars(sa.select(Task.patient_id)).all() == [ids[1]]
    assert asks(ada, double) == [ids[1]]
