"""Two versions tried against each other: who is told which, what may be said about it, and how it ends."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db, transaction
from ops.errors import Refused
from ops.experiments.results import answers_of, results
from ops.messages.actions import receive
from ops.messages.models import Message, MessageState
from ops.record.actions import merging
from ops.scripts import experiments, queries
from ops.scripts.actions import publishing, trying
from ops.scripts.actions.writing import Seen
from ops.scripts.experiments import Both, Tally, Verdict, difference, planned_answers, verdict, wilson
from ops.scripts.models import Ending, Medium, ScriptExperiment, Variant, VersionState
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.world import make_patient, make_practice, make_user
from tests.writing import agencys, own, publish, save, seen, versions


@pytest.fixture
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


def start(script, body=None, baseline=0.4, difference=0.15):
    draft = save(script, body)
    with transaction("user:1"):
        return trying.start_experiment(script.id, Seen(draft.id, draft.revision), baseline, difference, "user:1")


def end(script, ending):
    with transaction("user:1"):
        trying.end_experiment(script.id, ending, "user:1")


def arm(patient, kind="ask", medium=Medium.CALL):
    version = queries.published(patient.practice_id, kind, medium, patient.id)
    return version.variant if version else None


def test_the_plan_follows_from_the_baseline_and_the_smallest_difference_worth_knowing():
    assert planned_answers(0.40, 0.15) == 173  # two proportions, 5% and 80%, as in the tables
    assert planned_answers(0.50, 0.10) == 388
    assert planned_answers(0.40, 0.30) < planned_answers(0.40, 0.15) < planned_answers(0.40, 0.05)
    for baseline, gain in ((0, 0.1), (0.9, 0.1), (0.4, 0), (0.4, -0.1), (1.2, 0.1)):
        with pytest.raises(ValueError):
            planned_answers(baseline, gain)


def test_the_interval_of_a_share_is_wilsons():
    low, high = wilson(16, 20)
    assert (round(low, 3), round(high, 3)) == (0.584, 0.919)
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1


def both(a, b, harmed=(0, 0)):
    """(willing, answered) of A and of B."""
    return Both(
        Tally(a[1], a[1], a[1], a[0], harmed[0]),
        Tally(b[1], b[1], b[1], b[0], harmed[1]),
    )


def test_practices_are_compared_within_themselves():
    """Simpson's trap: in each practice B is ten points better, in the sum it looks worse."""
    easy, hard = both((80, 100), (9, 10)), both((1, 10), (20, 100))
    crude = experiments.total([easy, hard])
    assert crude.b.willing / crude.b.answered < crude.a.willing / crude.a.answered
    found = difference([easy, hard])
    assert round(found.value, 3) == 0.1


def test_one_practice_alone_gives_the_plain_difference_and_its_interval():
    found = difference([both((40, 100), (55, 100))])
    assert round(found.value, 3) == 0.15
    # Wald's interval for 40 and 55 of 100 is 0.013 to 0.287; Sato's is nearly that
    assert (round(found.low, 2), round(found.high, 2)) == (0.01, 0.29)
    assert difference([both((3, 4), (0, 0))]) is None
    assert difference([both((0, 4), (0, 4))]).low is None


def test_nothing_is_said_before_both_have_the_planned_answers():
    clear = [both((20, 100), (80, 100))]
    assert verdict(clear, planned=173, days=10) is Verdict.RUNNING
    assert verdict(clear, planned=100, days=10) is Verdict.B_BETTER
    assert verdict([both((80, 100), (20, 100))], planned=100, days=10) is Verdict.A_BETTER
    assert verdict([both((40, 100), (42, 100))], planned=100, days=10) is Verdict.NO_DIFFERENCE


def test_after_sixty_days_the_question_is_closed():
    clear = [both((20, 100), (80, 100))]
    assert verdict(clear, planned=173, days=59.9) is Verdict.RUNNING
    assert verdict(clear, planned=173, days=60) is Verdict.NO_DIFFERENCE


def test_harm_ends_it_early_and_bad_luck_does_not():
    def harm(a, b):
        return verdict([both((5, 30), (5, 30), (a, b))], planned=1000, days=1)

    assert harm(0, 4) is Verdict.RUNNING  # too few to say
    assert harm(3, 6) is Verdict.RUNNING  # may be chance
    assert harm(0, 8) is Verdict.B_HARMS
    assert harm(8, 0) is Verdict.A_HARMS


