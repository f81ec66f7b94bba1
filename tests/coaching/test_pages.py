"""The pages of coaching: the finished card, the list, the agent's own calls, the scorecard."""

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead
from ops.coaching import defaults, queries
from ops.coaching.models import Comment, Score, Scorecard
from ops.db import db, transaction
from ops.queue.models import Attempt
from ops.scripts.models import ScriptVersion
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from tests.desk.test_outcomes import INES
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_milestone, make_patient, make_user
from tests.writing import own, publish

SCRIPT = """Hello {{ patient_first_name }}, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of
{{ practice_spoken_name }}. Call back at {{ callback_number }}.

## The ask
Who comes to mind? We help {{ helps_best }}.

## "I'd have to think" -> thinking
Of course, take your time.

## "Is it {{ treatment_category }} only?"
No, everything.

## "Not now"
Another day then.

## Voicemail
It is {{ practice_spoken_name }}. Call back at {{ callback_number }}.
"""
ODD = "‮مرحبا 🙂 <script>alert(1)</script> {{ 7*7 }} "
MARKS = {f"mark-{number}": "met" for number in range(1, len(defaults.QUESTIONS) + 1)} | {"version": "1"}


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    practice = make_floor("lake", name="Lake Skin", callback_number="+13125550142")
    publish(own(practice), SCRIPT)
    return practice


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def finished(practice, agent, outcome=Outcome.WILLING, note="She has a sister.", friend=None, **facts) -> Attempt:
    patient = make_patient(practice, "Maria", "Lopez", email="maria@example.com")
    make_milestone(patient)
    make_task(practice, Kind.ASK, patient=patient)
    attempt = record(claim(agent), agent, outcome, note=note, friend=friend)
    if facts:
        with transaction("test"):
            db.session.execute(sa.update(Attempt).where(Attempt.id == attempt.id).values(**facts))
    return attempt


def text_of(page: str) -> str:
    return " ".join(page.split())


def test_a_lead_reads_the_card_as_the_agent_had_it(lake, ann, lead, sign_in):
    attempt = finished(
        lake, ann, friend=INES, opening_said=True, talk_seconds=245, wrap_seconds=130, away_seconds=60,
        answers=["Not now", "I'd have to think", "Long gone answer"],
    )  # fmt: skip
    page = text_of(sign_in(lead).get(f"/coaching/{attempt.id}", expect=200).text)
    for words in (
        "Maria", "Lake Skin", "Referral ask", "Willing", "She has a sister.", "Why it exists", "ticked as said",
        "The ask, version 1", "Hello Maria, this is Ann Agent, calling on behalf of",
        "4 min 05 s", "2 min 10 s", "1 min, not counted", "Done: Willing", "Messages it set off", "Why it was theirs",
        "another task for the same person", "“Long gone answer”",
    ):  # fmt: skip
        assert words in page, words
    assert "Lopez" not in page
    first, second = page.index("</span>1</span> “Not now”"), page.index("</span>2</span> “I&#39;d have to think”")
    assert second < first, "in the order of the script, numbered in the order they came"


def test_an_answer_whose_title_has_a_variable_is_found_as_written_and_as_said(lake, ann, lead, sign_in):
    browser = sign_in(lead)
    for title in ("Is it {{ treatment_category }} only?", "Is it treatment only?"):
        attempt = finished(lake, ann, Outcome.NOT_NOW, answers=[title])
        page = text_of(browser.get(f"/coaching/{attempt.id}", expect=200).text)
        assert "</span>1</span> “Is it" in page
        assert "not in this version" not in page


def test_an_opening_nobody_ticked_is_marked_only_where_somebody_was_spoken_to(lake, ann, lead, sign_in):
    browser = sign_in(lead)
    page = browser.get(f"/coaching/{finished(lake, ann).id}", expect=200).text
    assert "not ticked" in page
    page = browser.get(f"/coaching/{finished(lake, ann, Outcome.NO_ANSWER).id}", expect=200).text
    assert "nobody was spoken to" in page


