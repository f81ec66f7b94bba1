"""The practice pages, as leads and admins use them and as nobody else may."""

import re
from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import Role
from ops.db import db, transaction
from ops.practices import actions
from ops.practices.models import Practice, PracticeStatus
from tests.world import WHOLE, make_contract, make_patient, make_practice, make_user

NOON = "2026-03-10 17:00:00"


@pytest.fixture
def practice(app) -> Practice:
    return make_practice("lake", name="Lake Skin", hours=12.5, **WHOLE)


@pytest.fixture
def lead(sign_in):
    return sign_in(make_user(Role.LEAD, name="Lena Lead"))


def text(answer) -> str:
    """The page without markup, spaces made one."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)).split())


def test_the_list_shows_hours_patients_and_last_import_and_can_be_searched(practice, lead):
    make_practice("hill", name="Hill & Dale", hours=None, baa_on=None)
    make_patient(practice)
    page = text(lead.get("/practices", expect=200))
    assert "Lake Skin live IL · Central time 12.5 h 1 never" in page
    assert "Hill &amp; Dale live 6 things missing A signed BAA A contract in force today" in page
    assert "no contract" in page
    found = text(lead.get("/practices?q=LAKE", expect=200))
    assert "Lake Skin" in found
    assert "Hill" not in found
    assert "No practice is like that" in text(lead.get("/practices?q=%25", expect=200))
    assert "No practice is like that" in text(lead.get("/practices?status=ended", expect=200))
    assert "Lake" in text(lead.get("/practices?status=nonsense&page=-3", expect=200))


def test_a_practice_is_added_with_a_form_that_says_what_is_wrong(app, lead):
    page = lead.get("/practices/add", expect=200)
    assert 'value="America/Chicago"' in page.get_data(as_text=True)
    facts = {"name": "New Glow", "slug": "New Glow", "zone": "America/Chicago", "state": "IL", "hours": "10"}
    refused = lead.post("/practices/add", data=facts, expect=422)
    assert "lower-case letters" in text(refused)
    assert 'value="New Glow"' in refused.get_data(as_text=True), "what was typed is kept"
    lead.post("/practices/add", data={**facts, "slug": "new-glow", "hours": "3000"}, expect=422)
    lead.post("/practices/add", data={**facts, "slug": "new-glow", "zone": "Moon/Crater"}, expect=422)
    answer = lead.post("/practices/add", data={**facts, "slug": "new-glow", "baa_on": "2026-01-05"}, expect=303)
    assert answer.location == "/practices/new-glow"
    assert "already" in text(lead.post("/practices/add", data={**facts, "slug": "new-glow"}, expect=422))
    stored = db.session.scalars(sa.select(Practice)).one()
    assert (stored.baa_on, stored.contracts[0].hours_per_month) == (date(2026, 1, 5), 10)


def test_the_practice_page_tells_its_history_in_words(practice, lead):
    lead.post(
        "/practices/lake/edit",
        data={
            "name": "Lake Skin",
            "zone": "America/Denver",
            "state": "CO",
            "helps_best": "women 35 to 55",
            "baa_on": "2026-01-02",
            "website": "https://lake.example.com",
        },
        expect=303,
    )
    lead.post(
        "/practices/lake/review-links/add", data={"label": "Maps", "url": "https://maps.example.com/lake"}, expect=303
    )
    page = text(lead.get("/practices/lake", expect=200))
    assert "Lena Lead" in page
    assert "zone from “Central time” to “Mountain time”" in page
    assert "helps best from nothing to “women 35 to 55”" in page
    assert "added review link Maps" in page
    assert "added 12 treatments" in page
    assert "https://lake.example.com" in page
    assert "Lake Skin" in page.partition("Spoken name")[2][:20], "an empty spoken name is the name"


@pytest.mark.parametrize(
    ("what", "value", "says"),
    [
        ("website", "http://lake.example.com", "https"),
        ("callback_number", "call me", "dialled"),
        ("name", "", "required"),
    ],
)
def test_an_edit_that_cannot_be_right_is_refused_on_the_form(practice, lead, what, value, says):
    facts = {"name": "Lake", "zone": "America/Denver", "state": "CO"} | {what: value}
    assert says in text(lead.post("/practices/lake/edit", data=facts, expect=422))
    assert practice.zone == "America/Chicago"


def test_pausing_says_first_what_will_happen_and_then_does_it(practice, lead):
    assert "Nobody will be called" in text(lead.get("/practices/lake/pause", expect=200))
    lead.post("/practices/lake/pause", expect=303)
    assert practice.status is PracticeStatus.PAUSED
    page = text(lead.post("/practices/lake/pause", expect=303, follow_redirects=False) and lead.get("/practices/lake"))
    assert "cannot be done now" in page
    for verb in ("live", "pause", "reopen"):
        lead.get(f"/practices/lake/{verb}", expect=302)
        assert "Lake Skin is paused; that cannot be done now." in text(lead.get("/practices/lake", expect=200))
    lead.post("/practices/lake/resume", expect=303)
    lead.post("/practices/lake/end", expect=303)
    assert practice.status is PracticeStatus.ENDED
    assert "status from live to paused" in text(lead.get("/practices/lake", expect=200))
    lead.get("/practices/lake/explode", expect=404)


def test_a_review_link_must_be_https_and_can_be_removed(practice, lead):
    lead.post(
        "/practices/lake/review-links/add",
        data={"label": "Maps", "url": "http://maps.example.com"},
        headers={"Referer": "http://localhost/practices/lake"},
        expect=303,
    )
    assert "must be a full address" in text(lead.get("/practices/lake"))
    lead.post("/practices/lake/review-links/add", data={"label": "Maps", "url": "https://m.example.com"}, expect=303)
    db.session.refresh(practice)
    link = practice.review_links[0].id
    lead.post(f"/practices/lake/review-links/{link}/remove", expect=303)
    lead.post(f"/practices/lake/review-links/{link}/remove", expect=404)


@freeze_time(NOON)
def test_contracts_are_shown_and_set_by_their_last_day(practice, sign_in):
    lead = sign_in(make_user(Role.LEAD))
    lead.post(
        "/practices/lake/contracts/add",
        data={"hours": "20", "starts_on": "2026-04-01", "last_day": "2026-04-30"},
        expect=303,
    )
    page = text(lead.get("/practices/lake/contracts", expect=200))
    assert "Apr 1, 2026 Apr 30, 2026 20 h to come" in page
    assert "Jan 2, 2026 Mar 31, 2026 12.5 h running" in page
    clash = {"hours": "5", "starts_on": "2026-03-20"}
    assert "Apr 1, 2026" in text(lead.post("/practices/lake/contracts/add", data=clash, expect=422))
    lead.post("/practices/lake/contracts/add", data={"hours": "x", "starts_on": "2026-13-40"}, expect=422)
    first, second = [contract.id for contract in practice.contracts]
    lead.post(f"/practices/lake/contracts/{second}/remove", expect=303)
    lead.post(f"/practices/lake/contracts/{first}/end", data={"last_day": "2026-05-31"}, expect=303)
    assert [(c.starts_on, c.ends_on) for c in practice.contracts] == [(date(2026, 1, 2), date(2026, 6, 1))]
    lead.post(f"/practices/lake/contracts/{second}/remove", expect=404)


def test_a_contract_of_another_practice_is_not_found(practice, lead):
    other = make_practice("hill")
    lead.post(f"/practices/lake/contracts/{other.contracts[0].id}/end", data={"last_day": "2026-05-31"}, expect=404)


def test_treatments_show_their_curve_and_can_be_edited(practice, lead):
    page = lead.get("/practices/lake/treatments", expect=200).get_data(as_text=True)
    assert "Opens after 10 days, peaks after 14, closes after 60" in page
    toxin = next(kind for kind in practice.treatment_types if kind.name == "Toxin")
    address = f"/practices/lake/treatments/{toxin.id}/edit"
    assert "dysport" in lead.get(address, expect=200).get_data(as_text=True)
    facts = {
        "name": "Toxin",
        "category": "injectable",
        "match_words": "Botox\n\nbotox\nDaxxify",
        "opens_days": "5",
        "peaks_days": "20",
        "closes_days": "70",
        "recall_days": "",
    }
    assert "open, then peak" in text(lead.post(address, data={**facts, "peaks_days": "4"}, expect=422))
    lead.post(address, data={**facts, "peaks_days": "many"}, expect=422)
    lead.post(address, data=facts, expect=303)
    db.session.refresh(toxin)
    assert (toxin.peaks_days, toxin.recall_days, toxin.match_words) == (20, None, ["botox", "daxxify"])
    lead.post("/practices/lake/treatments/add", data={**facts, "name": "Glow"}, expect=303)
    glow = next(k for k in db.session.get_one(Practice, practice.id).treatment_types if k.name == "Glow").id
    lead.post(f"/practices/lake/treatments/{glow}/remove", expect=303)
    lead.get(f"/practices/lake/treatments/{glow}/edit", expect=404)


PAGES = ["", "/edit", "/pause", "/contracts", "/treatments", "/treatments/add", "/patients", "/imports"]


@pytest.mark.parametrize("page", PAGES)
def test_insiders_see_it_and_members_agents_and_strangers_do_not(practice, sign_in, client, page):
    address = "/practices/lake" + page
    for role in (Role.LEAD, Role.ADMIN):
        sign_in(make_user(role)).get(address, expect=200)
    for outsider in (make_user(Role.AGENT), make_user(Role.MEMBER, practice), make_user(Role.MEMBER, make_practice())):
        sign_in(outsider).get(address, expect=404)
    client.get(address, expect=303)


def test_the_list_is_closed_to_agents_and_members(practice, sign_in):
    for user in (make_user(Role.AGENT), make_user(Role.MEMBER, practice)):
        sign_in(user).get("/practices", expect=403)


def test_a_post_without_the_forms_token_changes_nothing(practice, lead):
    lead.post("/practices/lake/end", csrf=False, expect=400)
    assert practice.status is PracticeStatus.ACTIVE


def test_a_member_is_let_in_by_practice_or_404_under_row_level_security(app, practice):
    from flask import g

    from ops.practices.access import practice_or_404

    other = make_practice("hill")
    make_patient(practice)
    make_patient(other)
    member = make_user(Role.MEMBER, practice)
    with app.test_request_context("/"):
        g._login_user = member
        with pytest.raises(Exception, match="404"):
            practice_or_404("hill")
        own = practice_or_404("lake")
        assert own.name == "Lake Skin"
        assert db.session.execute(sa.text("SELECT count(*) FROM patients")).scalar() == 1
        assert db.session.execute(sa.text("SELECT count(*) FROM practices")).scalar() == 1
        db.session.remove()


def test_contract_changes_and_pauses_ring_the_queue(app, practice, monkeypatch):
    rung = []
    for module in ("contracts", "practices", "treatments", "patients"):
        monkeypatch.setattr(f"ops.practices.actions.{module}.ring", lambda job, *ids, **_: rung.append((job, ids)))
    make_contract(practice, 5, date(2026, 6, 1))
    with transaction("test"):
        actions.pause_practice(practice)
    make_practice("hill", hours=None)
    assert rung[:2] == [("ops.cadences.jobs.practice_changed", (practice.id,))] * 2
    assert rung[2][0] == "ops.cadences.jobs.practice_added"