def test_harm_is_judged_however_many_there_are():
    big = 100_000
    assert not experiments.harms(Tally(big, big, 0, 0, 3000), Tally(big, big, 0, 0, 3000))
    assert experiments.harms(Tally(big, big, 0, 0, 3000), Tally(big, big, 0, 0, 2500))
    # by hand: 8 of 8 at one half is 1/256
    assert round(experiments._at_least(8, 8, 0.5), 8) == round(1 / 256, 8)
    assert experiments._at_least(5, 5, 1.0) == 1


def test_in_a_kind_with_nothing_but_a_yes_not_everybody_who_answers_is_willing():
    for kind in (Kind.FOLLOW_UP, Kind.LOOP_CLOSING, Kind.REPLY, Kind.PARTNER_TOUCH):
        answered, willing = answers_of(kind)
        assert set(answered) - set(willing) == {Outcome.NOT_HAPPY, Outcome.DO_NOT_CONTACT}


def test_practices_of_the_same_name_are_practices_of_their_own(app, at_noon):
    ask = agencys()
    experiment = start(ask)
    for slug in ("lake", "lake-two"):
        floor = make_floor(slug, name="Lake Skin")
        make_task(floor)
        agent = make_user("agent")
        record(claim(agent), agent, Outcome.WILLING)
    assert [name for name, _ in results(ask, experiment).practices] == ["Lake Skin", "Lake Skin"]


def test_without_an_experiment_everybody_is_told_the_same(app):
    practice, ask = make_practice(), agencys()
    assert {arm(make_patient(practice)) for _ in range(20)} == {Variant.A}
    assert queries.published(practice.id, "ask", Medium.CALL).script_id == ask.id


def test_patients_are_split_in_half_within_each_practice_and_stay_where_they_are(app):
    lake, river, ask = make_practice("lake"), make_practice("river"), agencys()
    people = {practice.id: [make_patient(practice) for _ in range(200)] for practice in (lake, river)}
    start(ask)
    first = {person.id: arm(person) for group in people.values() for person in group}
    for group in people.values():
        assert 75 <= sum(first[person.id] is Variant.B for person in group) <= 125
    assert {person.id: arm(person) for group in people.values() for person in group} == first
    assert queries.published(lake.id, "ask", Medium.CALL).variant is Variant.A  # nobody in particular
    end(ask, Ending.KEPT_A)
    start(ask)
    again = {person.id: arm(person) for group in people.values() for person in group}
    assert 120 <= sum(first[each] is again[each] for each in first) <= 280  # a new experiment splits anew


def test_the_claim_pins_the_version_that_python_would_choose(app, at_noon):
    lake, ask = make_floor("lake"), agencys()
    start(ask)
    told = set()
    for _ in range(12):
        make_task(lake)
        agent = make_user("agent")
        task = claim(agent)
        version = queries.published(lake.id, "ask", Medium.CALL, task.patient_id)
        assert task.script_version_id == version.id
        told.add(version.variant)
        record(task, agent, Outcome.NO_ANSWER)
    assert told == {Variant.A, Variant.B}


def test_the_split_costs_the_claim_no_call(app):
    plan = db.session.scalars(
        sa.text("EXPLAIN VERBOSE SELECT script_arm(c.experiment_id, c.practice_id, c.id) FROM scripts c")
    ).all()
    assert "md5" in " ".join(plan)
    assert "script_arm" not in " ".join(plan)


def test_a_practice_with_its_own_script_takes_no_part_in_the_agencys_experiment(app, at_noon):
    lake = make_floor("lake", callback_number="+13125550142")
    theirs = own(lake)
    mine = publish(theirs)
    start(agencys())
    people = [make_patient(lake) for _ in range(10)]
    assert {queries.published(lake.id, "ask", Medium.CALL, person.id).id for person in people} == {mine.id}
    make_task(lake)
    assert claim(make_user("agent")).script_version_id == mine.id


def test_an_open_card_learns_of_a_newer_version(app, at_noon):
    lake, ask = make_floor("lake"), agencys()
    make_task(lake)
    task = claim(make_user("agent"))
    known = (task.script_version_id, lake.id, "ask", task.patient_id)
    assert queries.newer_than(*known) is None
    save(ask)
    assert queries.newer_than(*known) is None  # a draft is no version yet
    new = publish(ask, versions(ask)[-1].body + "\n> And smile.\n")
    assert queries.newer_than(*known).id == new.id
    assert queries.newer_than(new.id, *known[1:]) is None


