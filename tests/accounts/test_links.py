"""Invitations and password resets: links that work once."""

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts import actions, jobs, links, passwords, queries
from ops.accounts.models import AccountLink, AuthSession, LinkPurpose, User
from ops.config import settings
from ops.db import db, transaction
from ops.errors import Refused
from ops.mail import jobs as mail_jobs
from ops.mail.models import StaffMail
from tests.letters import free_port, mail_server
from tests.world import make_user

GOOD = "four unrelated words"


def link_for(user, purpose=LinkPurpose.INVITE):
    with transaction("test"):
        return links.make_link(user, purpose)


def test_an_invitation_sets_the_password_once(client):
    user = make_user("agent", email="new@example.com")
    token = link_for(user)
    assert "new@example.com" in client.get(f"/link/{token}", expect=200).text
    client.get(f"/link/{token}", expect=200)  # looking does not use it up
    client.post(f"/link/{token}", data={"password": GOOD}, expect=303)
    client.post(f"/link/{token}", data={"password": "another four words"}, expect=410)
    client.post("/sign-in", data={"email": "new@example.com", "password": GOOD}, expect=303)


@pytest.mark.parametrize(
    "bad",
    ["short", "aaaaaaaaaaaaaaaa", "Password1234", "new-person@example.com", "New-Person@Example.com", "x" * 201, ""],
)
def test_a_bad_password_is_refused_and_the_link_stays_good(client, bad):
    token = link_for(make_user("agent", email="new-person@example.com"))
    client.post(f"/link/{token}", data={"password": bad}, expect=422)
    client.post(f"/link/{token}", data={"password": GOOD}, expect=303)


def test_a_link_used_twice_at_the_same_moment_works_once(app):
    token = link_for(make_user("agent"))
    start, results = threading.Barrier(4), []

    def use(number):
        with app.app_context():
            start.wait()
            try:
                with transaction("test"):
                    links.use(token, f"{GOOD} number {number}")
                results.append(number)
            except Refused:
                results.append(None)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = [number for number in results if number is not None]
    assert len(results) == 4 and len(winner) == 1
    kept = db.session.scalar(sa.select(User.password_hash))
    assert passwords.fits(kept, f"{GOOD} number {winner[0]}")


@pytest.mark.parametrize(
    ("purpose", "lives"), [(LinkPurpose.INVITE, timedelta(days=7)), (LinkPurpose.RESET, timedelta(hours=2))]
)
def test_a_link_runs_out(client, monkeypatch, purpose, lives):
    token = link_for(make_user("agent"), purpose)
    made = clock.now()
    monkeypatch.setattr(clock, "now", lambda: made + lives - timedelta(minutes=1))
    client.get(f"/link/{token}", expect=200)
    monkeypatch.setattr(clock, "now", lambda: made + lives + timedelta(seconds=1))
    assert "Each link works once" in client.get(f"/link/{token}", expect=410).text


def test_a_newer_link_voids_the_earlier_one_and_deactivation_voids_all(client):
    user = make_user("agent")
    first, second = link_for(user), link_for(user)
    client.get(f"/link/{first}", expect=410)
    client.get(f"/link/{second}", expect=200)
    with transaction("test"):
        actions.deactivate(user)
    client.get(f"/link/{second}", expect=410)


@pytest.mark.parametrize("token", ["nonsense", "x" * 5000, "%00", "%ff"])
def test_a_token_that_never_was_is_not_known(client, token):
    assert client.get(f"/link/{token}").status_code in (404, 410)


def test_setting_the_password_ends_every_sign_in_and_lifts_the_lock(client, sign_in):
    user = make_user("agent", email="a@example.com", password=GOOD)
    browser = sign_in(user)
    for _ in range(6):
        client.post("/sign-in", data={"email": "a@example.com", "password": "wrong"})
    client.post(f"/link/{link_for(user, LinkPurpose.RESET)}", data={"password": "other unrelated words"}, expect=303)
    assert "password was changed" in browser.get(browser.get("/me/sign-ins", expect=303).location).text
    client.post("/sign-in", data={"email": "a@example.com", "password": "other unrelated words"}, expect=303)


