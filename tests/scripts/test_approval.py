"""A practice approves what is said in its name by links of its people's own: once, for that text, without a sign-in."""

import re
from datetime import timedelta
from email import message_from_string
from email.policy import default as modern

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import User
from ops.config import settings
from ops.db import db, transaction
from ops.errors import Refused
from ops.mail import jobs
from ops.mail.models import MailState, StaffMail
from ops.scripts import approvals, mailing
from ops.scripts.actions import approving
from ops.scripts.models import ApprovalAnswer, ApprovalLink, Medium, ScriptApproval, VersionState
from tests.floors import NOON
from tests.letters import free_port, mail_server
from tests.world import make_practice, make_user
from tests.writing import agencys, own, page_of, publish, save, seen, versions

DETAILS = {"callback_number": "+13125550142", "shareable": "They explain.", "website": "https://lake.example.com"}


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON, real_asyncio=True) as frozen:
        yield frozen


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


@pytest.fixture
def lake(app):
    return make_practice("lake", name="Lake Skin", **DETAILS)


@pytest.fixture
def owner(lake):
    return make_user("member", lake, email="owner@lake.example.com", name="Olive Owner")


@pytest.fixture
def note(lake, owner):
    """The practice's own note to forward, as a draft."""
    return own(lake, "ask", Medium.SMS)


def asked(script):
    """The request for the open draft, and its path."""
    with transaction("user:1"):
        approval = approving.ask_practice(script.id, seen(script), "user:1")
    return approval, link_to(approval)


def link_to(approval, email="owner@lake.example.com"):
    """The path of the link in the email to this person, as it is written now."""
    which = sa.select(StaffMail).where(StaffMail.about_id == approval.id, StaffMail.to_address == email)
    with transaction("mail"):
        letter = mailing.letter(db.session.scalars(which).one())
    assert letter and letter.to == (email,)
    return re.search(r"http://[^/]+(/approve/\S+)", letter.words)[1]


def fresh(approval):
    db.session.expire_all()
    return db.session.get_one(ScriptApproval, approval.id)


def test_a_lead_asks_and_the_practice_approves_in_one_press(app, client, sign_in, lead, lake, note):
    browser = sign_in(lead)
    browser.post(f"/scripts/{note.id}/ask", data=page_of(note), expect=303)
    link = link_to(db.session.scalars(sa.select(ScriptApproval)).one())
    stranger = client.get(link, expect=200)
    assert "sent to owner@lake.example.com" in stranger.text
    assert "Lake Skin" in stranger.text
    assert "They explain. https://lake.example.com" in stranger.text
    assert "noindex" in stranger.headers["X-Robots-Tag"]
    assert 'name="robots"' in stranger.text
    by = {"name": "Dr. Ines Moreau"}
    done = client.post(f"{link}/yes", data=by, headers={"User-Agent": "Mozilla Firefox/130 Windows"}, expect=200)
    assert "You approved this" in done.text
    approval = db.session.scalars(sa.select(ScriptApproval)).one()
    assert (approval.answer, approval.answered_name, approval.answered_at) == (
        ApprovalAnswer.APPROVED,
        "Dr. Ines Moreau",
        NOON,
    )
    assert approvals.is_approved(versions(note)[0])
    page = browser.get(f"/scripts/{note.id}", expect=200).text
    assert "approved by Dr. Ines Moreau" in page
    assert "By the link sent to owner@lake.example.com, from 127.0.0.1, Firefox on Windows" in " ".join(page.split())
    kept = db.session.scalars(sa.select(ApprovalLink)).one()
    assert (kept.email, kept.used_at, kept.address) == ("owner@lake.example.com", NOON, "127.0.0.1")


