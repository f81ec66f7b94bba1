"""The pages about concerns: the agency's list, the practice's own, and the count beside the navigation."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead
from ops.concerns import actions
from ops.concerns.models import Concern
from ops.db import db, see_only
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_patient, make_user

WORDS = "The left side is uneven <b>and</b> {{ nobody }} called back. 🙁"


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def unhappy(practice, note=WORDS, first="Maria", last="Lopez") -> int:
    agent = make_user("agent", name="Ann Agent")
    make_task(practice, patient=make_patient(practice, first, last))
    attempt = record(claim(agent), agent, Outcome.NOT_HAPPY, note=note)
    return db.session.scalars(sa.select(Concern.id).where(Concern.attempt_id == attempt.id)).one()


def fresh(concern_id: int) -> Concern:
    return db.session.get_one(Concern, concern_id, populate_existing=True)


def test_every_page_of_leads_and_admins_counts_open_concerns_and_nobody_elses_does(lake, sign_in, lead):
    unhappy(lake)
    for user, page in ((lead, "/queue"), (make_user("admin"), "/people")):
        assert "1 open, 1 that no lead has seen" in sign_in(user).get(page, expect=200).text
    agent, member = make_user("agent"), make_user("member", lake)
    assert "no lead has seen" not in sign_in(agent).get("/desk", expect=200).text
    assert "no lead has seen" not in sign_in(member).get("/practices/lake/concerns", expect=200).text


def test_a_lead_reads_who_said_what_to_whom_and_what_was_before(lake, sign_in, lead):
    unhappy(lake)
    page = sign_in(lead).get("/concerns", expect=200).text
    for words in ("Maria", "Lake Skin", "Ann Agent", "Referral ask", "Was not happy", "No email server is set up"):
        assert words in page
    assert "The left side is uneven &lt;b&gt;and&lt;/b&gt; {{ nobody }}" in page
    assert "Lopez" not in page


def test_a_lead_takes_it_and_settles_it(lake, sign_in, lead):
    which, browser = unhappy(lake), sign_in(lead)
    browser.post(f"/concerns/{which}/seen", expect=303)
    assert "Lea Lead has it since" in browser.get("/concerns", expect=200).text
    page = browser.post(f"/concerns/{which}/settled", data={"words": "  "}, expect=422).text
    assert "Please write what was done" in page
    browser.post(f"/concerns/{which}/settled", data={"words": "Called her."}, expect=303)
    assert "Nothing is open" in browser.get("/concerns", expect=200).text
    settled = browser.get("/concerns?shelf=settled", expect=200).text
    assert "Settled by Lea Lead" in settled
    assert "Called her." in settled


def test_what_a_lead_typed_survives_a_colleague_who_was_faster(lake, sign_in, lead):
    which = unhappy(lake)
    do(actions.settle, which, "Done.", "user:1")
    page = sign_in(lead).post(f"/concerns/{which}/settled", data={"words": "My own words"}, expect=422).text
    assert "Somebody settled it just before you" in page
    assert "My own words" in page


def test_the_list_is_narrowed_by_practice_and_state(lake, sign_in, lead):
    unhappy(lake)
    unhappy(make_floor("river", name="River Derm"), first="Paula")
    browser = sign_in(lead)
    page = browser.get("/concerns?practice=river", expect=200).text
    assert "Paula" in page
    assert "Maria" not in page
    for odd in ("shelf=zzz", "practice=nowhere", "before=open~x~1", "before=~~", "before=open~2026-01-01~5"):
        assert "Maria" in browser.get(f"/concerns?{odd}", expect=200).text
    assert "Nothing further back" in browser.get("/concerns?before=open~2020-01-01T00:00:00%2B00:00~5").text


def test_a_member_reads_their_own_practices_patients_by_name_and_writes_back(lake, sign_in, lead):
    which, member = unhappy(lake), make_user("member", lake)
    unhappy(make_floor("river"), first="Paula", note="Secret of river")
    browser = sign_in(member)
    assert browser.get("/concerns", expect=303).location.endswith("/practices/lake/concerns")
    page = browser.get("/practices/lake/concerns", expect=200).text
    assert "Maria Lopez" in page
    assert "Paula" not in page
    assert "Secret of river" not in page
    answer = f"/practices/lake/concerns/{which}/answer"
    assert "Please write what you did" in browser.post(answer, data={"words": ""}, expect=422).text
    browser.post(answer, data={"words": "She comes on Thursday."}, expect=303)
    assert fresh(which).answered_by == member.actor
    assert "She comes on Thursday." in browser.get("/practices/lake/concerns", expect=200).text
    page = browser.post(answer, data={"words": "Second thoughts"}, expect=422).text
    assert "A colleague wrote back just before you" in page
    assert "Second thoughts" in page
    page = sign_in(lead).get("/concerns", expect=200).text
    assert "the practice answered" in page
    assert "She comes on Thursday." in page


def test_a_member_of_two_practices_chooses_and_one_of_none_is_told_so(lake, sign_in):
    from ops.accounts import actions as accounts

    river = make_floor("river", name="River Derm")
    both = do(accounts.add_user, "both@example.com", name="Both", role="member", practice_ids=[lake.id, river.id])
    page = sign_in(both).get("/concerns", expect=200).text
    assert "Lake Skin" in page
    assert "River Derm" in page
    assert "not a member of a practice" in sign_in(make_user("member")).get("/concerns", expect=200).text


def test_strangers_agents_and_members_of_other_practices_get_nothing(lake, client, sign_in):
    which = unhappy(lake)
    assert client.get("/concerns").status_code == 303
    agent, outsider = make_user("agent"), make_user("member", make_floor("river"))
    sign_in(agent).get("/concerns", expect=403)
    for user in (agent, outsider):
        browser = sign_in(user)
        browser.get("/practices/lake/concerns", expect=404)
        browser.post(f"/practices/lake/concerns/{which}/answer", data={"words": "Mine"}, expect=404)
        for verb in ("seen", "settled"):
            browser.post(f"/concerns/{which}/{verb}", data={"words": "Mine"}, expect=404)
    sign_in(outsider).post(f"/practices/river/concerns/{which}/answer", data={"words": "Mine"}, expect=404)
    assert (fresh(which).answer, fresh(which).seen_at, fresh(which).settled_at) == (None, None, None)


def test_the_wall_in_the_database_shows_a_practice_its_own_and_lets_it_write_an_answer_only(lake):
    which, river = unhappy(lake), make_floor("river")
    see_only(river.id)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Concern)) == 0
    assert db.session.execute(sa.update(Concern).values(answer="x", answered_by="x", answered_at=NOON)).rowcount == 0
    see_only(lake.id)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Concern)) == 1
    for statement in (
        sa.update(Concern).values(words="never said"),
        sa.update(Concern).values(settled_at=NOON),
        sa.delete(Concern),
        sa.text("SELECT * FROM staff_mails"),
        sa.text("SELECT * FROM coaching_comments"),
        sa.text("SELECT * FROM scores"),
    ):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            db.session.execute(statement)
        db.session.rollback()
    db.session.info.pop("practice_id")
    db.session.rollback()
    assert fresh(which).words == WORDS


def test_who_read_it_is_kept(lake, sign_in, lead):
    which, member = unhappy(lake), make_user("member", lake)
    sign_in(lead).get("/concerns", expect=200)
    sign_in(member).get("/practices/lake/concerns", expect=200)
    marked = sa.select(PatientRead.user_id).where(PatientRead.shows(ReadOf.CONCERN, which))
    assert set(db.session.scalars(marked)) == {lead.id, member.id}


def test_long_and_odd_words_are_kept_as_they_are(lake, sign_in, lead):
    odd = "‮مرحبا 🙁 <script>alert(1)</script> {{ 7*7 }} " + "x" * 10_000
    which = unhappy(lake, note=odd)
    browser = sign_in(lead)
    assert "<script>alert" not in browser.get("/concerns", expect=200).text
    browser.post(f"/concerns/{which}/settled", data={"words": odd}, expect=303)
    assert fresh(which).done == odd
    which = unhappy(lake)
    page = browser.post(f"/concerns/{which}/settled", data={"words": "y" * 20_001}, expect=422).text
    assert "at most 20,000 characters" in page


def test_an_empty_list_says_what_will_stand_there(lake, sign_in, lead):
    assert "Nothing is open" in sign_in(lead).get("/concerns", expect=200).text
    member = make_user("member", lake)
    assert "Nobody told us that they were unhappy" in sign_in(member).get("/practices/lake/concerns", expect=200).text


def test_the_page_that_says_something_broke_asks_the_database_nothing(app, sign_in, lead, monkeypatch):
    browser = sign_in(lead)
    monkeypatch.setattr("ops.concerns.queries.open_counts", lambda: 1 / 0)
    browser.get("/nowhere", expect=404)