def test_forgetting_is_answered_alike_whether_or_not_somebody_is_known(client):
    make_user("agent", email="a@example.com", password=GOOD)

    def ask(email):
        began = time.perf_counter()
        page = client.post("/forgot", data={"email": email}, expect=200).text
        return page.split("<main")[1], time.perf_counter() - began

    (known, seconds), (unknown, seconds_unknown) = ask("a@example.com"), ask("nobody@example.com")
    assert known == unknown
    assert min(seconds, seconds_unknown) >= 0.25


def test_without_an_email_server_an_admin_sees_who_waits_and_passes_a_link_on(client, sign_in):
    user = make_user("agent", email="a@example.com", password=GOOD)
    client.post("/forgot", data={"email": "a@example.com"}, expect=200)
    admin = sign_in(make_user("admin"))
    assert "needs a link" in admin.get("/people").text
    assert "Asked for a link" in admin.get(f"/people/{user.id}").text
    admin.post(f"/people/{user.id}/invite", expect=303)
    page = admin.get(f"/people/{user.id}").text
    address = page.partition('id="address" value="')[2].partition('"')[0]
    assert address.startswith(settings().address + "/link/")
    assert address not in admin.get(f"/people/{user.id}").text  # shown once
    assert "needs a link" not in admin.get("/people").text
    client.post(address.removeprefix(settings().address), data={"password": "other unrelated words"}, expect=303)


@pytest.fixture
def mailbox(app, monkeypatch):
    with mail_server(monkeypatch) as box:
        yield box


def asked(client, email):
    """Forget a password; the email that comes of it."""
    client.post("/forgot", data={"email": email}, expect=200)
    newest = sa.select(StaffMail).join(AccountLink, AccountLink.id == StaffMail.about_id).order_by(StaffMail.id.desc())
    return db.session.scalar(newest.limit(1)).id


def test_a_forgotten_password_is_emailed_once_even_when_the_job_runs_twice(client, mailbox):
    make_user("agent", email="a@example.com", password=GOOD)
    mail_id = asked(client, "a@example.com")
    mail_jobs.send(mail_id)
    mail_jobs.send(mail_id)
    [(to, letter)] = mailbox.letters
    assert to == ["a@example.com"]
    token = letter.partition("/link/")[2].split()[0].replace("=\r\n", "")
    client.post(f"/link/{token}", data={"password": "other unrelated words"}, expect=303)


def test_no_token_goes_through_the_queue(client, mailbox):
    make_user("agent", email="a@example.com", password=GOOD)
    mail_id = asked(client, "a@example.com")
    from ops.background import queue

    assert [tuple(job.args) for job in queue("work").jobs] == [(mail_id,)]


def test_a_stranger_cannot_fill_a_mailbox(client, mailbox):
    make_user("agent", email="a@example.com", password=GOOD)
    assert asked(client, "a@example.com") == asked(client, "a@example.com")


def test_an_email_server_that_is_away_is_tried_again_and_a_refused_address_is_not(client, mailbox, monkeypatch):
    user = make_user("agent", email="a@example.com", password=GOOD)
    mail_id = asked(client, "a@example.com")
    with monkeypatch.context() as patch:
        patch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
        settings.cache_clear()
        mail_jobs.send(mail_id)
    settings.cache_clear()
    assert queries.waiting_link(user)
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    mailbox.refuse = "550 no such person"
    mail_jobs.upkeep()
    mailbox.refuse = None
    mail_jobs.upkeep()
    assert mailbox.letters == [] and queries.waiting_link(user) is None


def test_a_lost_doorbell_is_found_by_the_tick(client, mailbox, monkeypatch):
    make_user("agent", email="a@example.com", password=GOOD)
    asked(client, "a@example.com")
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    mail_jobs.upkeep()
    assert len(mailbox.letters) == 1


def test_the_tick_ends_sign_ins_that_outlived_their_hours(sign_in, monkeypatch):
    sign_in(make_user("lead"))
    later = clock.now() + timedelta(hours=12, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    jobs.upkeep()
    assert db.session.scalar(sa.select(AuthSession.ended_why)) == "over"
