"""My day, breaks, corrected minutes and the desk's settings, as agents and leads meet them."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db
from ops.queue.models import Attempt
from ops.rhythm import queries
from ops.rhythm.actions.correcting import correct_minutes
from ops.rhythm.models import Break, DeskSettings, MinuteCorrection
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.floors import NOON, claim, do, fresh, make_floor, make_task, record
from tests.world import make_user

MINUTE = timedelta(minutes=1)
SET = {"wrap_up": "timed", "wrap_up_seconds": "45", "idle_seconds": "90"}
SET |= {"unused_numbers": "12", "numbers_an_hour": "90"}


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
def lake(app):
    return make_floor("lake", name="Lake Skin", spoken_name="Lake")


def finish(agent, practice, clock_, minutes=8, outcome=Outcome.WILLING, **words) -> Attempt:
    make_task(practice)
    task = claim(agent)
    clock_.tick(minutes * MINUTE)
    return record(task, agent, outcome, **words)


def count(table) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(table))


def test_the_desk_says_since_when_and_offers_one_way_back(ann, lake, sign_in, clock_):
    make_task(lake)
    desk = sign_in(ann)
    assert desk.post("/desk/break", data={"kind": "break"}, expect=303).location == "/desk"
    clock_.tick(9 * MINUTE)  # later they would be signed out, as they should
    page = desk.get("/desk", expect=200).text
    assert "On a break since" in page and "(9 min)" in page and "Back to work" in page
    assert "Next task" not in page
    desk.post("/desk/next", expect=303)
    assert "On a break since" in desk.get("/desk", expect=200).text
    desk.post("/desk/back", expect=303)
    assert "Next task" in desk.get("/desk", expect=200).text


def test_going_with_an_open_card_says_first_that_it_goes_back(ann, lake, sign_in):
    task = make_task(lake)
    desk = sign_in(ann)
    desk.post("/desk/next", expect=303)
    there = desk.post("/desk/break", data={"kind": "lunch"}, expect=303).location
    page = desk.get(there, expect=200).text
    assert "You have a card open" in page and "for Lake." in page
    assert fresh(task).state is TaskState.CLAIMED
    stale = {"kind": "lunch", "sure": "y", "task": task.id, "fence": 7}
    assert desk.post("/desk/break", data=stale, expect=303).location == there
    assert fresh(task).state is TaskState.CLAIMED
    desk.post("/desk/break", data=stale | {"fence": fresh(task).fence}, expect=303)
    assert fresh(task).state is TaskState.WAITING
    assert "At lunch since" in desk.get("/desk", expect=200).text


def test_going_names_the_callbacks_of_the_next_hour(ann, lake, sign_in, clock_):
    finish(ann, lake, clock_, outcome=Outcome.CALLBACK, callback_at=NOON + 40 * MINUTE)
    desk = sign_in(ann)
    page = desk.get(desk.post("/desk/break", data={"kind": "break"}, expect=303).location, expect=200).text
    assert "Your callback at <strong>12:40 PM CDT</strong> for Lake Skin is in 32 minutes" in page
    assert not queries.on_break(ann.id)
    desk.post("/desk/break", data={"kind": "break", "sure": "y"}, expect=303)
    assert queries.on_break(ann.id)


def test_done_for_the_day_names_what_others_get_then(ann, lake, sign_in, clock_):
    finish(ann, lake, clock_, outcome=Outcome.CALLBACK, callback_at=NOON + 180 * MINUTE)
    desk = sign_in(ann)
    assert desk.post("/desk/break", data={"kind": "break"}, expect=303).location == "/desk"
    page = desk.get(desk.post("/desk/done", expect=303).location, expect=200).text
    assert "Your callback at <strong>3:00 PM CDT</strong> for Lake Skin then goes to whoever is free" in page
    desk.post("/desk/done", data={"sure": "y"}, expect=303)
    page = desk.get("/desk", expect=200).text
    assert "Done for the day since" in page and "Start again" in page
    assert queries.callbacks(ann.id) == []


@pytest.mark.parametrize("kind", ["", "holiday", "done", "💤"])
def test_a_break_of_no_kind_is_no_break(ann, sign_in, kind):
    sign_in(ann).post("/desk/break", data={"kind": kind}, expect=400)
    assert count(Break) == 0


def test_asking_before_a_break_of_no_kind_is_not_found(ann, sign_in):
    desk = sign_in(ann)
    desk.get("/desk/break?kind=holiday", expect=404)
    assert "Nothing of yours waits" in desk.get("/desk/break?kind=training", expect=200).text


def test_looking_changes_nothing(ann, lake, sign_in):
    task = make_task(lake)
    desk = sign_in(ann)
    desk.post("/desk/next", expect=303)
    for address in ("/desk/break?kind=done", "/my-day", "/desk"):
        desk.get(address, expect=200)
    assert (count(Break), fresh(task).state) == (0, TaskState.CLAIMED)


def test_my_day_shows_what_it_brought(ann, lake, sign_in, clock_):
    finish(ann, lake, clock_)
    finish(ann, lake, clock_, 5, Outcome.NO_ANSWER)
    finish(ann, lake, clock_, 2, Outcome.CALLBACK, callback_at=NOON + 60 * MINUTE)
    clock_.move_to(NOON + 80 * MINUTE)
    page = " ".join(sign_in(ann).get("/my-day", expect=200).text.split())
    assert "<dt>Cards done</dt><dd>3</dd>" in page
    assert "<dt>Talks</dt><dd>2 <small>of 3</small></dd>" in page
    assert "15 min" in page
    assert "of 1 due" in page and "1 missed" in page
    assert "overdue, 20 minutes ago" in page
    for words in ("Lake Skin", "Referral ask", "No answer", "12:08 PM CDT"):
        assert words in page


def test_an_empty_day_says_so(ann, sign_in):
    page = sign_in(ann).get("/my-day", expect=200).text
    assert "No card is finished yet" in page and "promised nobody" in page


def test_my_day_is_mine_alone(ann, lake, sign_in, client, clock_):
    finish(ann, lake, clock_)
    colleague = make_user("agent")
    assert "Lake Skin" not in sign_in(colleague).get("/my-day", expect=200).text
    for stranger in (make_user("admin"), make_user("member", lake)):
        sign_in(stranger).get("/my-day", expect=403)
    client.get("/my-day", expect=303)


def test_an_agent_puts_their_own_minutes_right(ann, lake, sign_in, clock_):
    attempt = finish(ann, lake, clock_)
    desk = sign_in(ann)
    told = {"minutes": "3.5", "reason": "Doorbell <b>&</b> 🐕"}
    desk.post(f"/attempts/{attempt.id}/minutes", data=told, expect=303)
    page = desk.get("/my-day", expect=200).text
    assert "was 8.0: Doorbell &lt;b&gt;&amp;&lt;/b&gt; 🐕" in page
    assert db.session.get_one(Attempt, attempt.id).minutes == Decimal("3.5")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"minutes": "61", "reason": "every word"}, "0 to 60"),
        ({"minutes": "-1", "reason": "every word"}, "0 to 60"),
        ({"minutes": "NaN", "reason": "every word"}, "0 to 60"),
        ({"minutes": "nine", "reason": "every word"}, "decimal"),
        ({"minutes": "", "reason": "every word"}, "how many minutes"),
        ({"minutes": "5", "reason": ""}, "say why"),
        ({"minutes": "5", "reason": "   "}, "say why"),
        ({"minutes": "5", "reason": "x" * 501}, "shorter"),
        ({"minutes": "8", "reason": "every word"}, "already"),
    ],
)
def test_bad_minutes_are_a_clear_error_and_lose_nothing(ann, lake, sign_in, clock_, typed, says):
    attempt = finish(ann, lake, clock_)
    page = sign_in(ann).post(f"/attempts/{attempt.id}/minutes", data=typed, expect=422).text
    assert says in page and 'role="alert"' in page
    assert f'value="{typed["reason"]}"' in page and f'value="{typed["minutes"]}"' in page
    assert count(MinuteCorrection) == 0


def test_nobody_else_reaches_my_minutes(ann, lake, sign_in, clock_):
    attempt = finish(ann, lake, clock_)
    for outsider in (make_user("agent"), make_user("member", lake)):
        address = f"/attempts/{attempt.id}/minutes"
        sign_in(outsider).post(address, data={"minutes": "1", "reason": "mine"}, expect=404)
        sign_in(outsider).post(address, data={"back": "floor"}, expect=404)
    assert count(MinuteCorrection) == 0


def test_a_lead_sees_corrections_and_undoes_one(ann, lead, lake, sign_in, clock_):
    attempt = finish(ann, lake, clock_)
    do(correct_minutes, attempt.id, ann, Decimal(3), "Lunch", ann.actor)
    floor = sign_in(lead)
    page = floor.get("/floor/minutes", expect=200).text
    assert "8.0 → 3.0" in page and "Ann Agent" in page and "Lunch" in page and "Undo" in page
    undo = {"minutes": "8", "reason": "It was right", "back": "floor"}
    assert floor.post(f"/attempts/{attempt.id}/minutes", data=undo, expect=303).location == "/floor/minutes"
    page = floor.get("/floor/minutes", expect=200).text
    assert "3.0 → 8.0" in page and "Lea Lead" in page
    bad = floor.post(f"/attempts/{attempt.id}/minutes", data=undo | {"minutes": "99"}, expect=422).text
    assert "0 to 60" in bad and "Corrected minutes" in bad


def test_a_lead_finds_an_agents_cards(ann, lead, lake, sign_in, clock_):
    finish(ann, lake, clock_)
    floor = sign_in(lead)
    assert "The longest cards" in floor.get("/floor/minutes", expect=200).text
    assert "Cards of Ann Agent" in floor.get(f"/floor/minutes?agent={ann.id}", expect=200).text
    for odd in ("0", "-1", "x", "²", "9" * 30, "999999"):
        assert "The longest cards" in floor.get(f"/floor/minutes?agent={odd}", expect=200).text


def test_leads_see_on_the_floor_who_works_and_who_is_on_a_break(ann, lead, lake, sign_in, clock_):
    finish(ann, lake, clock_)
    sign_in(ann).post("/desk/break", data={"kind": "lunch"}, expect=303)
    clock_.tick(20 * MINUTE)
    make_user("agent", present=False)
    page = sign_in(lead).get("/floor", expect=200).text
    assert "At lunch" in page and "1 card, 8 min" in page and "on break 20 min" in page
    assert "Not here" in page


def test_a_lead_sets_the_desk(lead, sign_in):
    floor = sign_in(lead)
    assert "Nobody has changed anything" in floor.get("/floor/desk", expect=200).text
    floor.post("/floor/desk", data=SET, expect=303)
    page = floor.get("/floor/desk", expect=200).text
    assert 'value="45"' in page and "Lea Lead" in page and "nobody there after 90 seconds" in page


@pytest.mark.parametrize(
    "wrong",
    [{"wrap_up": "never"}, {"wrap_up": ""}, {"wrap_up_seconds": "14"}, {"idle_seconds": "x"}, {"idle_seconds": ""}],
)
def test_a_desk_that_cannot_be_is_refused_and_what_was_typed_stays(lead, sign_in, wrong):
    page = sign_in(lead).post("/floor/desk", data=SET | wrong, expect=422).text
    assert 'value="45"' in page or "14" in page
    assert count(DeskSettings) == 0


def test_the_leads_pages_are_for_leads_and_admins(ann, lake, sign_in, client):
    for outsider in (ann, make_user("member", lake)):
        browser = sign_in(outsider)
        for address in ("/floor/minutes", "/floor/desk"):
            browser.get(address, expect=403)
        browser.post("/floor/desk", data=SET, expect=403)
    for insider in (make_user("lead"), make_user("admin")):
        for address in ("/floor/minutes", "/floor/desk"):
            sign_in(insider).get(address, expect=200)
    assert client.get("/floor/desk").status_code == 303
    assert count(DeskSettings) == 0
