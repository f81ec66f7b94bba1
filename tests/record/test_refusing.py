"""Not to be contacted: as somebody told us, lifted when it was a slip of ours, and only by their own new word else."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ops.accounts.models import AuditEntry
from ops.contact.actions import suppress
from ops.contact.models import ConsentEvent, Suppression
from ops.contact.models import SuppressedChannel as Over
from ops.db import db, transaction
from ops.errors import Refused
from ops.messages.actions import decide_reply, queue_message, receive
from ops.messages.models import Message
from ops.practices import actions as practices
from ops.queue.models import Task
from ops.record import contact
from ops.record.actions import refusing
from ops.record.actions.refusing import Source
from ops.record.people import human
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.floors import claim, make_task, record
from tests.uploads import text
from tests.world import make_patient, make_practice, make_user

EVERYTHING = [Over.ALL]


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lena Lead")


def refuse(lake, patient, over=EVERYTHING, once="1", source=Source.CALLED, words="Leave me alone."):
    with transaction("user:1"):
        return refusing.do_not_contact(human(lake, patient.id), over, source, words, once=once, actor="user:1")


def may(lake, patient):
    return [way.may for way in contact.ways(human(lake, patient.id))]


def test_a_no_to_everything_holds_for_every_record_ends_their_work_and_stops_what_waits(lake, ada):
    again = make_patient(lake, "Ada", "Lane", external_id="A-2", phone="+13125550142", email="lane@example.com")
    task = make_task(lake, patient=again)
    with transaction("test"):
        note = {"channel": "email", "kind": "ask", "reason_key": "x", "subject": "Hello", "body": "Hello from us"}
        waits = queue_message(lake, again, to_address="lane@example.com", **note)
    assert may(lake, again) == [True, True, True]
    assert refuse(lake, ada)
    assert not refuse(lake, ada)  # the same form sent twice is one
    assert may(lake, ada) == may(lake, again) == [False, False, False]
    assert db.session.get(Task, task.id).state is TaskState.CANCELLED
    assert db.session.get(Message, waits.id, populate_existing=True).state == "blocked"
    (said,) = contact.against(human(lake, ada.id))
    assert (said.over, said.words, said.source, said.by) == (
        "everything", "Leave me alone.", "they called", "user:1",
    )  # fmt: skip


def test_a_no_to_one_way_leaves_the_others(lake, ada):
    make_task(lake, patient=ada)
    refuse(lake, ada, [Over.SMS])
    assert may(lake, ada) == [True, False, True]
    assert claim(make_user("agent")) is not None
    refuse(lake, ada, [Over.CALL], once="2")
    assert may(lake, ada) == [False, False, True]
    for over, words, says in (
        ([], "no", "which ways"),
        ([Over.SMS], " ", "write down"),
        ([Over.SMS], "x" * 501, "500"),
    ):
        with pytest.raises(Refused, match=says):
            refuse(lake, ada, over, words=words, once="3")


def test_who_refused_without_an_address_refused_the_one_that_comes_and_the_slip_is_lifted_there_too(lake):
    bea = make_patient(lake, "Bea", "Moss", phone="+13125550143")
    refuse(lake, bea)
    with transaction("user:1"):
        practices.correct_patient(lake, bea, phone="312 555 0199", email="bea@example.com")
    assert may(lake, bea) == [False, False, False]
    with transaction("user:2"):
        who = human(lake, bea.id)
        refusing.lift(who, contact.against(who)[0].occasion, "Wrong Bea", actor="user:2")
    assert may(lake, bea) == [True, True, True]


def test_a_slip_is_lifted_alone_and_a_no_of_anybody_else_stays(lake, ada, lead):
    """The agent's outcome, a reply read wrongly, a lead's entry: each is one occasion. A file says the same beside."""
    agent = make_user("agent")
    make_task(lake, patient=ada)
    record(claim(agent), agent, Outcome.DO_NOT_CONTACT)
    with transaction("import:9"):
        suppress(ada.phone_key, "all", "DNC_INTERNAL", "import 9, column dnd", "import:9", lake.id)
    refuse(lake, ada)
    with transaction("test"):
        reply = receive(lake, channel="sms", from_address=ada.phone, body="hm", provider_id="p")
        decide_reply(reply, True, actor=lead.actor)
    said = contact.against(human(lake, ada.id))
    assert sorted(each.may_be_a_mistake for each in said) == [False, True, True, True]
    for each in said:
        if each.may_be_a_mistake:
            with transaction(lead.actor):
                refusing.lift(human(lake, ada.id), each.occasion, "It was somebody else", actor=lead.actor)
            with pytest.raises(Refused, match="does not stand any more"), transaction(lead.actor):
                refusing.lift(human(lake, ada.id), each.occasion, "Twice", actor=lead.actor)
    assert [each.source for each in contact.against(human(lake, ada.id)) if not each.lifted] == ["import 9, column dnd"]
    assert may(lake, ada) == [False, False, False]
    told = sa.select(AuditEntry.reason).where(AuditEntry.table_name == "suppressions", AuditEntry.change == "update")
    assert set(db.session.scalars(told)) == {"It was somebody else"}


def test_what_they_said_themself_is_lifted_by_their_own_new_word_alone(lake, ada):
    with transaction("test"):
        receive(lake, channel="sms", from_address=ada.phone, body="STOP", provider_id="p")
    (said,) = contact.against(human(lake, ada.id))
    assert not said.may_be_a_mistake
    with pytest.raises(Refused), transaction("user:1"):
        refusing.lift(human(lake, ada.id), "", "They did not mean it", actor="user:1")
    for source, words, says in ((Source.PRACTICE_SAID, "She said ok", "Only they"), (Source.CALLED, "", "write down")):
        with pytest.raises(Refused, match=says), transaction("user:1"):
            refusing.agree(human(lake, ada.id), [Over.CALL], source, words, actor="user:1")
    with transaction("user:1"):
        refusing.agree(human(lake, ada.id), [Over.CALL], Source.CALLED, "You may call me again.", actor="user:1")
    assert may(lake, ada) == [True, False, False]  # she spoke of calls
    kept = db.session.scalars(sa.select(ConsentEvent)).one()
    assert (kept.words, kept.given, kept.channel, kept.person) == (
        "You may call me again.", True, "call", f"patient:{ada.id}",
    )  # fmt: skip
    with transaction("test"):
        receive(lake, channel="sms", from_address=ada.phone, body="STOP", provider_id="p2")
    assert may(lake, ada) == [False, False, False]


def test_a_suppression_changes_in_no_other_way(lake, ada):
    refuse(lake, ada)
    for change in ("channel = 'sms'", "lifted_at = now()", "occasion = 'x'"):
        with pytest.raises(DBAPIError, match=r"append only|lifted_has_words"), transaction("test"):
            db.session.execute(sa.text(f"UPDATE suppressions SET {change}"))
    with pytest.raises(DBAPIError, match="append only"), transaction("test"):
        db.session.execute(sa.text("DELETE FROM suppressions"))
    with transaction("test"):
        suppress(ada.phone_key, "sms", "STOP_SMS", "reply", "inbound", lake.id)
    whole = "lifted_at = now(), lifted_by = 'x', lifted_words = 'x', lifted_why = 'mistake'"
    with pytest.raises(DBAPIError, match="mistake_of_a_person"), transaction("test"):
        db.session.execute(sa.text(f"UPDATE suppressions SET {whole} WHERE occasion = ''"))


def test_a_no_that_comes_while_another_is_lifted_stands(app, lake, ada):
    """The file's no is one row. While it is being lifted by a new consent, the next load says it again and waits."""
    key, practice_id, patient_id = ada.phone_key, lake.id, ada.id
    with transaction("import:9"):
        suppress(key, "all", "DNC_INTERNAL", "import 9, column dnd", "import:9", practice_id)

    def load_again():
        with app.app_context(), transaction("import:10"):
            suppress(key, "all", "DNC_INTERNAL", "import 10, column dnd", "import:10", practice_id)

    loading = threading.Thread(target=load_again)
    with transaction("user:1"):
        refusing.agree(human(lake, patient_id), [Over.CALL, Over.SMS, Over.EMAIL], Source.WROTE, "Yes", actor="user:1")
        loading.start()
        waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not db.session.scalar(waits):
            pass
    loading.join()
    stands = sa.select(Suppression.source).where(Suppression.lifted_at.is_(None))
    assert db.session.scalars(stands).all() == ["import 10, column dnd"]


