"""What a practice must have before anybody is contacted in its name."""

from datetime import date

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from freezegun import freeze_time
from sqlalchemy import event

from ops.cadences import jobs
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.practices import actions, queries
from ops.practices.cli import practice as command
from ops.practices.lacking import Lack, NotComplete, lacks, live_and_lacking
from ops.practices.models import Practice, PracticeStatus
from ops.queue import jobs as queue
from ops.queue.models import Task
from ops.runtime.health import Findings, _examine_practices
from ops.scripts.actions import approving
from ops.scripts.models import Medium, Script, ScriptVersion, VersionState
from ops.work.kinds import Kind
from ops.work.states import TaskState
from tests.floors import NOON, make_floor
from tests.world import WHOLE, make_milestone, make_patient, make_user
from tests.writing import own


@pytest.fixture(autouse=True)
def at_noon(app):
    with freeze_time(NOON) as frozen:
        yield frozen


def make_whole(slug="lake", **changes):
    """A new practice with all it needs, but for `changes`."""
    given = {"zone": "America/Chicago", "state": "IL", "baa_on": date(2026, 1, 2), "hours": 20} | WHOLE | changes
    with transaction("test"):
        return actions.add_practice(slug, slug.title(), **given)


def add_cadences(practice):
    jobs.practice_added(practice.id)


def lacking(practice):
    db.session.expire_all()
    return [one.lack for one in lacks([db.session.get_one(Practice, practice.id)]).get(practice.id, [])]


def test_a_practice_with_all_it_needs_goes_live_and_only_once():
    practice = make_whole()
    assert lacking(practice) == [], "judged by the usual cadences and texts before it has any"
    add_cadences(practice)
    assert lacking(practice) == []
    with transaction("test"):
        actions.go_live(practice)
    assert practice.is_active
    with transaction("test"), pytest.raises(Exception, match="Lake is live; that cannot be done now"):
        actions.go_live(practice)


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"baa_on": None}, Lack.BAA),
        ({"hours": None}, Lack.CONTRACT),
        ({"hours": 20, "starts_on": date(2026, 3, 12)}, Lack.CONTRACT),  # from tomorrow
        ({"state": "CA", "zone": "America/New_York"}, Lack.ZONE),
        ({"callback_number": ""}, Lack.CALLBACK),
        ({"website": ""}, Lack.WORDS),
        ({"shareable": ""}, Lack.WORDS),
        ({"sender_email": ""}, Lack.SENDER),
    ],
)
def test_without_one_of_them_it_does_not_and_is_told_which(changes, lack):
    practice = make_whole(**changes)
    with transaction("test"), pytest.raises(NotComplete) as refused:
        actions.go_live(practice)
    assert [one.lack for one in refused.value.missing] == [lack]
    assert practice.status is PracticeStatus.SETUP


def test_another_name_of_the_same_clock_is_a_zone_of_the_state():
    assert lacking(make_whole(state="IN", zone="America/Detroit")) == []
    assert lacking(make_whole("west", state="AZ", zone="America/Los_Angeles")) == [Lack.ZONE]


def test_what_its_cadences_come_to_must_be_there_too():
    practice = make_whole()
    add_cadences(practice)
    cadences = sa.update(Cadence).where(Cadence.practice_id == practice.id)
    with transaction("test"):
        db.session.execute(cadences.values(active=False))
        db.session.execute(sa.text("DELETE FROM treatment_types"))
    assert lacking(practice) == [Lack.TREATMENTS, Lack.CADENCES]
    with transaction("test"):
        db.session.execute(cadences.where(Cadence.kind == Kind.ASK).values(kind=Kind.REVIEW_REQUEST, active=True))
    assert lacking(practice) == [Lack.TREATMENTS, Lack.REVIEW_LINKS]
    with transaction("test"):
        actions.add_review_link(db.session.get_one(Practice, practice.id), "Maps", "https://maps.example.com/lake")
        texted = sa.select(Script.id).where(Script.kind == Kind.REVIEW_REQUEST, Script.medium == Medium.SMS)
        version = sa.update(ScriptVersion).where(ScriptVersion.script_id.in_(texted))
        db.session.execute(version.values(state=VersionState.RETIRED))
    assert lacking(practice) == [Lack.TREATMENTS, Lack.SCRIPT]


