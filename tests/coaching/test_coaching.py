"""What leads do with finished cards, and what agents are told: scores, comments, scorecards, samples."""

from collections import Counter
from datetime import timedelta
from threading import Thread

import pytest
import sqlalchemy as sa
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from ops.accounts.models import AuditEntry
from ops.bench.desk_server import counted
from ops.coaching import actions, defaults, marking, notices, queries
from ops.coaching.models import Comment, Mark, Question, Score, Scorecard
from ops.coaching.queries import Search
from ops.db import db, transaction
from ops.errors import Refused
from ops.practices.actions import note_read
from ops.practices.models import Patient
from ops.queue.models import Attempt
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.reads import ReadOf
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_user

MET, PARTLY, MISSED, NA = Mark.MET, Mark.PARTLY, Mark.MISSED, Mark.NOT_APPLICABLE
ALL_MET = dict.fromkeys(range(1, len(defaults.QUESTIONS) + 1), MET)


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def lead(app):
    return make_user("lead", name="Lea Lead")


def finished(practice, agent, outcome=Outcome.NOT_NOW, kind=Kind.ASK, **facts) -> Attempt:
    """A card the agent finished; `facts` are what the desk measured."""
    make_task(practice, kind)
    attempt = record(claim(agent), agent, outcome, note="A note")
    with transaction("test"):
        db.session.execute(sa.update(Attempt).where(Attempt.id == attempt.id).values(**facts)) if facts else None
    return attempt


def comment(attempt, author, words="Well done") -> Comment:
    return do(actions.comment, attempt.id, words, author, by=author.actor)


def mark(attempt, lead, marks=ALL_MET, version=1) -> Score:
    return do(actions.score, attempt.id, version, marks, lead, by=lead.actor)


def look(attempt, reader) -> None:
    with transaction(reader.actor):
        note_read(reader, db.session.get_one(Patient, attempt.patient_id), ReadOf.FINISHED_CARD, attempt.id)


def test_points_are_the_share_of_the_weights_that_was_met():
    assert marking.points([(8, False, MET), (2, False, MISSED)]) == 80
    assert marking.points([(1, False, MET), (1, False, MET), (1, False, MISSED)]) == 67
    assert marking.points([(3, False, MISSED)]) == 0


def test_partly_counts_half_and_a_half_point_goes_up():
    assert marking.points([(4, False, PARTLY)]) == 50
    assert marking.points([(5, False, PARTLY), (3, False, MET), (12, False, MISSED)]) == 28
    assert marking.points([(1, False, PARTLY), (99, False, MISSED)]) == 1


def test_what_does_not_apply_is_left_out_and_nothing_applicable_is_no_score():
    assert marking.points([(10, False, NA), (1, False, MET)]) == 100
    assert marking.points([(10, True, NA), (3, False, NA)]) is None
    assert marking.points([]) is None


def test_a_critical_question_missed_makes_it_nothing_but_partly_or_not_applicable_does_not():
    rest = [(10, False, MET)] * 5
    assert marking.points([(1, True, MISSED), *rest]) == 0
    assert marking.points([(1, True, PARTLY), *rest]) == 99
    assert marking.points([(1, True, NA), *rest]) == 100


@given(st.lists(st.tuples(st.integers(1, 10), st.booleans(), st.sampled_from(list(Mark))), max_size=20))
def test_points_stay_in_their_range_and_a_better_mark_never_lowers_them(marked):
    points = marking.points(marked)
    assert points is None or 0 <= points <= 100
    for number, (weight, critical, was) in enumerate(marked):
        if was is not NA:
            better = [*marked[:number], (weight, critical, MET), *marked[number + 1 :]]
            assert marking.points(better) >= points


def test_an_average_of_few_cards_is_not_told():
    assert marking.average([90] * 4) == marking.Average(4)
    assert marking.average([]) == marking.Average(0)
    assert marking.average([90] * 5).mean == 90


@pytest.mark.parametrize(("freedom", "table"), [(4, 2.776), (9, 2.262), (15, 2.131), (30, 2.042), (100, 1.984)])
def test_the_interval_is_students(freedom, table):
    assert marking._t_975(freedom) == pytest.approx(table, abs=0.005)


