"""The scripts' pages: who may, the editor, two people at once, versions, what changed."""

import json
import re

import pytest
import sqlalchemy as sa

from ops.accounts.models import AuditEntry
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices import actions as practice_actions
from ops.scripts import lists, queries
from ops.scripts.actions import publishing, writing
from ops.scripts.actions.writing import Overtaken, Seen
from ops.scripts.models import Medium, Script, VersionState
from tests.world import make_practice, make_user
from tests.writing import agencys, own, page_of, publish, save, seen, versions

PUBLISHED, DRAFT, RETIRED = VersionState.PUBLISHED, VersionState.DRAFT, VersionState.RETIRED


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


@pytest.fixture
def ask(app):
    return agencys()


@pytest.fixture
def lake(app):
    return make_practice("lake", name="Lake Skin", callback_number="+13125550142", website="https://lake.example.com")


def states(script):
    return [version.state for version in versions(script)]


def test_the_pages_are_for_leads_and_admins(app, client, sign_in, lead, ask, lake):
    theirs = own(lake)
    for outsider in (make_user("agent"), make_user("member", lake)):
        browser = sign_in(outsider)
        browser.get("/scripts", expect=403)
        browser.get("/practices/lake/scripts", expect=404)
        browser.post("/scripts/preview", data=page_of(ask), expect=403)
        for address in ("", "/versions/1", "/changes"):
            browser.get(f"/scripts/{theirs.id}{address}", expect=404)
        for verb in ("save", "publish", "set-aside", "retire", "ask", "versions/1/restore"):
            browser.post(f"/scripts/{theirs.id}/{verb}", data=page_of(theirs, "Hello"), expect=404)
        for verb in ("start", "approve-first", "no-approval"):
            browser.post(f"/practices/lake/scripts/{verb}", data={"kind": "ask", "medium": "sms"}, expect=404)
    assert client.get("/scripts").status_code == 303
    for insider in (lead, make_user("admin")):
        browser = sign_in(insider)
        assert "Referral ask" in browser.get("/scripts", expect=200).text
        browser.get(f"/scripts/{ask.id}", expect=200)
        for nowhere in ("999999", "0"):
            browser.get(f"/scripts/{nowhere}", expect=404)
            browser.post(f"/scripts/{nowhere}/save", data=page_of(ask), expect=404)
        browser.get(f"/scripts/{ask.id}/versions/99", expect=404)
    assert states(theirs) == [DRAFT]


def test_a_lead_saves_a_draft_and_publishes_it(app, sign_in, lead, ask):
    browser = sign_in(lead)
    body = versions(ask)[0].body.replace("Who comes to mind", "Who comes to your mind")
    browser.post(f"/scripts/{ask.id}/save", data=page_of(ask, body, note="Warmer"), expect=303)
    assert states(ask) == [PUBLISHED, DRAFT]
    assert versions(ask)[1].note == "Warmer"
    body = body.replace("Who comes to your mind", "Who comes to mind first")
    browser.post(f"/scripts/{ask.id}/publish", data=page_of(ask, body), expect=303)
    first, second = versions(ask)
    assert (first.state, first.retired_by) == (RETIRED, lead.actor)
    assert (second.state, second.published_by) == (PUBLISHED, lead.actor)
    assert "mind first" in second.body
    page = browser.get(f"/scripts/{ask.id}", expect=200).text
    assert "version 2 published" in page
    assert "Published by Lea Lead" in page
    assert "<ins>" in browser.get(f"/scripts/{ask.id}/changes?from=1&to=2", expect=200).text
    assert "Restore it as a draft" in browser.get(f"/scripts/{ask.id}/versions/1", expect=200).text
    told = db.session.scalars(sa.select(AuditEntry.actor).where(AuditEntry.table_name == "script_versions")).all()
    assert lead.actor in told


def test_what_cannot_be_stored_stays_in_the_form_with_a_sentence(app, sign_in, lead, ask):
    browser = sign_in(lead)
    for verb in ("save", "publish"):
        for typed, why in (
            ("Hello {{ shoe_size }} <b>", "Unknown variable"),
            ("  ", "empty"),
            ("é" * 20_001, "too long"),
        ):
            page = browser.post(f"/scripts/{ask.id}/{verb}", data=page_of(ask, typed, note="mine"), expect=422).text
            assert why in page
            assert 'value="mine"' in page
            assert typed.strip().replace("<b>", "&lt;b&gt;") in page
    assert states(ask) == [PUBLISHED]


def test_what_may_not_be_published_is_stored_all_the_same(app, sign_in, lead, ask):
    page = sign_in(lead).post(f"/scripts/{ask.id}/publish", data=page_of(ask, "Hello, a moment?"), expect=422).text
    assert "saved as a draft, and not in use" in page
    assert "on whose behalf" in page
    assert states(ask) == [PUBLISHED, DRAFT]
    assert versions(ask)[1].body == "Hello, a moment?\n"