def test_whoever_asks_never_sees_the_link_and_nobody_of_the_agency_may_use_it(app, sign_in, lead, lake, note, server):
    lead_browser = sign_in(lead)
    lead_browser.post(f"/scripts/{note.id}/ask", data=page_of(note), expect=303)
    approval = db.session.scalars(sa.select(ScriptApproval)).one()
    jobs.send(mails_of(approval)[0].id)
    path = re.search(r"(/approve/[\w-]+)", message_from_string(server.letters[0][1], policy=modern).get_content())[1]
    for page in (f"/scripts/{note.id}", "/people/emails", "/practices/lake/scripts"):
        assert "/approve/" not in lead_browser.get(page, expect=200).text
    admin, agent, other = make_user("admin"), make_user("agent"), make_user("member", make_practice("hill"))
    for insider in (lead, admin, agent, other):
        browser = sign_in(insider)
        assert "for the practice alone" in browser.get(path, expect=403).text
        for verb in ("yes", "change"):
            browser.post(f"{path}/{verb}", data={"name": "Ines", "words": "x"}, expect=403)
    assert fresh(approval).answer is None
    owner = db.session.scalars(sa.select(User).where(User.email == "owner@lake.example.com")).one()
    sign_in(owner).post(f"{path}/yes", data={"name": "Olive"}, expect=200)
    assert fresh(approval).answer is ApprovalAnswer.APPROVED


def test_each_of_the_practices_people_has_a_link_of_their_own_for_one_answer(app, client, lake, note, sign_in, lead):
    make_user("member", lake, email="desk@lake.example.com")
    approval, path = asked(note)
    other = link_to(approval, "desk@lake.example.com")
    again = link_to(approval)
    assert len({path, other, again}) == 3
    client.get(path, expect=404)  # another email to the same person replaced it
    client.post(f"{other}/yes", data={"name": "Della"}, expect=200)
    client.post(f"{again}/change", data={"name": "Olive", "words": "No!"}, expect=200)
    assert (fresh(approval).answer, fresh(approval).answered_name) == (ApprovalAnswer.APPROVED, "Della")
    used = db.session.scalars(sa.select(ApprovalLink.email).where(ApprovalLink.used_at.is_not(None))).all()
    assert used == ["desk@lake.example.com"]


def test_without_anybody_of_the_practice_nobody_is_asked(app, note, owner, sign_in, lead):
    with transaction("test"):
        db.session.get_one(User, owner.id).active = False
    with pytest.raises(Refused, match="Nobody of the practice has an account"):
        asked(note)
    assert "Nobody of the practice has an account" in sign_in(lead).get(f"/scripts/{note.id}", expect=200).text


def test_looking_changes_nothing_however_often(app, client, note):
    approval, path = asked(note)
    for _ in range(5):
        client.get(path, expect=200)
    client.get(f"{path}/yes", expect=405)
    assert fresh(approval).answer is None


def test_the_practice_asks_for_a_change_in_its_own_words(app, client, sign_in, lead, note):
    approval, path = asked(note)
    for data, why in (
        ({"name": "", "words": "x"}, "type your name"),
        ({"name": "Ines", "words": "  "}, "should be different"),
        ({"name": "Ines", "words": "y" * 5_001}, "write shorter"),
        ({"name": "I" * 121, "words": "x"}, "write shorter"),
    ):
        page = client.post(f"{path}/change", data=data, expect=422).text
        assert why in page
        assert data["words"].strip() in page
    words = "Less <b>eager</b>, please 🙂 {{ website }}"
    page = client.post(f"{path}/change", data={"name": "Ines", "words": words}, expect=200).text
    assert "come back to you" in page
    assert "<b>eager" not in page
    assert fresh(approval).words == words
    assert not approvals.is_approved(versions(note)[0])
    page = sign_in(lead).get(f"/scripts/{note.id}", expect=200).text
    assert "asks for a change" in page
    assert "{{ website }}" in page
    assert "change asked for" in sign_in(lead).get("/scripts", expect=200).text


def test_a_link_is_good_for_one_answer(app, client, note):
    approval, path = asked(note)
    for _ in range(2):  # a double press is one answer
        client.post(f"{path}/yes", data={"name": "Ines"}, expect=200)
    page = client.post(f"{path}/change", data={"name": "Somebody", "words": "No!"}, expect=200).text
    assert "Thank you, Ines" in page
    assert (fresh(approval).answer, fresh(approval).answered_name) == (ApprovalAnswer.APPROVED, "Ines")
    assert 'name="words"' not in client.get(path, expect=200).text