def test_the_version_b_becomes_the_next_a_when_it_is_taken(app):
    ask = agencys()
    a = versions(ask)[0]
    experiment = start(ask)
    b = versions(ask)[-1]
    assert (a.state, b.state, b.variant) == (VersionState.PUBLISHED, VersionState.PUBLISHED, Variant.B)
    assert (experiment.planned_answers, float(experiment.baseline)) == (173, 0.4)
    end(ask, Ending.TOOK_B)
    a, b = versions(ask)
    assert (a.state, b.state, b.variant) == (VersionState.RETIRED, VersionState.PUBLISHED, Variant.A)
    over = db.session.get_one(ScriptExperiment, experiment.id)
    assert (over.ending, over.stopped_by) == (Ending.TOOK_B, "user:1")
    with pytest.raises(Refused, match="No experiment"):
        end(ask, Ending.KEPT_A)


def test_while_two_versions_are_tried_no_third_is_published(app):
    ask = agencys()
    start(ask)
    with pytest.raises(Refused, match="End the experiment first"):
        publish(ask)
    assert [version.state for version in versions(ask)].count(VersionState.PUBLISHED) == 2
    end(ask, Ending.KEPT_A)
    a, b, draft = versions(ask)
    assert (a.state, b.state, draft.state) == (VersionState.PUBLISHED, VersionState.RETIRED, VersionState.DRAFT)
    with transaction("user:1"):
        publishing.publish(ask.id, seen(ask), "user:1")


def test_an_experiment_needs_something_in_use_and_a_plan(app):
    theirs = own(make_practice(callback_number="+13125550142"))
    with pytest.raises(Refused, match="Nothing is in use"), transaction("user:1"):
        trying.start_experiment(theirs.id, seen(theirs), 0.4, 0.15, "user:1")
    with pytest.raises(Refused, match="together less than 100"):
        start(agencys(), baseline=0.9, difference=0.2)


def test_the_database_holds_at_most_one_of_each_variant(app):
    ask = agencys()
    start(ask)
    with pytest.raises(sa.exc.IntegrityError), transaction("test"):
        db.session.execute(sa.text("UPDATE script_versions SET variant = 'a' WHERE script_id = :id"), {"id": ask.id})


def test_yes_to_the_ask_is_willing_or_already_told():
    answered, willing = answers_of(Kind.ASK)
    assert set(willing) == {Outcome.WILLING, Outcome.ALREADY_TOLD}
    assert set(answered) == {*willing, Outcome.THINKING, Outcome.NOT_NOW, Outcome.NEVER}
    for kind in Kind:
        answered, willing = answers_of(kind)
        assert willing and set(willing) <= set(answered)


def test_results_count_patients_by_the_version_they_were_told(app, sign_in, at_noon):
    lake, ask = make_floor("lake", name="Lake Skin"), agencys()
    experiment = start(ask)
    a, b = versions(ask)
    said = {a.id: 0, b.id: 0}
    lead = make_user("lead")
    for number in range(14):
        make_task(lake)
        agent = make_user("agent")
        task = claim(agent)
        said[task.script_version_id] += 1
        outcome = (Outcome.WILLING, Outcome.NOT_NOW, Outcome.NO_ANSWER, Outcome.DO_NOT_CONTACT)[number % 4]
        record(task, agent, outcome)
    found = results(ask, experiment)
    assert (found.both.a.attempts, found.both.b.attempts) == (said[a.id], said[b.id])
    total = found.both.a + found.both.b
    assert (total.attempts, total.reached, total.answered, total.willing, total.harmed) == (14, 11, 8, 4, 3)
    assert found.verdict is Verdict.RUNNING
    page = sign_in(lead).get(f"/scripts/{ask.id}/experiment", expect=200).text
    assert f"{found.both.b.answered} of 173" in page
    assert "Too early to say" in page
    at_noon.tick(timedelta(days=61))
    page = sign_in(lead).get(f"/scripts/{ask.id}/experiment", expect=200).text
    assert "No difference found" in page