def test_reading_a_card_is_kept_and_makes_it_read(lake, ann, lead, sign_in):
    attempt, browser = finished(lake, ann), sign_in(lead)
    assert "not read" in browser.get("/coaching", expect=200).text
    browser.get(f"/coaching/{attempt.id}", expect=200)
    kept = db.session.execute(
        sa.select(PatientRead.user_id, PatientRead.patient_id, PatientRead.what, PatientRead.subject_id)
    ).all()
    assert (lead.id, attempt.patient_id, ReadOf.FINISHED_CARD, attempt.id) in kept
    assert 'class="tag">not read' not in browser.get("/coaching", expect=200).text


def test_a_comment_reaches_the_agent_in_the_flow_and_the_answer_comes_back(lake, ann, lead, sign_in):
    attempt = finished(lake, ann)
    here, leads, agents = f"/coaching/{attempt.id}", sign_in(lead), sign_in(ann)
    assert "Lea Lead" not in agents.get("/desk", expect=200).text
    leads.post(f"{here}/comment", data={"words": "Lovely. What did her sister say?"}, expect=303)
    line = "Lea Lead said something about a call of yours"
    assert line in agents.get("/desk", expect=200).text
    for page in ("/desk", "/coaching/mine", here):
        found = agents.get(page, expect=200).text
        assert "1 new from Lea Lead" in found and line not in found, "the line is shown once"
    assert "Lovely. What did her sister say?" in agents.get("/coaching/mine", expect=200).text
    leads.post(f"{here}/comment", data={"words": "And her brother?"}, expect=303)
    assert line in agents.get("/desk", expect=200).text
    agents.post(f"{here}/read", expect=303)
    assert "new from" not in agents.get("/desk", expect=200).text
    agents.post(f"{here}/comment", data={"words": "She will think about it."}, expect=303)
    page = leads.get("/coaching", expect=200).text
    assert "Answers you have not read" in page
    assert "She will think about it." in page
    leads.post(f"{here}/read", expect=303)
    assert "Answers you have not read" not in leads.get("/coaching", expect=200).text


def test_the_next_card_carries_the_notice_too(lake, ann, lead, sign_in):
    attempt = finished(lake, ann)
    sign_in(lead).post(f"/coaching/{attempt.id}/comment", data={"words": "Well done"}, expect=303)
    make_task(lake)
    browser = sign_in(ann)
    browser.post("/desk/next", expect=303)
    page = browser.get("/desk", expect=200).text
    assert "What came of it?" in page
    assert "Lea Lead said something about a call of yours" in page


def test_looking_alone_does_not_make_a_comment_read(lake, ann, lead, sign_in):
    attempt = finished(lake, ann)
    sign_in(lead).post(f"/coaching/{attempt.id}/comment", data={"words": "Well done"}, expect=303)
    browser = sign_in(ann)
    browser.get(f"/coaching/{attempt.id}", expect=200)
    assert "1 new from Lea Lead" in browser.get("/desk", expect=200).text


def test_an_agent_sees_their_own_spoken_of_cards_and_no_others(lake, ann, lead, sign_in):
    silent, spoken = finished(lake, ann), finished(lake, ann)
    sign_in(lead).post(f"/coaching/{spoken.id}/comment", data={"words": "Well done"}, expect=303)
    mine, colleague = sign_in(ann), sign_in(make_user("agent"))
    mine.get(f"/coaching/{spoken.id}", expect=200)
    for browser, attempt in ((mine, silent), (colleague, spoken), (mine, None)):
        here = f"/coaching/{attempt.id if attempt else 987654}"
        browser.get(here, expect=404)
        for verb in ("comment", "read", "score"):
            browser.post(f"{here}/{verb}", data={"words": "Hello"} | MARKS, expect=404)
    mine.post(f"/coaching/{spoken.id}/score", data=MARKS, expect=404)
    for page in ("/coaching", "/coaching/sample", "/coaching/scorecard"):
        mine.get(page, expect=403)
    assert "Well done" not in colleague.get("/coaching/mine", expect=200).text


