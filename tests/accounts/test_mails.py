"""Emails to staff, as a person sees them and decides about those that went wrong."""

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts import links
from ops.accounts.models import AuditEntry, LinkPurpose
from ops.config import settings
from ops.db import db, transaction
from ops.mail import jobs, outbox
from ops.mail.models import MailKind, MailState, StaffMail
from ops.runtime import health
from tests.letters import mail_server
from tests.world import make_user


@pytest.fixture
def box(app, monkeypatch):
    with mail_server(monkeypatch) as box:
        yield box


def mail_to(user, box, **goes_wrong) -> int:
    """A link emailed to somebody, and what the server did with it."""
    with transaction("test"):
        links.mail_link(user, LinkPurpose.INVITE)
    mail_id = db.session.scalar(sa.select(sa.func.max(StaffMail.id)))
    for what, how in goes_wrong.items():
        setattr(box, what, how)
    jobs.send(mail_id)
    box.refuse = box.hang_up = None
    return mail_id


def fresh(mail_id: int) -> StaffMail:
    return db.session.get_one(StaffMail, mail_id, populate_existing=True)


def test_a_failed_email_is_seen_with_its_reason_where_people_are_looked_after(box, sign_in):
    ann = make_user("agent", name="Ann Agent", email="ann@example.com")
    mail_to(ann, box, refuse="550 no such person")
    lead = sign_in(make_user("lead"))
    assert "1 to decide" in lead.get("/people", expect=200).text
    said = "The email server refused the address (550)."
    assert said in lead.get(f"/people/{ann.id}", expect=200).text
    page = lead.get("/people/emails", expect=200).text
    assert said in page and "Ann Agent" in page and "ann@example.com" in page and "invitation" in page


def test_what_nobody_can_tell_about_is_seen_and_sent_again_only_by_a_person(box, sign_in):
    ann, lead = make_user("agent"), make_user("lead")
    mail_id, browser = mail_to(ann, box, hang_up="after"), sign_in(lead)
    assert "may have left" in browser.get("/people/emails", expect=200).text
    assert "Nobody can tell whether the email with the link" in browser.get(f"/people/{ann.id}").text
    browser.post(f"/people/emails/{mail_id}/again", expect=303)
    jobs.send(mail_id)
    assert (len(box.letters), fresh(mail_id).state) == (2, MailState.SENT)
    decided = sa.select(AuditEntry.after).where(AuditEntry.table_name == "staff_mails", AuditEntry.actor == lead.actor)
    assert [after["state"] for after in db.session.scalars(decided)] == ["queued"]
    answer = browser.post(f"/people/emails/{mail_id}/again", expect=303)
    assert "just before you" in browser.get(answer.location).text
    assert fresh(mail_id).state is MailState.SENT


def test_what_is_dealt_with_waits_for_nobody_any_more(box, sign_in):
    mail_id = mail_to(make_user("agent"), box, refuse="550 no such person")
    lead = make_user("lead")
    browser = sign_in(lead)
    for _ in range(2):
        browser.post(f"/people/emails/{mail_id}/settled", expect=303)
    assert fresh(mail_id).settled_by == lead.actor
    assert "to decide" not in browser.get("/people", expect=200).text
    assert "Nothing went wrong" in browser.get("/people/emails", expect=200).text
    assert health.examine(settings()).mails == {}


@pytest.mark.parametrize("verb", ["again", "settled"])
def test_a_lead_decides_about_links_of_those_they_look_after_and_an_admin_about_all(box, sign_in, verb):
    mail_id = mail_to(make_user("admin"), box, refuse="550 no such person")
    lead, admin = sign_in(make_user("lead")), sign_in(make_user("admin"))
    assert "an admin decides" in lead.get("/people/emails", expect=200).text
    lead.post(f"/people/emails/{mail_id}/{verb}", expect=404)
    assert (fresh(mail_id).state, fresh(mail_id).settled_at) == (MailState.FAILED, None)
    admin.post(f"/people/emails/{mail_id}/{verb}", expect=303)
    assert fresh(mail_id).settled_at or fresh(mail_id).state is MailState.QUEUED


@pytest.mark.parametrize("role", ["agent", "member"])
def test_agents_and_members_see_and_decide_nothing(box, sign_in, role):
    mail_id = mail_to(make_user("agent"), box, refuse="550 no such person")
    browser = sign_in(make_user(role))
    browser.get("/people/emails", expect=403)
    for verb in ("again", "settled"):
        browser.post(f"/people/emails/{mail_id}/{verb}", expect=404)
    assert fresh(mail_id).settled_at is None


def test_an_email_to_a_whole_practice_is_listed_by_its_addresses(app, sign_in):
    with transaction("test"):
        outbox.queue(MailKind.APPROVAL, 1, "owner@lake.example.com, desk@lake.example.com")
    page = sign_in(make_user("lead")).get("/people/emails", expect=200).text
    assert "owner@lake.example.com, desk@lake.example.com" in page and "No email server is set up" in page


def test_the_doctor_counts_what_waits_for_a_person(box):
    mail_to(make_user("agent"), box)
    assert health.examine(settings()).mails == {}
    mail_to(make_user("agent"), box, refuse="550 no such person")
    mail_to(make_user("agent"), box, hang_up="after")
    found = health.examine(settings())
    assert found.mails == {"failed": 1, "unknown": 1}
    assert sum("emails to staff" in problem for problem in found.problems) == 2


def test_the_table_refuses_an_email_that_says_two_things(app):
    with transaction("test"):
        mail_id = outbox.queue(MailKind.CONCERN, 1, "ann@example.com")
    for lie in (
        {"state": "sent"},
        {"state": "failed"},
        {"claimed_at": clock.now()},
        {"settled_at": clock.now(), "settled_by": "user:1"},
    ):
        with pytest.raises(sa.exc.IntegrityError), transaction("test"):
            db.session.execute(sa.update(StaffMail).where(StaffMail.id == mail_id).values(**lie))
