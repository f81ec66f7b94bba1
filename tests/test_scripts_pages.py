"""The scripts' pages: who may, the editor, two people at once, versions, what changed."""

import pytest
import sqlalchemy as sa

from ops.db import db, transaction
from ops.scripts.actions import ensure_defaults
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState
from tests.world import make_practice, make_user


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


@pytest.fixture(autouse=True)
def defaults(app):
    with transaction("test"):
        ensure_defaults()


def script(kind="ask", medium=Medium.CALL, practice=None):
    own = Script.practice_id.is_(None) if practice is None else Script.practice_id == practice.id
    return db.session.scalars(sa.select(Script).where(own, Script.kind == kind, Script.medium == medium)).one()


def versions(of):
    db.session.expire_all()
    which = sa.select(ScriptVersion).where(ScriptVersion.script_id == of.id).order_by(ScriptVersion.number)
    return db.session.scalars(which).all()


def typed(of, body=None, **more):
    """What the page of a script sends, with its newest state as seen."""
    last = versions(of)[-1]
    known = {"script": of.id, "version": last.id, "revision": last.revision, "subject": last.subject, "note": ""}
    return known | {"body": last.body if body is None else body} | more


def test_the_pages_are_for_leads_and_admins(app, client, sign_in, lead):
    ask = script()
    for outsider in (make_user("agent"), make_user("member", make_practice())):
        sign_in(outsider).get("/scripts", expect=403)
        sign_in(outsider).get(f"/scripts/{ask.id}", expect=404)
        for verb in ("save", "publish", "set-aside", "retire", "ask"):
            sign_in(outsider).post(f"/scripts/{ask.id}/{verb}", data=typed(ask, "Hello"), expect=404)
    assert client.get("/scripts").status_code == 303
    for insider in (lead, make_user("admin")):
        page = sign_in(insider).get("/scripts", expect=200).text
        assert "Referral ask" in page
        sign_in(insider).get(f"/scripts/{ask.id}", expect=200)
    assert [version.number for version in versions(ask)] == [1]


def test_a_lead_saves_a_draft_and_publishes_it(app, sign_in, lead):
    ask, browser = script(), sign_in(lead)
    body = versions(ask)[0].body.replace("Who comes to mind", "Who comes to your mind")
    browser.post(f"/scripts/{ask.id}/save", data=typed(ask, body, note="Warmer"), expect=303)
    first, draft = versions(ask)
    assert (first.state, draft.state, draft.note) == (VersionState.PUBLISHED, VersionState.DRAFT, "Warmer")
    body = body.replace("Who comes to your mind", "Who comes to mind first")
    browser.post(f"/scripts/{ask.id}/publish", data=typed(ask, body), expect=303)
    first, second = versions(ask)
    assert (first.state, second.state) == (VersionState.RETIRED, VersionState.PUBLISHED)
    assert second.published_by == lead.actor
    assert "mind first" in second.body
    page = browser.get(f"/scripts/{ask.id}", expect=200).text
    assert "version 2 published" in page
    page = browser.get(f"/scripts/{ask.id}/changes?from=1&to=2", expect=200).text
    assert "<ins>" in page
    browser.get(f"/scripts/{ask.id}/versions/1", expect=200)
