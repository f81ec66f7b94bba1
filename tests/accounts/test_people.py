"""Accounts as leads and admins look after them, and as everybody sees their own."""

import threading
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ops import clock
from ops.accounts import actions, queries, tries
from ops.accounts.models import AuthSession, Role, User
from ops.db import db, transaction
from ops.errors import Refused
from tests.world import make_practice, make_user

GOOD = "four unrelated words"


def fresh(user):
    return db.session.get(User, user.id)


def test_an_admin_adds_a_member_and_passes_the_invitation_on(sign_in, client):
    practice = make_practice(name="Lake Street Med Spa")
    admin = sign_in(make_user("admin"))
    answer = admin.post(
        "/people/add",
        data={"email": "Owner@Example.com", "name": " Olive  Owner ", "role": "member", "practices": [practice.id]},
        expect=303,
    )
    page = admin.get(answer.location, expect=200).text
    assert "Lake Street Med Spa" in page and "Olive Owner" in page
    address = page.partition('id="address" value="')[2].partition('"')[0]
    client.post("/" + address.split("/", 3)[3], data={"password": GOOD}, expect=303)
    client.post("/sign-in", data={"email": "owner@example.com", "password": GOOD}, expect=303)


def test_an_address_has_one_account_in_any_case(sign_in):
    make_user("agent", email="a@example.com")
    admin = sign_in(make_user("admin"))
    page = admin.post("/people/add", data={"email": "A@example.com", "name": "A", "role": "agent"}, expect=422)
    assert "already has an account" in page.text


@pytest.mark.parametrize(
    "email",
    ["", "no", "a@b", "a b@example.com", "@example.com", "a@example.com\nb@example.com", "a@" + "x" * 300 + ".com"],
)
def test_what_is_no_address_is_refused(sign_in, email):
    admin = sign_in(make_user("admin"))
    admin.post("/people/add", data={"email": email, "name": "A", "role": "agent"}, expect=422)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_two_accounts_for_one_address_at_the_same_moment_become_one(app):
    results = []

    def add():
        with app.app_context():
            try:
                with transaction("test"):
                    actions.add_user("a@example.com", name="A", role=Role.AGENT)
                results.append("added")
            except Refused:
                results.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["added", "refused", "refused"]


@pytest.mark.parametrize("role", ["agent", "member"])
def test_agents_and_members_have_no_business_with_people(sign_in, role):
    browser, somebody = sign_in(make_user(role)), make_user("agent")
    browser.get("/people", expect=403)
    browser.get("/people/add", expect=403)
    browser.get(f"/people/{somebody.id}", expect=404)
    browser.post(f"/people/{somebody.id}/deactivate", expect=404)
    assert fresh(somebody).active


@pytest.mark.parametrize("verb", ["invite", "deactivate", "reactivate", "role", "practices/add", "sign-ins/end-all"])
@pytest.mark.parametrize("role", ["lead", "admin"])
def test_a_lead_does_not_touch_leads_and_admins(sign_in, role, verb):
    boss = make_user(role)
    make_user("admin")
    browser, theirs = sign_in(make_user("lead")), sign_in(boss)
    browser.get(f"/people/{boss.id}", expect=200)
    browser.post(f"/people/{boss.id}/{verb}", data={"role": "agent", "practice": 1}, expect=404)
    assert fresh(boss).role == role and fresh(boss).active
    theirs.get("/me/sign-ins", expect=200)


def test_a_lead_cannot_make_anybody_a_lead_or_an_admin(sign_in):
    lead, agent = sign_in(make_user("lead")), make_user("agent")
    lead.post(f"/people/{agent.id}/role", data={"role": "admin"}, expect=404)
    lead.post("/people/add", data={"email": "b@example.com", "name": "B", "role": "admin"}, expect=422)
    assert fresh(agent).role == Role.AGENT
    assert queries.by_email("b@example.com") is None


def test_a_changed_role_counts_at_once(sign_in):
    admin, agent = sign_in(make_user("admin")), make_user("agent")
    browser = sign_in(agent)
    admin.post(f"/people/{agent.id}/role", data={"role": "lead"}, expect=303)
    assert "your role was changed" in browser.get(browser.get("/people", expect=303).location).text
    sign_in(agent).get("/people", expect=200)


def test_the_last_admin_stays(sign_in):
    boss = make_user("admin")
    admin = sign_in(boss)
    admin.post(f"/people/{boss.id}/role", data={"role": "lead"}, expect=303)
    assert "only admin" in admin.get(f"/people/{boss.id}").text
    admin.post(f"/people/{boss.id}/deactivate", expect=303)
    assert fresh(boss).role == Role.ADMIN and fresh(boss).active


def test_two_admins_who_remove_each_other_at_the_same_moment_leave_one(app):
    both = [make_user("admin").id, make_user("admin").id]
    start = threading.Barrier(2)

    def remove(user_id):
        with app.app_context():
            start.wait()
            try:
                with transaction("test"):
                    actions.deactivate(queries.user(user_id))
            except Refused:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=remove, args=(user_id,)) for user_id in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.session.scalar(sa.select(sa.func.count()).where(User.active)) == 1


def test_a_closed_account_is_signed_out_and_opens_again(sign_in):
    admin, agent = sign_in(make_user("admin")), make_user("agent")
    browser = sign_in(agent)
    admin.post(f"/people/{agent.id}/deactivate", expect=303)
    browser.get("/me/sign-ins", expect=303)
    page = admin.get(f"/people/{agent.id}").text
    assert "deactivated" in page and "Reactivate" in page
    admin.post(f"/people/{agent.id}/reactivate", expect=303)
    sign_in(agent).get("/me/sign-ins", expect=200)