def test_a_lead_does_it_on_the_record_and_nobody_else_does(lake, ada, lead, sign_in):
    browser, address = sign_in(lead), f"/practices/lake/patients/{ada.id}"
    given = {"channels": ["sms", "email"], "source": "wrote", "words": "No <b>more</b> texts", "once": "abc"}
    refused = browser.post(address + "/do-not-contact", data={**given, "channels": []}, expect=422)
    assert "Please say which ways" in text(refused)
    assert "No &lt;b&gt;more&lt;/b&gt; texts</textarea>" in refused.text
    for _ in range(2):
        browser.post(address + "/do-not-contact", data=given, expect=303)
    page = text(browser.get(address))
    assert "Nobody of Lake Skin contacts them any more: no texts, emails." in page
    assert "Texts, emails :" in page
    (said,) = contact.against(human(lake, ada.id))
    wrong = {"occasion": said.occasion, "why": ""}
    assert "Please say what was wrong" in text(browser.post(address + "/lift", data=wrong, expect=422))
    elsewhere = make_patient(lake)
    lifts = {**wrong, "why": "Other Ada"}
    browser.post(f"/practices/lake/patients/{elsewhere.id}/lift", data=lifts, expect=422)
    for outsider in (make_user("agent"), make_user("member", lake), make_user("member", make_practice("hill"))):
        for act in ("/do-not-contact", "/lift", "/agreed"):
            sign_in(outsider).post(address + act, data=given | lifts, expect=404)
    browser.post(address + "/lift", data=lifts, expect=303)
    assert "Entered by mistake: Other Ada" in text(browser.get(address))
    yes = {"channels": ["call"], "source": "in_person", "words": "Do call me"}
    browser.post(address + "/agreed", data=yes, expect=303)
    assert "“Do call me”" in text(browser.get(address))