def test_members_and_strangers_see_nothing_of_it(lake, ann, client, sign_in):
    attempt = finished(lake, ann)
    member = sign_in(make_user("member", lake))
    for page in ("/coaching", "/coaching/mine", "/coaching/scorecard", "/coaching/sample"):
        member.get(page, expect=403)
        assert client.get(page).status_code == 303
    member.get(f"/coaching/{attempt.id}", expect=404)
    for verb in ("comment", "read", "score"):
        member.post(f"/coaching/{attempt.id}/{verb}", data=MARKS, expect=404)
    assert "Coaching" not in member.get("/practices/lake/concerns", expect=200).text


def test_a_lead_marks_a_card_and_the_agent_reads_the_marks(lake, ann, lead, sign_in):
    attempt, browser = finished(lake, ann), sign_in(lead)
    here = f"/coaching/{attempt.id}"
    browser.post(f"{here}/score", data=MARKS | {"mark-3": "partly", "mark-7": "not_applicable"}, expect=303)
    page = text_of(browser.get(here, expect=200).text)
    assert "91<span" in page
    assert "Marked by Lea Lead" in page
    assert "too few to say (1 card, 5 are needed)" in page
    page = text_of(sign_in(ann).get(here, expect=200).text)
    assert "91<span" in page
    assert "Not applicable" in page
    assert "Mark it" not in page


def test_a_form_without_every_mark_keeps_the_others(lake, ann, lead, sign_in):
    attempt, browser = finished(lake, ann), sign_in(lead)
    sent = MARKS | {"mark-2": "missed", "mark-4": "dance"}
    page = browser.post(f"/coaching/{attempt.id}/score", data=sent, expect=422).text
    assert "without a mark: 4" in page
    assert 'value="missed" id="mark-2-missed" checked' in page
    for version in ("", "x", "7", "9" * 30):
        browser.post(f"/coaching/{attempt.id}/score", data=MARKS | {"version": version}, expect=422)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Score)) == 0


def test_nobody_is_offered_to_mark_their_own_call(lake, lead, sign_in):
    attempt, browser = finished(lake, lead), sign_in(lead)
    assert "Mark it" not in browser.get(f"/coaching/{attempt.id}", expect=200).text
    page = browser.post(f"/coaching/{attempt.id}/score", data=MARKS, expect=422).text
    assert "Your own calls are for somebody else to mark" in page


def test_odd_words_are_kept_shown_and_never_run(lake, ann, lead, sign_in):
    attempt, browser, words = finished(lake, ann, note=ODD, answers=[ODD.strip()]), sign_in(lead), ODD + "x" * 10_000
    browser.post(f"/coaching/{attempt.id}/comment", data={"words": words}, expect=303)
    assert db.session.scalars(sa.select(Comment.words)).one() == words
    page = browser.get(f"/coaching/{attempt.id}", expect=200).text
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page
    page = browser.post(f"/coaching/{attempt.id}/comment", data={"words": "y" * 20_001}, expect=422).text
    assert "y" * 20_001 in page
    assert "Please write something" in browser.post(f"/coaching/{attempt.id}/comment", data={}, expect=422).text


def test_one_i_have_not_read_is_given_until_there_is_none(lake, ann, lead, sign_in):
    attempt, browser = finished(lake, ann), sign_in(lead)
    there = browser.get("/coaching/sample", expect=303).location
    assert there == f"/coaching/{attempt.id}"
    browser.get(there, expect=200)
    assert browser.get("/coaching/sample?kind=ask", expect=303).location == "/coaching?kind=ask"
    assert "You have read every card of the last 14 days" in browser.get("/coaching", expect=200).text


def test_the_list_takes_any_question_and_keeps_it_in_its_links(lake, ann, lead, sign_in, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 1)
    for _ in range(2):
        finished(lake, ann)
    browser = sign_in(lead)
    page = browser.get(f"/coaching?agent={ann.id}&no_opening=y", expect=200).text
    older = page.partition('href="')[2] and next(
        part.partition('"')[0]
        for part in page.split('href="')
        if part.startswith("/coaching?agent") and "before" in part
    )
    page = browser.get(older.replace("&amp;", "&"), expect=200).text
    assert "Newest" in page
    for odd in (
        "agent=x",
        "agent=" + "9" * 30,
        "practice=-1",
        "kind=dance",
        "outcome=%F0%9F%98%80",
        "days=8",
        "read=z",
    ):
        assert "Referral ask: Willing" in browser.get(f"/coaching?{odd}", expect=200).text
    assert "No finished card fits" in browser.get("/coaching?long_wrap=y", expect=200).text
    for before in ("x", "~", "2026-01-01~1", "2026-01-01T00:00:00+00:00~x"):
        browser.get("/coaching", query_string={"before": before}, expect=200)