def test_the_interval_holds_the_mean_stays_in_range_and_narrows_with_cards():
    few, many = marking.average([80, 90, 70, 100, 60]), marking.average([80, 90, 70, 100, 60] * 5)
    assert few.low < many.low < 80 < many.high < few.high
    assert few.mean == 80
    assert marking.average([100, 100, 100, 100, 80]).high == 100


def test_the_first_mark_makes_the_default_scorecard_and_only_once(lake, ann, lead):
    assert queries.current_scorecard().number == 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Scorecard)) == 0
    for _ in range(2):
        mark(finished(lake, ann), lead)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Scorecard)) == 1
    kept = queries.current_scorecard()
    assert [(one.words, one.weight, one.critical) for one in kept.questions] == list(defaults.QUESTIONS)


def test_the_duties_at_the_start_of_a_call_are_critical_by_default():
    assert [critical for _, _, critical in defaults.QUESTIONS][:2] == [True, True]


def test_a_card_is_marked_as_a_whole(lake, ann, lead):
    attempt = finished(lake, ann)
    with pytest.raises(Refused, match="without a mark: 2, 3"):
        mark(attempt, lead, {one: MET for one in ALL_MET if one not in (2, 3)})
    assert mark(attempt, lead, ALL_MET | {3: MISSED}).points == 84


def test_a_card_marked_again_is_changed_and_new_for_the_agent(lake, ann, lead):
    attempt = finished(lake, ann)
    mark(attempt, lead)
    do(actions.read, attempt.id, ann)
    assert notices.notice_for(ann.id) is None
    mark(attempt, lead, ALL_MET | {1: MISSED})
    assert notices.notice_for(ann.id).calls == 1
    assert db.session.scalars(sa.select(Score.points)).all() == [0]
    told = db.session.scalars(sa.select(AuditEntry.change).where(AuditEntry.table_name == "scores")).all()
    assert Counter(told) == {"insert": 2, "update": 1, "delete": 1}


def test_nobody_marks_their_own_call(lake, lead):
    with pytest.raises(Refused, match="own calls"):
        mark(finished(lake, lead), lead)


def test_a_changed_scorecard_is_a_new_version_and_old_scores_keep_their_questions(lake, ann, lead):
    old = mark(finished(lake, ann), lead)
    made = do(actions.edit_scorecard, 1, [actions.Asked("Smiled", 5, False)], lead.actor)
    assert made.number == queries.current_scorecard().number == 2
    kept = db.session.get_one(Scorecard, db.session.get_one(Score, old.id).scorecard_id)
    assert (kept.number, len(kept.questions)) == (1, len(defaults.QUESTIONS))
    assert mark(finished(lake, ann), lead, {1: MET}, version=2).points == 100


def test_a_form_of_the_version_before_is_marked_by_the_questions_it_showed(lake, ann, lead):
    do(actions.edit_scorecard, 1, [actions.Asked("Smiled", 5, False)], lead.actor)
    assert mark(finished(lake, ann), lead, ALL_MET, version=1).points == 100


def test_a_version_that_is_not_there_is_refused(lake, ann, lead):
    for version in (0, 2, 99):
        with pytest.raises(Refused, match="no such version"):
            mark(finished(lake, ann), lead, version=version)


def test_a_scorecard_that_cannot_be_is_refused(app):
    fine = actions.Asked("Smiled", 5, False)
    for asked, why in (
        ([], "at least one"),
        ([fine] * 21, "At most 20"),
        ([actions.Asked("x" * 501, 5, False)], "500 characters"),
        ([actions.Asked("Smiled", 0, False)], "from 1 to 10"),
        ([actions.Asked("Smiled", 11, False)], "from 1 to 10"),
        ([fine, actions.Asked("SMILED", 1, True)], "twice"),
    ):
        with pytest.raises(Refused, match=why):
            do(actions.edit_scorecard, 1, asked, "user:1")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Question)) == 0