def test_texts_are_compared_by_who_wrote_back(app, at_noon):
    from ops.cadences.texts import send_template

    lake, note = (
        make_floor("lake", shareable="They explain.", website="https://lake.example.com"),
        agencys("ask", Medium.SMS),
    )
    experiment = start(
        note, "Hello {{ patient_first_name }}, {{ practice_name }}: {{ website }} Reply STOP to opt out."
    )
    with transaction("test"):
        for number in range(10):
            assert send_template(make_patient(lake), Kind.ASK, Medium.SMS, f"note:{number}")
        db.session.execute(sa.update(Message).values(state=MessageState.DELIVERED))
    messages = db.session.scalars(sa.select(Message).order_by(Message.created_at, Message.id)).all()
    with transaction("test"):
        for number, (message, words) in enumerate(zip(messages, ("Lovely, thank you", "STOP"), strict=False)):
            receive(
                lake,
                channel="sms",
                from_address=message.to_address,
                body=words,
                provider_id=f"in:{number}",
                in_reply_to=message,
            )
    found = results(note, experiment)
    total = found.both.a + found.both.b
    assert (total.reached, total.answered, total.willing, total.harmed) == (10, 10, 1, 1)
    assert found.words.willing == "wrote back"
    kept, merged = [each.patient_id for each in messages if each.script_version_id == found.experiment.a_version_id][
        -2:
    ]
    do(merging.merge, lake, kept, merged, "She told us", actor="user:1")
    again = results(note, experiment).both
    assert (again.a + again.b).answered == 9


def test_experiments_are_started_and_ended_on_their_page_by_leads_only(app, sign_in):
    ask = agencys()
    there = f"/scripts/{ask.id}/experiment"
    lead = sign_in(make_user("lead"))
    assert "Write the other version first" in lead.get(there, expect=200).text
    draft = save(ask)
    data = {"version": draft.id, "revision": draft.revision, "baseline": "40", "difference": "15"}
    for outsider in (make_user("agent"), make_user("member", make_practice())):
        sign_in(outsider).get(there, expect=404)
        for verb in ("start", "keep-a", "take-b"):
            sign_in(outsider).post(f"{there}/{verb}", data=data, expect=404)
    for wrong in ({"baseline": "x"}, {"baseline": "0"}, {"difference": "99"}, {"baseline": "95", "difference": "10"}):
        page = lead.post(f"{there}/start", data=data | wrong, expect=422).text
        assert wrong.get("baseline", "40") in page
    assert "173 answers" in lead.get(there, expect=200).text
    lead.post(f"{there}/start", data=data, expect=303)
    assert "Running" in lead.get(there, expect=200).text
    lead.post(f"{there}/start", data=data, expect=422)
    lead.post(f"{there}/take-b", expect=303)
    assert "took B" in lead.get(there, expect=200).text
    assert [version.state for version in versions(ask)] == [VersionState.RETIRED, VersionState.PUBLISHED]
    for nowhere in ("999999", "0"):
        lead.get(f"/scripts/{nowhere}/experiment", expect=404)
        lead.post(f"/scripts/{nowhere}/experiment/take-b", expect=404)


def test_a_button_ends_the_experiment_it_was_shown_with_and_no_other(app, sign_in):
    ask, lead = agencys(), sign_in(make_user("lead"))
    there, first = f"/scripts/{ask.id}/experiment", start(ask)
    for verb in ("keep-a", "take-b"):
        assert f"{there}/{verb}?experiment={first.id}" in lead.get(there, expect=200).text
    for _ in range(2):  # a double press ends it once, and says so
        lead.post(f"{there}/keep-a?experiment={first.id}", expect=303)
    assert "No experiment is running" not in lead.get(there, expect=200).text
    start(ask)
    lead.post(f"{there}/take-b?experiment={first.id}", expect=303)
    assert "was ended meanwhile" in lead.get(there, expect=200).text
    assert [version.state for version in versions(ask)].count(VersionState.PUBLISHED) == 2


def test_numbers_that_are_none_make_no_plan(app, sign_in):
    ask, lead = agencys(), sign_in(make_user("lead"))
    draft = save(ask)
    for odd in ("nan", "sNaN", "inf", "-inf", "1e400", "1e-400"):
        data = {"version": draft.id, "revision": draft.revision, "baseline": odd, "difference": "15"}
        lead.post(f"/scripts/{ask.id}/experiment/start", data=data, expect=422)


def test_an_experiment_that_harms_is_ended_without_anybody_looking(app, at_noon, monkeypatch):
    from ops.experiments import jobs

    script = agencys()
    start(script)
    assert jobs.end_harmful() == 0
    harmful = [("Lake", both((20, 40), (20, 40), harmed=(0, 9)))]
    monkeypatch.setattr("ops.experiments.results._by_practice", lambda experiment, rows: harmful)
    assert jobs.end_harmful() == 1
    db.session.expire_all()
    ended = db.session.scalars(sa.select(ScriptExperiment)).one()
    assert (ended.ending, ended.stopped_by) == (Ending.KEPT_A, "tick")
    assert jobs.end_harmful() == 0