def test_an_empty_floor_and_an_empty_page_of_ones_own_say_what_will_stand_there(app, ann, lead, sign_in):
    assert "Nobody has finished a card yet" in sign_in(lead).get("/coaching", expect=200).text
    assert "Nobody has said anything about your calls yet" in sign_in(ann).get("/coaching/mine", expect=200).text


def rows(*questions, version="1", extra=0) -> dict:
    sent = {"version": version}
    for number, (words, weight, critical) in enumerate([*questions, *[("", "", False)] * extra], 1):
        sent |= {f"words-{number}": words, f"weight-{number}": weight} | (
            {f"critical-{number}": "y"} if critical else {}
        )
    return sent


def test_a_lead_changes_the_scorecard_and_sees_the_versions_before(app, lead, sign_in):
    browser = sign_in(lead)
    assert "Asked the specific question" in browser.get("/coaching/scorecard", expect=200).text
    browser.post("/coaching/scorecard", data=rows(("Smiled", "4", False), ("Greeted", "9", True), extra=2), expect=303)
    page = browser.get("/coaching/scorecard", expect=200).text
    assert "Version 2, Lea Lead" in page
    assert "Version 1, the product" in page
    newest = db.session.scalars(sa.select(Scorecard).order_by(Scorecard.number.desc()).limit(1)).one()
    assert [(one.words, one.weight, one.critical) for one in newest.questions] == [
        ("Smiled", 4, False),
        ("Greeted", 9, True),
    ]


def test_a_scorecard_that_cannot_be_is_said_to_be_and_nothing_typed_is_lost(app, lead, sign_in):
    browser = sign_in(lead)
    for weight in ("", "x", "0", "11", "-3", "1.5", "9" * 30):
        page = browser.post("/coaching/scorecard", data=rows((ODD, weight, True)), expect=422).text
        assert "{{ 7*7 }}" in page
        assert "<script>alert" not in page
    assert "at least one" in browser.post("/coaching/scorecard", data=rows(extra=3), expect=422).text
    assert "at least one" in browser.post("/coaching/scorecard", data={}, expect=422).text
    do_twice = rows(("Smiled", "4", False))
    browser.post("/coaching/scorecard", data=do_twice, expect=303)
    page = browser.post("/coaching/scorecard", data=rows(("Waved", "4", False)), expect=422).text
    assert "Somebody changed the scorecard meanwhile" in page
    assert "Waved" in page
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Scorecard)) == 2
    assert do(queries.scorecards)[0].number == 2


def test_a_finished_card_shows_the_parts_the_agent_had_whatever_the_values_say(lake, ann, lead, sign_in):
    attempt = finished(lake, ann, answers=["Not now"])
    with transaction("test"):
        lake.helps_best = "everybody\n\n## Voicemail\nCall us"
        db.session.add(lake)
    page = sign_in(lead).get(f"/coaching/{attempt.id}", expect=200).text
    assert page.count("On a machine") <= 1
    version = db.session.get_one(ScriptVersion, attempt.script_version_id)
    with transaction("test"):
        db.session.execute(
            sa.update(ScriptVersion)
            .where(ScriptVersion.id == version.id)
            .values(body='{% if patient_first_name == "Maria" %}{{ "now" | date: "%Y" }}{% endif %}Hello')
        )
    assert "Not now" in sign_in(lead).get(f"/coaching/{attempt.id}", expect=200).text


def test_a_comment_on_an_outcome_that_was_taken_back_is_given_back_to_its_writer(lake, ann, lead, sign_in):
    browser = sign_in(lead)
    page = browser.post("/coaching/999/comment", data={"words": "Well done, really."}, expect=409).text
    assert "taken back" in page and "Well done, really." in page
    browser.post("/coaching/999/comment", data={"words": ""}, expect=404)