@pytest.mark.parametrize(
    "odd", ["😀" * 3000, "\u202etxet\u202c {{", "</textarea><script>alert(1)</script>", "{% raw %}", "{{}}"]
)
def test_any_text_is_shown_as_text_and_never_breaks_the_page(app, sign_in, lead, ask, odd):
    browser = sign_in(lead)
    for address in (f"/scripts/{ask.id}/save", "/scripts/preview"):
        answer = browser.post(address, data=page_of(ask, odd, subject=odd, note=odd))
        assert answer.status_code in (200, 303, 422)
        assert "<script>alert" not in answer.text
    browser.post(
        f"/scripts/{ask.id}/save", data=page_of(ask, "Hello " + odd.replace("{", "(").replace("%", "")), expect=303
    )
    page = browser.get(f"/scripts/{ask.id}", expect=200).text
    assert "<script>alert" not in page


def test_saving_twice_stores_it_once(app, sign_in, lead, ask):
    browser, data = sign_in(lead), page_of(ask, versions(ask)[0].body + "\n> Slowly.\n")
    for _ in range(3):
        browser.post(f"/scripts/{ask.id}/save", data=data, expect=303)
    assert [version.revision for version in versions(ask)] == [1, 1]
    data = page_of(ask)
    for _ in range(3):
        browser.post(f"/scripts/{ask.id}/publish", data=data, expect=303)
    assert states(ask) == [RETIRED, PUBLISHED]


def test_saving_what_is_in_use_makes_no_draft(app, sign_in, lead, ask):
    browser = sign_in(lead)
    browser.post(f"/scripts/{ask.id}/save", data=page_of(ask), expect=303)
    assert "Nothing was changed" in browser.get(f"/scripts/{ask.id}", expect=200).text
    assert states(ask) == [PUBLISHED]


def test_of_two_who_write_the_later_is_told_and_nothing_is_lost(app, sign_in, lead, ask):
    other = make_user("lead", name="Otto Other")
    opened = page_of(ask)
    theirs, mine = opened["body"] + "\n> Theirs.\n", opened["body"] + "\n> Mine.\n"
    sign_in(other).post(f"/scripts/{ask.id}/save", data=opened | {"body": theirs}, expect=303)
    browser = sign_in(lead)
    page = browser.post(f"/scripts/{ask.id}/save", data=opened | {"body": mine}, expect=409).text
    assert "Otto Other saved version 2 while you were writing" in page
    assert "Mine." in page
    assert "<del>Theirs</del>" in page
    assert "Save mine as a new draft" in page
    assert versions(ask)[1].body == theirs
    again = opened | {"body": mine, "set_aside": "yes"} | seen(ask)._asdict()
    browser.post(f"/scripts/{ask.id}/save", data=again | {"version": seen(ask).version_id}, expect=303)
    assert [version.body for version in versions(ask)[1:]] == [theirs, mine]
    assert states(ask) == [PUBLISHED, RETIRED, DRAFT]
    assert "set aside" in browser.get(f"/scripts/{ask.id}", expect=200).text


def test_who_is_overtaken_by_a_publication_is_told_too(app, sign_in, lead, ask):
    opened = page_of(ask)
    publish(ask)
    page = sign_in(lead).post(
        f"/scripts/{ask.id}/publish", data=opened | {"body": opened["body"] + "\n> Mine.\n"}, expect=409
    )
    assert "published version 2 while you were writing" in page.text
    assert "Mine." in page.text
    assert states(ask) == [RETIRED, PUBLISHED]


def test_nobody_publishes_a_draft_they_have_not_seen(app, ask):
    draft = save(ask)
    old = Seen(draft.id, draft.revision)
    save(ask, versions(ask)[1].body + "\n> More.\n", by="user:2")
    with pytest.raises(Overtaken), transaction("user:1"):
        publishing.publish(ask.id, old, "user:1")
    with pytest.raises(Overtaken), transaction("user:1"):
        writing.set_aside(ask.id, old, "user:1")
    assert states(ask) == [PUBLISHED, DRAFT]


def test_a_draft_is_set_aside_and_an_old_version_restored(app, sign_in, lead, ask):
    browser = sign_in(lead)
    publish(ask)
    save(ask, versions(ask)[1].body + "\n> Draft.\n")
    browser.post(f"/scripts/{ask.id}/versions/1/restore", expect=303)
    assert "open draft" in browser.get(f"/scripts/{ask.id}", expect=200).text
    browser.post(f"/scripts/{ask.id}/set-aside", data=page_of(ask), expect=303)
    assert states(ask) == [RETIRED, PUBLISHED, RETIRED]
    browser.post(f"/scripts/{ask.id}/versions/1/restore", expect=303)
    first, *_, draft = versions(ask)
    assert (draft.state, draft.body, draft.note) == (DRAFT, first.body, "Version 1 again")


