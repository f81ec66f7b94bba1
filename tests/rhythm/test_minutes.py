"""How long a card took: measured honestly, and put right by who knows better."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db, transaction
from ops.errors import Refused
from ops.queue.models import Attempt, Share
from ops.rhythm.actions.correcting import NotTheirs, correct_minutes
from ops.rhythm.minutes import counted_minutes
from ops.rhythm.models import MinuteCorrection
from ops.work.outcomes import Outcome
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_user

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("elapsed", "away", "minutes"),
    [
        (0, 0, 0),
        (90, 0, 1.5),
        (600, 120, 8),
        (600, 600, 0),
        (600, 900, 0),  # more away than there was
        (600, -50, 10),
        (-30, 0, 0),  # a clock that was set back
        (7200, 0, 60),
        (7200, 3900, 55),
        (7200, 30, 60),
        (1, 0, 0.02),
    ],
)
def test_minutes_are_what_is_left_of_the_time_somebody_was_there(elapsed, away, minutes):
    assert counted_minutes(elapsed, away) == minutes


def test_another_cap_can_be_set():
    assert counted_minutes(7200, 0, cap=90) == 90


@pytest.fixture(autouse=True)
def clock_():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


@pytest.fixture
def attempt(ann, clock_):
    """Eight minutes of Ann's for a practice."""
    make_task(make_floor("lake", name="Lake Skin"))
    task = claim(ann)
    clock_.tick(8 * MINUTE)
    return record(task, ann, Outcome.WILLING)


def correct(attempt, user, minutes, reason="The page was open over lunch"):
    return do(correct_minutes, attempt.id, user, Decimal(str(minutes)), reason, user.actor, by=user.actor)


def minutes_of(attempt) -> Decimal:
    db.session.expire_all()
    return db.session.get_one(Attempt, attempt.id).minutes


def charged(attempt) -> Decimal:
    db.session.expire_all()
    return db.session.get_one(Share, attempt.practice_id).minutes_charged


def corrections() -> list[tuple]:
    rows = sa.select(MinuteCorrection.before, MinuteCorrection.after, MinuteCorrection.actor)
    return [tuple(row) for row in db.session.execute(rows.order_by(MinuteCorrection.id))]


def test_a_correction_changes_the_attempt_and_charges_the_practice_the_difference(attempt, ann):
    before = charged(attempt)
    assert before == 8
    correct(attempt, ann, 5.5)
    assert (minutes_of(attempt), charged(attempt)) == (Decimal("5.5"), Decimal("5.5"))
    assert corrections() == [(8, Decimal("5.5"), ann.actor)]


def test_the_virtual_time_of_the_practice_follows(attempt, ann):
    share = db.session.get_one(Share, attempt.practice_id)
    was, hours = share.virtual_time, float(share.hours)
    correct(attempt, ann, 4)
    db.session.expire_all()
    assert db.session.get_one(Share, attempt.practice_id).virtual_time == pytest.approx(was - 4 / hours)


def test_the_same_again_is_one(attempt, ann):
    first = correct(attempt, ann, 5)
    assert correct(attempt, ann, 5).id == first.id
    assert (len(corrections()), charged(attempt)) == (1, 5)


def test_the_minutes_it_has_already_are_no_correction(attempt, ann, lead):
    with pytest.raises(Refused, match="8 minutes already"):
        correct(attempt, ann, 8)
    correct(attempt, ann, 5)
    with pytest.raises(Refused, match="already"):
        correct(attempt, lead, 5)


def test_another_correction_undoes_the_first(attempt, ann, lead):
    correct(attempt, ann, 5)
    correct(attempt, lead, 8, "It was right")
    assert (minutes_of(attempt), charged(attempt)) == (8, 8)
    assert [row[:2] for row in corrections()] == [(8, 5), (5, 8)]


@pytest.mark.parametrize("minutes", ["-0.01", "60.01", "1e9", "NaN", "Infinity", "-Infinity"])
def test_minutes_out_of_range_are_refused(attempt, ann, minutes):
    with pytest.raises(Refused, match="0 to 60"):
        correct(attempt, ann, minutes)
    assert (minutes_of(attempt), corrections()) == (8, [])


@pytest.mark.parametrize("minutes", [0, 60])
def test_the_ends_of_the_range_are_taken(attempt, ann, minutes):
    correct(attempt, ann, minutes)
    assert minutes_of(attempt) == minutes


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_a_reason_is_required(attempt, ann, reason):
    with pytest.raises(Refused, match="say why"):
        correct(attempt, ann, 5, reason)


def test_agents_correct_their_own_of_the_last_day_only(attempt, ann, clock_):
    with pytest.raises(NotTheirs):
        correct(attempt, make_user("agent"), 5)
    clock_.move_to(attempt.at + timedelta(hours=24))
    correct(attempt, ann, 5)
    clock_.tick(timedelta(seconds=1))
    with pytest.raises(Refused, match="a lead can still do it"):
        correct(attempt, ann, 4)


def test_leads_correct_anybodys_of_the_last_forty_days(attempt, lead, clock_):
    clock_.move_to(attempt.at + timedelta(days=40))
    correct(attempt, lead, 5)
    clock_.tick(timedelta(seconds=1))
    with pytest.raises(Refused, match="40 days"):
        correct(attempt, lead, 4)


def test_an_attempt_that_is_not_there_is_nobodys(lead):
    with pytest.raises(NotTheirs):
        do(correct_minutes, 987654, lead, Decimal(1), "why", lead.actor)


def test_a_correction_is_never_changed_but_goes_with_its_attempt(attempt, ann):
    correct(attempt, ann, 5)
    with pytest.raises(sa.exc.IntegrityError, match="append only"), transaction("test") as session:
        session.execute(sa.update(MinuteCorrection).values(reason="something else"))
    with transaction("test") as session:
        session.execute(sa.delete(Attempt))
    assert corrections() == []


def test_two_at_once_are_charged_one_after_the_other(app, attempt, ann, lead):
    """Both say another number: the ledger has what the attempt says in the end."""
    problems: list[BaseException] = []

    def say(user_id: int, actor: str, minutes: int) -> None:
        from ops.accounts.models import User

        with app.app_context():
            try:
                with transaction(actor) as session:
                    user = session.get_one(User, user_id)
                    correct_minutes(attempt_id, user, Decimal(minutes), f"says {actor}", actor)
            except BaseException as problem:
                problems.append(problem)
            finally:
                db.session.remove()

    attempt_id = attempt.id
    given = [(ann.id, ann.actor, 5), (lead.id, lead.actor, 3), (ann.id, ann.actor, 7), (lead.id, lead.actor, 2)]
    threads = [threading.Thread(target=say, args=one) for one in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(corrections()) == 4
    assert minutes_of(attempt) == charged(attempt)