def test_a_scorecard_somebody_else_changed_is_not_overwritten_and_no_change_makes_no_version(app):
    same = [actions.Asked(*one) for one in defaults.QUESTIONS]
    assert do(actions.edit_scorecard, 1, same, "user:1").number == 1
    assert do(actions.edit_scorecard, 1, same[:3], "user:1").number == 2
    with pytest.raises(Refused, match="Somebody changed"):
        do(actions.edit_scorecard, 1, same[:2], "user:2")


def test_a_leads_words_are_new_for_the_agent_until_read_and_the_answer_for_leads(lake, ann, lead):
    attempt = finished(lake, ann)
    comment(attempt, lead, "What did they mean?")
    notice = notices.notice_for(ann.id)
    assert (notice.calls, notice.who, notice.attempt_id) == (1, "Lea Lead", attempt.id)
    comment(attempt, ann, "The price.")
    assert notices.notice_for(ann.id) is None
    assert [one.comment.words for one in queries.unread_answers()] == ["The price."]
    do(actions.read, attempt.id, lead)
    assert queries.unread_answers() == []


def test_reading_ones_own_words_reads_nothing_of_the_other_sides(lake, ann, lead):
    attempt = finished(lake, ann)
    comment(attempt, lead)
    do(actions.read, attempt.id, make_user("lead"))
    assert notices.notice_for(ann.id).calls == 1


def test_a_notice_counts_calls_and_names_who_spoke(lake, ann, lead):
    luis = make_user("lead", name="Luis Ortega")
    one, two = finished(lake, ann), finished(lake, ann)
    for author in (lead, luis):
        comment(one, author)
    comment(two, lead)
    mark(two, lead)
    notice = notices.notice_for(ann.id)
    assert notice.calls == 2
    assert set(notice.names) == {"Lea Lead", "Luis Ortega"}
    assert notices.notice_for(make_user("agent").id) is None


def test_the_notice_costs_one_statement(lake, ann, lead):
    comment(finished(lake, ann), lead)
    db.session.rollback()
    with counted() as statements:
        assert notices.notice_for(ann.id)
    assert len(statements) == 1


def test_a_comment_needs_words_and_a_card(lake, ann, lead):
    attempt = finished(lake, ann)
    with pytest.raises(Refused, match="write something"):
        comment(attempt, lead, " \n")
    with pytest.raises(Refused, match="20,000"):
        comment(attempt, lead, "x" * 20_001)
    with transaction("test"):
        db.session.execute(sa.delete(Attempt).where(Attempt.id == attempt.id))
    with pytest.raises(Refused, match="taken back"):
        comment(attempt, lead)


def test_a_double_press_says_it_once_and_the_same_words_later_are_said_again(lake, ann, lead, at_noon):
    attempt = finished(lake, ann)
    first = comment(attempt, lead, "Well done")
    assert comment(attempt, lead, "Well done ").id == first.id
    assert comment(attempt, ann, "Well done").id != first.id
    at_noon.tick(timedelta(minutes=2))
    assert comment(attempt, lead, "Well done").id != first.id


def test_two_leads_who_mark_at_once_leave_one_score(app, lake, ann, lead):
    attempt, other, problems = finished(lake, ann), make_user("lead"), []

    def in_their_own_session(marker, marks):
        try:
            with app.app_context():
                mark(attempt, marker, marks)
        except Exception as problem:
            problems.append(problem)

    db.session.rollback()
    threads = [
        Thread(target=in_their_own_session, args=(marker, ALL_MET | {3: given}))
        for marker, given in ((lead, MET), (other, MISSED))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Score)) == 1


def test_what_was_said_goes_with_an_outcome_that_is_taken_back(lake, ann, lead):
    attempt = finished(lake, ann)
    comment(attempt, lead)
    mark(attempt, lead)
    with transaction("test"):
        db.session.execute(sa.delete(Attempt).where(Attempt.id == attempt.id))
    for table in (Comment, Score):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def ids(search, reader) -> list[int]:
    lines, _ = queries.finished(search, reader.id)
    return [line.attempt.id for line in lines]