def test_a_practice_gets_its_own_script_and_loses_it_again(app, sign_in, lead, ask, lake):
    browser = sign_in(lead)
    assert "Start its own" in browser.get("/practices/lake/scripts", expect=200).text
    for _ in range(2):
        browser.post("/practices/lake/scripts/start", data={"kind": "ask", "medium": "call"}, expect=303)
    theirs = db.session.scalars(sa.select(Script).where(Script.practice_id == lake.id)).one()
    assert versions(theirs)[0].body == versions(ask)[0].body
    assert queries.published(lake.id, "ask", Medium.CALL).script_id == ask.id  # a draft is not said
    browser.post(f"/scripts/{theirs.id}/publish", data=page_of(theirs), expect=303)
    assert queries.published(lake.id, "ask", Medium.CALL).script_id == theirs.id
    assert "Lake Skin" in browser.get("/scripts", expect=200).text
    browser.post(f"/scripts/{theirs.id}/retire", expect=303)
    assert queries.published(lake.id, "ask", Medium.CALL).script_id == ask.id
    browser.post(f"/scripts/{theirs.id}/retire", expect=303)
    assert "not in use" in browser.get(f"/scripts/{theirs.id}", expect=200).text
    browser.post(f"/scripts/{ask.id}/retire", expect=303)
    assert states(ask) == [PUBLISHED]
    for wrong in (
        {"kind": "dance", "medium": "call"},
        {"kind": "ask", "medium": "fax"},
        {"kind": "partner_touch", "medium": "sms"},
    ):
        browser.post("/practices/lake/scripts/start", data=wrong, expect=400)


def test_a_variable_the_practice_has_not_filled_stops_its_own_and_warns_for_the_agencys(app, sign_in, lead, lake):
    note, river = agencys("ask", Medium.SMS), make_practice("river", name="River Derm")
    with transaction("test"):
        practice_actions.edit_practice(river, shareable="They explain.", website="https://river.example.com")
    browser = sign_in(lead)
    page = browser.get(f"/scripts/{note.id}", expect=200).text
    assert "1 practice has not told us" in page
    assert "Lake Skin</a>: shareable" in page
    assert "River Derm</a>" not in page
    assert "not told: shareable" in browser.get("/practices/lake/scripts", expect=200).text
    browser.post(
        f"/scripts/{note.id}/publish", data=page_of(note, versions(note)[0].body.replace("Hi", "Hello")), expect=303
    )
    theirs = own(lake, "ask", Medium.SMS)
    page = browser.post(f"/scripts/{theirs.id}/publish", data=page_of(theirs), expect=422).text
    assert "The practice has not told us: shareable." in page
    assert [one.name for one in lists.practices_like("lake")] == ["Lake Skin"]


def test_the_list_is_searched_by_practice_and_kind(app, sign_in, lead, lake):
    own(lake)
    own(make_practice("river", name="River Derm"), "recall")
    browser = sign_in(lead)
    page = browser.get("/scripts?q=lak", expect=200).text
    assert "Lake Skin" in page
    assert "River Derm" not in page
    assert "What is said for Lake Skin" in page
    page = browser.get("/scripts?kind=recall", expect=200).text
    assert "River Derm" in page
    assert "Lake Skin" not in page
    for odd in ("q=%25", "kind=dance", "page=0", "page=99999999999", "page=x", "page=2"):
        browser.get(f"/scripts?{odd}", expect=200)


def test_the_preview_is_said_with_the_words_of_a_practice(app, sign_in, lead, ask, lake):
    browser = sign_in(lead)
    page = browser.post("/scripts/preview", data=page_of(ask, practice="lake", note="kept"), expect=200).text
    assert "calling on behalf of Lake Skin" in page
    assert 'value="kept"' in page
    answer = browser.post(
        "/scripts/preview",
        data=page_of(ask, "Hello {{ patient_first_name }} {{ nope }}", long="y"),
        headers={"Accept": "application/json"},
        expect=200,
    )
    told = json.loads(answer.text)
    assert "Maximiliana-Josephine" in told["preview"]
    assert "cannot be saved yet" in told["checks"]
    assert 'data-line="0"' in told["outline"]
    assert states(ask) == [PUBLISHED]
    browser.post("/scripts/preview", data={"script": "999999"}, expect=404)
    browser.post("/scripts/preview", data={}, expect=404)


def test_a_text_shows_how_many_parts_it_has(app, sign_in, lead):
    note = agencys("loop_closing", Medium.SMS)
    page = (
        sign_in(lead).post("/scripts/preview", data=page_of(note, "Hi {{ practice_name }} “ok” STOP"), expect=200).text
    )
    assert re.search(r"1 part, \d+ of 160 characters", page)
    page = (
        sign_in(lead).post("/scripts/preview", data=page_of(note, "Привет {{ practice_name }} STOP"), expect=200).text
    )
    assert "of 70 characters; a special character or emoji leaves less room" in page


def test_two_versions_are_compared_whatever_is_asked_for(app, sign_in, lead, ask):
    browser = sign_in(lead)
    publish(ask)
    for asked in ("", "?from=2&to=1", "?from=9&to=x", "?from=1&to=1"):
        browser.get(f"/scripts/{ask.id}/changes{asked}", expect=200)


def test_defaults_are_written_once_by_any_number_of_starts(app, ask):
    from ops.scripts.actions import ensure_defaults

    with transaction("test"):
        assert ensure_defaults() == 0
    with pytest.raises(Refused, match="no published text"), transaction("test"):
        writing.start_own(make_practice(), "partner_touch", Medium.SMS, "user:1")
