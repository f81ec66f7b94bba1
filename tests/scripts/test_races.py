"""Two people at the same script at the same moment, or one who presses twice: real concurrent sessions."""

import sqlalchemy as sa

from ops.db import db, transaction
from ops.scripts import approvals
from ops.scripts.actions import approving, publishing, trying, writing
from ops.scripts.actions.writing import Typed
from ops.scripts.models import ApprovalAnswer, Ending, Medium, ScriptApproval, ScriptExperiment, VersionState
from tests.practices.test_races import at_once
from tests.world import make_practice, make_user
from tests.writing import agencys, own, save, seen, versions

OVERTAKEN = "Somebody else changed this script meanwhile. Nothing was stored, and nothing is lost."


def test_of_drafts_saved_at_the_same_moment_one_is_stored_and_the_others_are_told(app):
    ask = agencys()
    was, body = seen(ask), versions(ask)[0].body

    def saving(number):
        return lambda: writing.save_draft(ask.id, Typed("", f"{body}\n> {number}\n"), was, f"user:{number}")

    outcomes = at_once(app, *[saving(number) for number in range(4)])
    assert sorted(outcomes) == [OVERTAKEN] * 3 + ["done"]
    assert [version.state for version in versions(ask)] == [VersionState.PUBLISHED, VersionState.DRAFT]


def test_published_by_two_at_once_it_is_published_once(app):
    ask = agencys()
    draft = save(ask)
    was = writing.Seen(draft.id, draft.revision)
    outcomes = at_once(app, *[lambda: publishing.publish(ask.id, was, "user:1")] * 3)
    assert outcomes == ["done"] * 3
    assert [version.state for version in versions(ask)] == [VersionState.RETIRED, VersionState.PUBLISHED]


def test_a_practice_that_starts_its_own_twice_at_once_has_one(app):
    agencys()
    lake = make_practice("lake")
    outcomes = at_once(app, *[lambda: writing.start_own(lake, "ask", Medium.CALL, "user:1")] * 3)
    assert outcomes == ["done"] * 3
    assert len(versions(own(lake))) == 1


def test_of_two_answers_at_the_same_moment_the_first_counts(app):
    lake = make_practice("lake", callback_number="+13125550142")
    people, note = [make_user("member", lake), make_user("member", lake)], own(lake)
    with transaction("user:1"):
        asked = approving.ask_practice(note.id, seen(note), "user:1")
        tokens = [approvals.make_link(asked, person).rpartition("/")[2] for person in people]
        one, other = (approvals.by_token(token).id for token in tokens)
    there = approving.Source("127.0.0.1", "a test")
    outcomes = at_once(
        app,
        lambda: approving.answer(one, ApprovalAnswer.APPROVED, "Ines", "", there),
        lambda: approving.answer(other, ApprovalAnswer.CHANGE, "Olive", "Shorter, please.", there),
    )
    assert sorted(outcomes) == ["This was answered before. Thank you.", "done"]
    db.session.expire_all()
    kept = db.session.get_one(ScriptApproval, asked.id)
    assert kept.answered_name == ("Ines" if outcomes[0] == "done" else "Olive")


def test_an_experiment_is_started_once_and_ended_one_way(app):
    ask = agencys()
    draft = save(ask)
    was = writing.Seen(draft.id, draft.revision)
    outcomes = at_once(app, *[lambda: trying.start_experiment(ask.id, was, 0.4, 0.15, "user:1")] * 3)
    assert outcomes.count("done") == 1
    outcomes = at_once(
        app,
        lambda: trying.end_experiment(ask.id, Ending.KEPT_A, "user:1"),
        lambda: trying.end_experiment(ask.id, Ending.TOOK_B, "user:2"),
    )
    assert sorted(outcomes) == ["No experiment is running.", "done"]
    db.session.expire_all()
    [kept] = db.session.scalars(sa.select(ScriptExperiment)).all()
    assert kept.ending is (Ending.KEPT_A if outcomes[0] == "done" else Ending.TOOK_B)
    assert [version.state for version in versions(ask)].count(VersionState.PUBLISHED) == 1
