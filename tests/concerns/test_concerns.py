"""Somebody was not happy: who is told of it, how, and never twice."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.background import Job, queue
from ops.concerns import actions, queries
from ops.concerns.models import Concern
from ops.config import settings
from ops.db import db, transaction
from ops.desk.actions import undoing
from ops.errors import Refused
from ops.mail import jobs, outbox
from ops.mail.models import MailKind, MailState, StaffMail
from ops.queue.models import Attempt, Task
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome
from ops.work.states import TaskState
from tests.desk.test_outcomes import INES
from tests.floors import NOON, claim, do, make_floor, make_task, record
from tests.letters import free_port, mail_server
from tests.world import make_patient, make_user

WORDS = "The left side is uneven and nobody called back. 🙁"


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON, real_asyncio=True) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def ann(app):
    return make_user("agent", name="Ann Agent")


@pytest.fixture
def mailbox(app, monkeypatch):
    with mail_server(monkeypatch) as box:
        yield box


def unhappy(practice, agent, note=WORDS, **person) -> Attempt:
    """A call in which they were not."""
    make_task(practice, patient=make_patient(practice, "Maria", "Lopez", **person))
    return record(claim(agent), agent, Outcome.NOT_HAPPY, note=note)


def the_concern() -> Concern:
    return db.session.scalars(sa.select(Concern).execution_options(populate_existing=True)).one()


def mails() -> list[StaffMail]:
    query = sa.select(StaffMail).where(StaffMail.kind == MailKind.CONCERN).order_by(StaffMail.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def mail_all() -> None:
    """Run the jobs of all emails, as their doorbells would."""
    for mail in mails():
        jobs.send(mail.id)


def test_not_happy_raises_a_concern_in_the_agents_words_and_no_other_outcome_does(lake, ann):
    make_task(lake)
    record(claim(ann), ann, Outcome.NOT_NOW, note="Busy.")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Concern)) == 0
    attempt = unhappy(lake, ann)
    raised = the_concern()
    assert (raised.words, raised.raised_by, raised.attempt_id) == (WORDS, ann.actor, attempt.id)
    assert (raised.practice_id, raised.patient_id) == (lake.id, attempt.patient_id)


def test_it_stops_whatever_else_was_to_be_done_for_them(lake, ann):
    patient = make_patient(lake)
    make_task(lake, patient=patient)
    other = make_task(lake, Kind.RECALL, patient=patient)
    record(claim(ann), ann, Outcome.NOT_HAPPY, note=WORDS)
    states = set(db.session.scalars(sa.select(Task.state).where(Task.id.in_([other.id]))))
    assert not states & {TaskState.WAITING, TaskState.CLAIMED}


def test_the_same_outcome_saved_twice_is_one_concern(lake, ann):
    make_task(lake)
    task = claim(ann)
    fence = task.fence
    record(task, ann, Outcome.NOT_HAPPY, note=WORDS)
    task.fence = fence
    record(task, ann, Outcome.NOT_HAPPY, note=WORDS)
    assert the_concern()


def test_leads_and_the_members_of_that_practice_are_emailed_and_nobody_else(lake, ann, mailbox):
    make_user("lead", email="lea@example.com")
    make_user("member", lake, email="owner@lake.example.com")
    make_user("member", make_floor("river"), email="owner@river.example.com")
    make_user("admin", email="admin@example.com")
    gone = make_user("lead", email="gone@example.com")
    with transaction("test"):
        db.session.merge(gone).active = False
    unhappy(lake, ann)
    mail_all()
    assert sorted(to for [to], _ in mailbox.letters) == ["lea@example.com", "owner@lake.example.com"]


def test_the_email_names_the_practice_and_neither_the_patient_nor_what_they_said(lake, ann, mailbox):
    make_user("lead", email="lea@example.com", name="Lea Lead")
    make_user("member", lake, email="owner@lake.example.com")
    unhappy(lake, ann, phone="+13125550123", email="maria@example.com")
    mail_all()
    for _, letter in mailbox.letters:
        assert "Lake Skin" in letter
        for secret in ("Maria", "Lopez", "left side", "5550123", "maria@", "Toxin"):
            assert secret not in letter
    by_reader = {to[0]: letter.replace("=\r\n", "") for to, letter in mailbox.letters}
    assert "/concerns" in by_reader["lea@example.com"]
    assert "/practices/lake/concerns" in by_reader["owner@lake.example.com"]


def test_the_doorbell_carries_the_number_of_the_email_alone(lake, ann, mailbox):
    make_user("lead")
    unhappy(lake, ann)
    rung = [tuple(job.args) for job in queue("work").jobs if job.func_name == Job.MAIL_STAFF]
    assert rung == [(mails()[0].id,)]


def test_an_email_is_sent_once_however_often_the_job_runs(lake, ann, mailbox, at_noon):
    make_user("lead")
    unhappy(lake, ann)
    for _ in range(2):
        mail_all()
    at_noon.tick(timedelta(minutes=5))
    jobs.upkeep()
    assert len(mailbox.letters) == 1
    assert mails()[0].sent_at


def test_a_lost_doorbell_is_found_by_the_tick(lake, ann, mailbox, at_noon):
    make_user("lead")
    unhappy(lake, ann)
    jobs.upkeep()
    assert mailbox.letters == []
    at_noon.tick(timedelta(minutes=2))
    jobs.upkeep()
    assert len(mailbox.letters) == 1


def test_an_email_server_that_is_away_is_tried_again_for_a_day(lake, ann, mailbox, monkeypatch, at_noon):
    make_user("lead")
    unhappy(lake, ann)
    with monkeypatch.context() as patch:
        patch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
        settings.cache_clear()
        mail_all()
    settings.cache_clear()
    assert mails()[0].claimed_at is None
    at_noon.tick(timedelta(hours=23))
    jobs.upkeep()
    assert len(mailbox.letters) == 1


def test_what_could_not_be_emailed_in_a_day_is_not_emailed_any_more(lake, ann, mailbox, at_noon):
    make_user("lead", name="Lea Lead")
    unhappy(lake, ann)
    at_noon.tick(timedelta(hours=25))
    jobs.upkeep()
    assert mailbox.letters == []
    assert "No email to Lea Lead could be sent within a day. Tell them another way." in told(mailing=True)


def test_a_refused_address_is_given_up_and_a_passing_refusal_is_not(lake, ann, mailbox, at_noon):
    make_user("lead", name="Lea Lead")
    unhappy(lake, ann)
    mailbox.refuse_mail = "451 try later"
    mail_all()
    assert mails()[0].state is MailState.QUEUED
    at_noon.tick(timedelta(minutes=2))
    mailbox.refuse_mail, mailbox.refuse = None, "550 no such person"
    mail_all()
    assert mails()[0].state is MailState.FAILED
    mailbox.refuse = None
    mail_all()
    assert mailbox.letters == []
    assert "The email to Lea Lead was refused. Tell them another way." in told(mailing=True)


def test_an_email_that_may_have_left_is_not_sent_again_and_is_called_unknown(lake, ann, mailbox, at_noon):
    make_user("lead", name="Lea Lead")
    unhappy(lake, ann)
    mailbox.hang_up = "after"
    mail_all()
    at_noon.tick(timedelta(minutes=5))
    jobs.upkeep()
    assert len(mailbox.letters) == 1
    assert any("Nobody can tell whether the email to Lea Lead left" in line for line in told(mailing=True))


def test_a_worker_that_died_after_the_claim_leaves_it_unknown(lake, ann, mailbox, at_noon):
    make_user("lead", name="Lea Lead")
    unhappy(lake, ann)
    assert do(outbox.claim, mails()[0].id)
    at_noon.tick(timedelta(minutes=5))
    jobs.upkeep()
    assert mailbox.letters == []
    assert any("Nobody can tell" in line for line in told(mailing=True))


def test_whose_account_was_closed_meanwhile_gets_no_email(lake, ann, mailbox):
    lead = make_user("lead")
    unhappy(lake, ann)
    with transaction("test"):
        db.session.merge(lead).active = False
    mail_all()
    assert mailbox.letters == []
    assert mails()[0].state is MailState.FAILED


def told(mailing: bool) -> tuple[str, ...]:
    """What the list says of who was told."""
    return queries.concerns(mailing=mailing).concerns[0].told


def test_without_an_email_server_nobody_counts_as_told(lake, ann):
    make_user("lead", name="Lea Lead")
    attempt = unhappy(lake, ann)
    mail_all()
    assert mails()[0].claimed_at is None
    assert any("no email server is set up" in line for line in told(mailing=False))
    assert do(actions.concern_told, attempt.id) is False


def test_a_practice_without_members_is_to_be_called(lake, ann):
    make_user("lead")
    unhappy(lake, ann)
    assert "The practice had nobody with an account who could be told: call them." in told(mailing=True)


def test_an_attempt_without_a_concern_was_told_to_nobody(lake, ann):
    make_task(lake)
    attempt = record(claim(ann), ann, Outcome.NOT_NOW)
    assert do(actions.concern_told, attempt.id) is False


def test_it_is_out_once_an_email_was_claimed(lake, ann, mailbox):
    make_user("lead")
    attempt = unhappy(lake, ann)
    assert do(actions.concern_told, attempt.id) is False
    do(outbox.claim, mails()[0].id)
    assert do(actions.concern_told, attempt.id) is True


def test_it_is_out_once_a_lead_or_the_practice_looked(lake, ann, sign_in):
    lead, member = make_user("lead"), make_user("member", lake)
    for reader, page in ((lead, "/concerns"), (member, "/practices/lake/concerns")):
        attempt = unhappy(lake, ann)
        assert do(actions.concern_told, attempt.id) is False
        sign_in(reader).get(page, expect=200)
        assert do(actions.concern_told, attempt.id) is True


def test_a_concern_goes_with_the_outcome_that_is_taken_back_and_its_emails_with_it(lake, ann, mailbox):
    make_user("lead")
    attempt = unhappy(lake, ann)
    mail_id = mails()[0].id
    with transaction(ann.actor):
        assert not actions.concern_told(attempt.id)
        db.session.execute(sa.delete(Attempt).where(Attempt.id == attempt.id))
    jobs.send(mail_id)
    assert mailbox.letters == []
    assert mails() == []


def test_taken_back_at_the_desk_no_email_is_left_that_nobody_would_ever_send(lake, ann):
    make_user("lead")
    attempt = unhappy(lake, ann)
    assert len(mails()) == 1
    do(undoing.take_back, attempt.id, ann.id, ann.actor)
    assert mails() == [] and db.session.scalar(sa.select(sa.func.count()).select_from(Concern)) == 0


def test_no_email_is_claimed_while_the_outcome_is_being_taken_back(lake, ann, app):
    make_user("lead")
    attempt = unhappy(lake, ann)
    mail_id = mails()[0].id
    db.session.rollback()
    with transaction(ann.actor):
        assert not actions.concern_told(attempt.id)
        with app.app_context(), db.engine.connect() as other, pytest.raises(sa.exc.OperationalError, match="lock"):
            other.execute(sa.text("SET lock_timeout = 200"))
            other.execute(sa.text("UPDATE staff_mails SET due_at = queued_at WHERE id = :id"), {"id": mail_id})


def test_the_first_lead_who_has_it_counts(lake, ann):
    one, two = make_user("lead"), make_user("lead")
    unhappy(lake, ann)
    for lead in (one, two):
        assert do(actions.see, the_concern().id, lead.actor)
    assert the_concern().seen_by == one.actor
    assert not do(actions.see, 987654, one.actor)


def test_settling_takes_words_counts_as_seen_and_happens_once(lake, ann):
    lead = make_user("lead")
    unhappy(lake, ann)
    for empty in ("", " \n "):
        with pytest.raises(Refused, match="what was done"):
            do(actions.settle, the_concern().id, empty, lead.actor)
    assert the_concern().seen_at is None
    do(actions.settle, the_concern().id, " Called and apologised. ", lead.actor)
    settled = the_concern()
    assert (settled.done, settled.settled_by, settled.seen_by) == ("Called and apologised.", lead.actor, lead.actor)
    with pytest.raises(Refused, match="just before you"):
        do(actions.settle, settled.id, "Again", lead.actor)


def test_a_practice_answers_its_own_concern_once(lake, ann):
    member, river = make_user("member", lake), make_floor("river")
    unhappy(lake, ann)
    which = the_concern().id
    assert not do(actions.answer, river.id, which, "Ours?", member.actor)
    with pytest.raises(Refused, match="what you did"):
        do(actions.answer, lake.id, which, " ", member.actor)
    assert do(actions.answer, lake.id, which, "Invited her in.", member.actor)
    with pytest.raises(Refused, match="colleague"):
        do(actions.answer, lake.id, which, "Again.", member.actor)
    assert the_concern().answer == "Invited her in."


def test_a_double_press_settles_and_answers_once(lake, ann):
    lead, member = make_user("lead"), make_user("member", lake)
    unhappy(lake, ann)
    which = the_concern().id
    for _ in range(2):
        assert do(actions.answer, lake.id, which, "Invited her in.", member.actor)
        assert do(actions.settle, which, "Called.", lead.actor)
    with pytest.raises(Refused, match="just before you"):
        do(actions.settle, which, "Called.", make_user("lead").actor)


def test_open_ones_come_first_and_pages_do_not_repeat_or_lose_any(lake, ann, monkeypatch, at_noon):
    lead = make_user("lead")
    monkeypatch.setattr(queries, "PAGE", 2)
    raised = []
    for _ in range(5):
        at_noon.tick(timedelta(minutes=1))
        raised.append(db.session.get_one(Concern, _concern_of(unhappy(lake, ann))).id)
    do(actions.settle, raised[4], "Done.", lead.actor)
    seen, before = [], None
    while True:
        page = queries.concerns(shelf="all", before=before)
        seen += [one.concern.id for one in page.concerns]
        before = page.older
        if before is None:
            break
    assert seen == [raised[3], raised[2], raised[1], raised[0], raised[4]]


def _concern_of(attempt: Attempt) -> int:
    return db.session.scalars(sa.select(Concern.id).where(Concern.attempt_id == attempt.id)).one()


def test_the_count_of_the_badge_reads_an_index(lake, ann):
    unhappy(lake, ann)
    assert queries.open_counts() == (1, 1)
    do(actions.see, the_concern().id, "user:1")
    assert queries.open_counts() == (1, 0)
    do(actions.settle, the_concern().id, "Done.", "user:1")
    assert queries.open_counts() == (0, 0)
    db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    plan = db.session.scalars(sa.text("EXPLAIN SELECT seen_at FROM concerns WHERE settled_at IS NULL LIMIT 100")).all()
    assert any("ix_concerns_open" in line for line in plan)


def test_a_friend_who_was_not_happy_is_named_as_the_friend(lake, ann):
    make_task(lake, patient=make_patient(lake, "Maria"))
    record(claim(ann), ann, Outcome.WILLING, friend=INES)
    task = claim(ann)
    assert task.kind is Kind.FRIEND_FOLLOW_UP
    record(task, ann, Outcome.NOT_HAPPY, note="Did not like to be called.")
    [shown] = queries.concerns().concerns
    assert (shown.friend, shown.who, shown.patient.first_name) == ("Ines", "Ines", "Maria")
    assert [each.outcome for each in shown.history] == [Outcome.NOT_HAPPY]


def test_the_tick_knows_of_the_emails():
    from ops.schedule import WORK

    assert "ops.mail.jobs.upkeep" in {path for path, _ in WORK.values()}