def test_the_list_is_narrowed_by_each_of_its_questions(lake, ann, lead, at_noon):
    bob, river = make_user("agent"), make_floor("river")
    old = finished(lake, ann)
    at_noon.tick(timedelta(days=8))
    theirs = finished(river, bob, Outcome.ANSWERED, Kind.REPLY, opening_said=True)
    long = finished(lake, ann, Outcome.NO_ANSWER, wrap_seconds=queries.LONG_WRAP_S)
    everything = [long.id, theirs.id, old.id]
    assert ids(Search(), lead) == everything
    for search, expected in (
        (Search(agent_id=bob.id), [theirs.id]),
        (Search(practice_id=lake.id), [long.id, old.id]),
        (Search(kind=Kind.REPLY), [theirs.id]),
        (Search(outcome=Outcome.NO_ANSWER), [long.id]),
        (Search(days=7), [long.id, theirs.id]),
        (Search(no_opening=True), [old.id]),
        (Search(long_wrap=True), [long.id]),
        (Search(kind=Kind.RECALL), []),
    ):
        assert ids(search, lead) == expected, search


def test_what_a_lead_opened_is_read_by_them_and_by_somebody(lake, ann, lead):
    attempt, other = finished(lake, ann), make_user("lead")
    look(attempt, ann)
    assert ids(Search(read="nobody"), lead) == [attempt.id]
    look(attempt, lead)
    assert ids(Search(read="mine"), lead) == []
    assert ids(Search(read="nobody"), other) == []
    assert ids(Search(read="mine"), other) == [attempt.id]


def test_pages_follow_each_other_without_a_gap(lake, ann, lead, monkeypatch, at_noon):
    monkeypatch.setattr(queries, "PAGE", 2)
    made = [finished(lake, ann).id for _ in range(5)]  # all at the same moment
    seen, before, more = [], None, True
    while more:
        lines, more = queries.finished(Search(), lead.id, before)
        seen += [line.attempt.id for line in lines]
        before = (lines[-1].attempt.at, lines[-1].attempt.id)
    assert seen == made[::-1]


def test_a_sample_is_of_the_agent_of_whom_fewest_were_read_and_never_twice(lake, ann, lead):
    bob = make_user("agent")
    for agent, cards in ((ann, 8), (bob, 6)):
        for _ in range(cards):
            finished(lake, agent)
    whose = Counter()
    while picked := queries.sample(Search(), lead.id):
        attempt = db.session.get_one(Attempt, picked)
        look(attempt, lead)
        whose[attempt.agent_id] += 1
        assert whose[bob.id] == 6 or abs(whose[ann.id] - whose[bob.id]) <= 1
    assert whose == {ann.id: 8, bob.id: 6}


def test_a_sample_is_narrowed_recent_and_never_ones_own(lake, ann, lead, at_noon):
    finished(lake, ann)
    at_noon.tick(queries.SAMPLED + timedelta(days=1))
    finished(lake, lead)
    assert queries.sample(Search(), lead.id) is None
    attempt = finished(lake, ann, Outcome.NO_ANSWER)
    assert queries.sample(Search(outcome=Outcome.WILLING), lead.id) is None
    assert queries.sample(Search(outcome=Outcome.NO_ANSWER), lead.id) == attempt.id


def test_averages_stand_by_name_and_leave_out_what_had_no_score(lake, lead):
    zoe, bea = make_user("agent", name="Zoe"), make_user("agent", name="Bea")
    for _ in range(5):
        mark(finished(lake, zoe), lead)
    mark(finished(lake, zoe), lead, dict.fromkeys(ALL_MET, NA))
    mark(finished(lake, bea), lead, ALL_MET | {1: MISSED})
    assert [(name, one.cards, one.mean) for name, one in queries.averages()] == [("Bea", 1, None), ("Zoe", 5, 100)]


def test_an_agent_comes_back_to_what_was_said_new_ones_first(lake, ann, lead, at_noon):
    silent, first = finished(lake, ann), finished(lake, ann)
    at_noon.tick(timedelta(hours=1))
    second = finished(lake, ann)
    comment(first, lead)
    mark(second, lead)
    do(actions.read, second.id, ann)
    cards, more = queries.own_cards(ann.id)
    assert [(one.line.attempt.id, one.new) for one in cards] == [(first.id, True), (second.id, False)]
    assert not more
    assert silent.id not in {one.line.attempt.id for one in cards}