def test_a_link_is_void_when_the_text_was_changed_since(app, client, note):
    approval, path = asked(note)
    save(note, versions(note)[0].body.replace("Hi", "Hello"))
    page = client.get(path, expect=200).text
    assert "The text was changed since" in page
    assert "They explain" not in page
    client.post(f"{path}/yes", data={"name": "Ines"}, expect=200)
    assert fresh(approval).answer is None
    assert not approvals.is_approved(versions(note)[0])


def test_after_the_answer_a_link_never_shows_a_text_that_was_not_answered_to(app, client, note):
    _, path = asked(note)
    client.post(f"{path}/yes", data={"name": "Ines"}, expect=200)
    save(note, versions(note)[0].body.replace("Hi", "Good morning"))
    page = client.get(path, expect=200).text
    assert "You approved this" not in page
    assert "Good morning" not in page
    assert "changed since" in page


def test_an_approval_counts_for_its_text_only(app, client, lake, note):
    with transaction("user:1"):
        approving.require(lake.id, "user:1")
    _, path = asked(note)
    client.post(f"{path}/yes", data={"name": "Ines"}, expect=200)
    body = versions(note)[0].body
    with pytest.raises(Refused, match="approves its own scripts"):
        publish(note, body.replace("Hi", "Hello"))
    assert publish(note, body).state is VersionState.PUBLISHED


def test_a_link_runs_out_after_fourteen_days(app, client, note, at_noon):
    approval, path = asked(note)
    at_noon.tick(timedelta(days=14, seconds=-1))
    assert "Approve" in client.get(path, expect=200).text
    at_noon.tick(timedelta(seconds=1))
    page = client.get(path, expect=200).text
    assert "has run out" in page
    client.post(f"{path}/yes", data={"name": "Ines"}, expect=200)
    assert fresh(approval).answer is None
    again, _ = asked(note)
    assert again.id != approval.id


def test_a_foreign_or_broken_link_is_not_there(app, client, note):
    _, path = asked(note)
    for wrong in (path[:-1], f"{path}x", "/approve/x", "/approve/é.é", "/approve/1", f"/approve/{'A' * 4000}"):
        for verb in ("", "/yes", "/change"):
            answer = client.open(f"{wrong}{verb}", method="POST" if verb else "GET", data={"name": "I", "words": "x"})
            assert answer.status_code == 404, wrong


def test_the_same_draft_is_asked_about_once_at_a_time(app, note):
    first, _ = asked(note)
    again, _ = asked(note)
    assert first.id == again.id


def test_the_agencys_script_is_no_practices_to_approve(app):
    ask = agencys()
    save(ask)
    with pytest.raises(Refused, match="not approved by a practice"):
        asked(ask)
    hill = make_practice(**DETAILS)
    make_user("member", hill)
    theirs = own(hill)
    publish(theirs, versions(theirs)[0].body)
    with pytest.raises(Refused, match="no draft"):
        asked(theirs)


def test_a_practice_that_wants_to_approve_is_asked_before_its_own_scripts_are_used(app, sign_in, lead, lake, note):
    browser = sign_in(lead)
    for _ in range(2):
        browser.post("/practices/lake/scripts/approve-first", expect=303)
    assert "approves its own scripts before they are used" in browser.get("/practices/lake/scripts", expect=200).text
    page = browser.post(f"/scripts/{note.id}/publish", data=page_of(note), expect=422).text
    assert "approves its own scripts before they are used" in page
    assert versions(note)[0].state is VersionState.DRAFT
    assert "Publish without asking again" not in browser.get("/practices/lake/scripts", expect=200).text
    browser.post("/practices/lake/scripts/no-approval", expect=404)
    browser.post(f"/scripts/{note.id}/publish", data=page_of(note), expect=422)
    boss = make_user("admin")
    admin = sign_in(boss)
    assert "Publish without asking again" in admin.get("/practices/lake/scripts", expect=200).text
    admin.post("/practices/lake/scripts/no-approval", expect=303)
    kept = sa.text("SELECT actor FROM audit_log WHERE table_name = 'script_approval_rules' ORDER BY id DESC LIMIT 1")
    assert db.session.scalar(kept) == boss.actor
    browser.post(f"/scripts/{note.id}/publish", data=page_of(note), expect=303)
    assert versions(note)[0].state is VersionState.PUBLISHED


