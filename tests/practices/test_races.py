"""Two people, or one who presses twice, at the same moment: real concurrent sessions."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import sqlalchemy as sa

from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import actions as imports_actions
from ops.imports import loading
from ops.imports.models import Import, ImportChunk, ImportState
from ops.imports.reading.preview import preview
from ops.practices import actions, queries
from ops.practices.models import Contract, Practice, PracticeStatus
from tests.world import make_practice


def at_once(app, *acts):
    """Run `acts` in threads of their own that start together; what each came to: "done" or the refusal."""
    start = Barrier(len(acts))

    def run(act):
        with app.app_context():
            start.wait()
            try:
                with transaction("test"):
                    act()
            except Refused as refused:
                return str(refused)
            finally:
                db.session.remove()
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_contracts_set_at_the_same_moment_follow_each_other(app):
    practice = make_practice(hours=10, starts_on=date(2026, 1, 1))

    def setting(month: int):
        return lambda: actions.set_contract(queries.by_slug(practice.slug), month, date(2026, month, 1))

    outcomes = at_once(app, *[setting(month) for month in (2, 3, 4, 5)])
    assert outcomes[-1] == "done", "nothing is in the way of the last one"
    assert all(outcome == "done" or "Another contract begins" in outcome for outcome in outcomes)
    stored = db.session.scalars(sa.select(Contract).order_by(Contract.starts_on)).all()
    assert len(stored) == 1 + outcomes.count("done")
    assert [contract.ends_on for contract in stored] == [contract.starts_on for contract in stored[1:]] + [None]


def test_of_two_practices_with_one_slug_one_is_refused(app):
    def adding():
        actions.add_practice("lake", "Lake", "America/Chicago", "IL")

    outcomes = at_once(app, adding, adding)
    assert sorted(outcomes) == ["There is a practice called lake already.", "done"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Practice)) == 1


def test_of_two_who_pause_one_is_told(app):
    practice = make_practice("lake")

    def pausing():
        actions.pause_practice(queries.by_slug("lake"))

    outcomes = at_once(app, pausing, pausing)
    assert outcomes.count("done") == 1
    db.session.refresh(practice)
    assert practice.status is PracticeStatus.PAUSED


def test_an_import_confirmed_and_cancelled_at_the_same_moment_is_one_of_both(app):
    practice = make_practice("lake")
    with transaction("test"):
        load = loading.receive(
            practice, [("a.csv", io.BytesIO(b"first name,last name,dob\nAda,Lane,1980-01-01\n"))], "test"
        )
    load_id, zone = load.id, practice.zone
    with loading.raw(load.files[0]) as stream:
        seen = {load.files[0].id: preview(stream, "a.csv", zone, date(2026, 3, 1))}
    db.session.rollback()

    def confirming():
        imports_actions.confirm_import(db.session.get_one(Import, load_id), seen)

    def discarding():
        imports_actions.discard(db.session.get_one(Import, load_id))

    confirmed, discarded = at_once(app, confirming, discarding)
    db.session.expire_all()
    assert discarded == "done"
    assert db.session.get_one(Import, load_id).state is ImportState.CANCELLED
    # cancelled after it was confirmed it keeps its raw file; cancelled before, it has none and cannot be confirmed
    kept = db.session.scalar(sa.select(sa.func.count()).select_from(ImportChunk))
    assert (confirmed, kept) in (("done", 1), ("This import has begun already.", 0))