def test_a_script_of_its_own_that_it_has_yet_to_approve_is_waited_for():
    practice = make_whole()
    add_cadences(practice)
    own(practice)
    assert lacking(practice) == []
    with transaction("test"):
        approving.require(practice.id, "test")
    assert lacking(practice) == [Lack.APPROVAL]


def test_until_it_is_live_its_calls_wait_to_be_seen_and_nobody_is_contacted(sign_in):
    practice, agent = make_whole(callback_number=""), make_user("agent")
    add_cadences(practice)
    make_milestone(make_patient(practice), "Toxin", days_ago=14)
    jobs.import_finished(practice.id)
    assert db.session.scalars(sa.select(Task.state)).all() == [TaskState.WAITING]
    db.session.rollback()
    assert queue.next_for(agent.id, agent.actor) is None
    board = sign_in(make_user("lead")).get("/queue", expect=200).text
    assert "The practice is paused, has ended or is not live yet" in board
    with transaction("test"):
        actions.edit_practice(queries.by_slug("lake"), callback_number="(312) 555-0199")
        actions.go_live(queries.by_slug("lake"))
    jobs.practice_changed(practice.id)
    assert queue.next_for(agent.id, agent.actor) is not None


def test_the_pages_list_what_is_missing_with_the_place_to_put_it_right(sign_in):
    make_whole(callback_number="", state="CA", zone="America/New_York")
    lead = sign_in(make_user("lead"))
    assert "2 things missing" in lead.get("/practices", expect=200).text
    for page in ("/practices/lake", "/practices/lake/live"):
        shown = lead.get(page, expect=200).text
        assert "A time zone of California (it is set to Eastern time)" in shown
        assert "A callback number, which “Referral ask” says" in shown
        assert 'href="/practices/lake/edit"' in shown
    lead.post("/practices/lake/live", expect=303)
    assert "cannot go live yet. Missing: a time zone of California" in lead.get("/practices/lake", expect=200).text
    whole = make_whole("river")
    assert "missing" not in lead.get("/practices/river", expect=200).text.lower()
    lead.post("/practices/river/live", expect=303)
    assert db.session.get_one(Practice, whole.id).is_active


def test_who_is_live_and_lacks_something_is_told_on_the_board_and_by_doctor(sign_in):
    live = make_floor("lake", **WHOLE)
    make_whole("new", callback_number="")
    assert live_and_lacking() == {}
    with transaction("test"):
        actions.edit_practice(live, callback_number="")
    assert [*live_and_lacking()] == [live.id], "and not who is not live yet"
    page = sign_in(make_user("lead")).get("/queue", expect=200).text
    assert "Live, and something is missing" in page
    found = Findings({})
    with db.engine.connect() as connection:
        _examine_practices(found, connection)
    assert [*found.incomplete] == ["lake"]
    assert found.problems == ["lake is live and lacks: a callback number, which “Referral ask” says"]


def test_as_many_statements_ask_about_thirty_practices_as_about_three():
    seen, counts = [], []
    event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    for size in (3, 30):
        practices = [make_whole(f"p-{size}-{number}", website="") for number in range(size)]
        ids = [db.session.merge(each) for each in practices]
        seen.clear()
        assert len(lacks(ids)) == size
        counts.append(len([statement for statement in seen if "SELECT" in statement]))
    assert counts[0] == counts[1], counts


def test_the_command_adds_completes_and_brings_live():
    def run(*words, code=0):
        result = CliRunner().invoke(command, words)
        assert result.exit_code == code, result.output
        return result.output

    added = run("add", "lake", "--name", "Lake", "--zone", "America/Chicago", "--state", "IL", "--hours", "20")
    assert "Lake is not live yet. Missing:\n  a signed BAA\n" in added
    assert "cannot go live yet. Missing: a signed BAA" in run("live", "lake", code=1)
    told = [word for name, value in WHOLE.items() for word in (f"--{name.replace('_', '-')}", value)]
    link = ("--review-link", "Maps=https://maps.example.com/lake")
    assert "Missing" not in run("edit", "lake", "--baa", "2026-01-05", *told, *link)
    assert run("live", "lake") == "Lake is live.\n"
    assert queries.by_slug("lake").review_links[0].label == "Maps"
    assert "no practice called pond" in run("live", "pond", code=1)