def test_practices_are_for_members_only(sign_in):
    practice, agent, member = make_practice(), make_user("agent"), make_user("member")
    admin = sign_in(make_user("admin"))
    admin.post(f"/people/{agent.id}/practices/add", data={"practice": practice.id}, expect=303)
    assert "Only practice members" in admin.get(f"/people/{agent.id}").text
    for _ in range(2):
        admin.post(f"/people/{member.id}/practices/add", data={"practice": practice.id}, expect=303)
    assert [m.practice_id for m in queries.user(member.id).memberships] == [practice.id]
    admin.post(f"/people/{member.id}/practices/add", data={"practice": 999_999}, expect=303)
    assert "no such practice" in admin.get(f"/people/{member.id}").text
    admin.post(f"/people/{member.id}/practices/{practice.id}/remove", expect=303)
    db.session.expire_all()
    assert queries.user(member.id).memberships == []


def test_everybody_sees_and_ends_their_own_sign_ins_and_nobody_elses(sign_in):
    agent, other = make_user("agent"), make_user("agent")
    here, there, stranger = sign_in(agent), sign_in(agent), sign_in(other)
    of_other = db.session.scalar(sa.select(AuthSession.id).where(AuthSession.user_id == other.id))
    here.post(f"/me/sign-ins/{of_other}/end", expect=404)
    here.post(f"/me/sign-ins/{uuid.uuid4()}/end", expect=404)
    stranger.get("/me/sign-ins", expect=200)
    here.post("/me/sign-ins/end-others", expect=303)
    here.get("/me/sign-ins", expect=200)
    there.get("/me/sign-ins", expect=303)


def test_an_admin_ends_the_sign_in_of_somebody_but_only_by_the_right_person(sign_in):
    admin, agent, other = sign_in(make_user("admin")), make_user("agent", present=False), make_user("agent")
    browser = sign_in(agent)
    sign_in_id = db.session.scalar(sa.select(AuthSession.id).where(AuthSession.user_id == agent.id))
    admin.post(f"/people/{other.id}/sign-ins/{sign_in_id}/end", expect=303)
    browser.get("/me/sign-ins", expect=200)
    admin.post(f"/people/{agent.id}/sign-ins/{sign_in_id}/end", expect=303)
    browser.get("/me/sign-ins", expect=303)


def test_changing_ones_password_needs_the_old_one_and_ends_the_other_sign_ins(sign_in):
    agent = make_user("agent", password=GOOD)
    here, there = sign_in(agent), sign_in(agent)
    here.post("/me/password", data={"current": "wrong", "password": "other unrelated words"}, expect=422)
    here.post("/me/password", data={"current": GOOD, "password": "short"}, expect=422)
    there.get("/me/sign-ins", expect=200)
    here.post("/me/password", data={"current": GOOD, "password": "other unrelated words"}, expect=303)
    here.get("/me/sign-ins", expect=200)
    there.get("/me/sign-ins", expect=303)


def test_guessing_the_current_password_locks_like_the_door(sign_in):
    agent = make_user("agent", password=GOOD)
    browser = sign_in(agent)
    for _ in range(5):
        browser.post("/me/password", data={"current": "wrong", "password": "other unrelated words"}, expect=422)
    browser.post("/me/password", data={"current": GOOD, "password": "other unrelated words"}, expect=422)


def test_the_list_is_searched_by_part_of_a_name_or_address_and_by_role(sign_in):
    admin = sign_in(make_user("admin", name="Ada Admin"))
    make_user("agent", name="Bea Caller", email="bea@example.com")
    make_user("lead", name="100% Lead")
    assert "Bea Caller" in admin.get("/people?q=CALL").text
    assert "Bea Caller" not in admin.get("/people?q=ada").text
    assert "Bea Caller" not in admin.get("/people?role=lead").text
    assert "100% Lead" in admin.get("/people?q=%25").text and "Bea" not in admin.get("/people?q=%25").text
    assert "Nobody fits" in admin.get("/people?q=zzz").text
    for odd in ("page=0", "page=-1", "page=x", "page=99999999999999999999", "role=king", "q=" + "x" * 5000):
        admin.get(f"/people?{odd}", expect=200)


def test_changes_are_told_with_who_made_them_and_without_the_secret(sign_in):
    agent, boss = make_user("agent", password=GOOD), make_user("admin", name="Ada Admin")
    sign_in(boss).post(f"/people/{agent.id}/role", data={"role": "lead"}, expect=303)
    with transaction("test"):
        tries.count(agent, tries.stranger("198.51.100.7"))
    told = queries.changes(agent)
    assert (told[0].who, told[0].what) == ("Ada Admin", "role changed from agent to lead")
    assert [change.what for change in told[1:]] == ["password set", "account added"]
    written = db.session.execute(sa.text("SELECT string_agg(to_jsonb(a)::text, '') FROM audit_log a")).scalar_one()
    assert "argon2" not in written
    earlier = datetime(2026, 3, 10, 18, tzinfo=UTC)
    with clock.moved_to(earlier), transaction("test"):
        db.session.get_one(User, agent.id).name = "Ben Agent"
    first = db.session.scalar(sa.text("SELECT min(at) FROM audit_log"))
    assert first == earlier, "by our clock, as everything beside it"


def test_the_first_page_fits_the_role(app, sign_in):
    expected = {"agent": "/queue/desk", "lead": "floor.board", "admin": "practices.index", "member": "metrics.index"}
    from ops.accounts.views.doors import FIRST_PAGES

    for role in expected:
        browser = sign_in(make_user(role))
        there = [page for page in FIRST_PAGES[Role(role)] if page in app.view_functions]
        with app.test_request_context():
            from flask import url_for

            assert browser.get("/", expect=302).location == url_for((there or ["accounts.sign_ins"])[0])