@pytest.fixture
def server(app, monkeypatch):
    """An email server that keeps what it is given, or is away."""
    with mail_server(monkeypatch) as box:
        yield box


def mails_of(approval) -> list[StaffMail]:
    which = sa.select(StaffMail).where(StaffMail.kind == "approval", StaffMail.about_id == approval.id)
    return list(db.session.scalars(which.order_by(StaffMail.id).execution_options(populate_existing=True)))


def mail_of(approval) -> StaffMail:
    return mails_of(approval)[0]


def test_a_link_is_emailed_to_each_of_the_practices_people_once(app, client, lake, note, server):
    make_user("member", lake, email="desk@lake.example.com")
    make_user("member", make_practice(), email="owner@river.example.com")
    with transaction("user:1"):
        approval = approving.ask_practice(note.id, seen(note), "user:1")
    for mail in mails_of(approval) * 2:
        jobs.send(mail.id)
    assert [to for to, _ in server.letters] == [["owner@lake.example.com"], ["desk@lake.example.com"]]
    for _, letter in server.letters:
        path = re.search(r"(/approve/[\w-]+)", message_from_string(letter, policy=modern).get_content())[1]
        client.get(path, expect=200)


def test_an_email_that_was_not_rung_or_not_taken_goes_out_with_the_tick(app, lake, note, server, monkeypatch, at_noon):
    approval, _ = asked(note)
    with monkeypatch.context() as patch:
        patch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
        settings.cache_clear()
        jobs.send(mail_of(approval).id)
    settings.cache_clear()
    assert mail_of(approval).claimed_at is None
    at_noon.tick(timedelta(minutes=2))
    jobs.upkeep()
    jobs.upkeep()
    assert len(server.letters) == 1
    assert mail_of(approval).sent_at


def test_an_email_that_may_have_left_is_not_sent_again(app, lake, note, server, sign_in, lead, at_noon):
    approval, _ = asked(note)
    server.hang_up = "after"
    jobs.send(mail_of(approval).id)
    for _ in range(3):
        at_noon.tick(timedelta(hours=2))
        jobs.upkeep()
    assert len(server.letters) == 1
    assert mail_of(approval).state is MailState.UNKNOWN
    page = " ".join(sign_in(lead).get(f"/scripts/{note.id}").text.split())
    assert "Nobody can tell whether the email to owner@lake" in page


def test_the_page_says_that_it_was_emailed_or_why_not(app, lake, note, server, sign_in, lead):
    browser, (approval, _) = sign_in(lead), asked(note)
    assert "waits to be sent" in " ".join(browser.get(f"/scripts/{note.id}", expect=200).text.split())
    jobs.send(mail_of(approval).id)
    assert "Emailed to owner@lake.example.com just now." in browser.get(f"/scripts/{note.id}", expect=200).text
    save(note, versions(note)[0].body.replace("Hi", "Hello"))
    approval, _ = asked(note)
    server.refuse = "550 no such person"
    jobs.send(mail_of(approval).id)
    page = " ".join(browser.get(f"/scripts/{note.id}", expect=200).text.split())
    assert "was not sent. The email server refused the address (550). Send it again" in page


def test_nothing_is_emailed_about_a_text_that_was_changed_or_to_who_left(app, lake, note, owner, server):
    approval, _ = asked(note)
    save(note, versions(note)[0].body.replace("Hi", "Hey"))
    jobs.send(mail_of(approval).id)
    again, _ = asked(note)
    with transaction("test"):
        db.session.get_one(User, owner.id).active = False
    jobs.send(mail_of(again).id)
    assert server.letters == []
