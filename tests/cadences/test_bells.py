"""Doorbells lost, doubled and out of order: what comes of it is the same, since every job reads its work from the rows.

A small agency is lived through with the bells as they are rung, then again with each of them lost, doubled, late or in
another order, and the tick at odd times. In the end the rows say the same.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from random import Random

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops import clock, schedule
from ops.accounts import links
from ops.background import QUEUES, Job, queue
from ops.cadences.actions import editing
from ops.cadences.actions.editing import Start, Step
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.imports import loading
from ops.messages import actions as messages
from ops.practices import actions as practices
from ops.practices.models import MilestoneKind, Patient, Practice
from ops.queue.actions.friends import receive_friend
from ops.referrals.actions import NewFriend
from ops.referrals.actions.moving import Told, move_referral
from ops.referrals.models import Referral
from ops.work.answers import OptIn, ReferralState
from ops.work.kinds import Kind, StepMode
from tests import exports
from tests.emptying import empty
from tests.letters import mail_server
from tests.world import make_milestone, make_patient, make_practice, make_user

BEGAN = "2026-03-10 15:00:00"
"""A Tuesday, ten in Chicago."""
WRITES = "H3"
"""Who writes back is sent nothing: what has not left by then is held until somebody has read it."""
BETWEEN_ACTS = timedelta(minutes=10)
TICKS_AFTER = 6
HEAD = "Client ID,First Name,Last Name,Mobile,Email,Date of birth,Date,Service\n"


def visits(*rows: str) -> str:
    return HEAD + "".join(f"{row}\n" for row in rows)


FIRST_FILE = visits(
    *(f"{n},Ada{n},Lane,312-555-01{n:02},ada{n}@example.com,05/05/1985,02/2{n % 5}/2026,Botox" for n in range(10, 16)),
    "16,Bea,Young,312-555-0116,bea@example.com,05/05/2015,02/20/2026,Botox",
    "17,Cleo,Twice,312-555-0117,cleo@example.com,05/05/1985,10/01/2025,Semaglutide",
    "17,Cleo,Twice,312-555-0117,cleo@example.com,05/05/1985,01/10/2026,Semaglutide",
    "18,Dora,Late,312-555-0118,dora@example.com,05/05/1985,03/01/2026,Botox",
)
SECOND_FILE = visits(
    "10,Ada10,Lane,312-555-0110,ada10@example.com,05/05/1985,02/20/2026,Botox",
    "16,Bea,Grown,312-555-0116,bea@example.com,05/05/1985,02/20/2026,Botox",
    "19,Eve,New,312-555-0119,,05/05/1985,02/19/2026,Filler",
)


def the_practice() -> Practice:
    return db.session.scalars(sa.select(Practice).where(Practice.slug == "lake")).one()


def patient(number: str) -> Patient:
    return db.session.scalars(sa.select(Patient).where(Patient.external_id == number)).one()


def _import(name: str, text: str) -> None:
    load = loading.receive(the_practice(), [(name, exports.stream(text))], "test")
    for file in load.files:
        loading.choose_profile(file, None)
    loading.begin(load)


def practice_added() -> None:
    make_practice("lake", website="https://lake.example.com", shareable="They never push.")


def people_by_hand() -> None:
    for number in ("H1", "H2", "H3"):
        one = make_patient(
            the_practice(),
            number,
            external_id=number,
            phone=f"+13125550{number.replace('H', '12')}",
            email=None if number == WRITES else f"{number}@example.com",
        )
        make_milestone(one, "Toxin", days_ago=20)


def first_file() -> None:
    _import("first.csv", FIRST_FILE)


def a_cadence_more() -> None:
    cadence = editing.add_cadence(the_practice(), "Reviews", Kind.REVIEW_REQUEST)
    editing.add_step(cadence, Step(StepMode.EMAIL, 0))
    editing.add_trigger(cadence, Start(MilestoneKind.TREATMENT_COMPLETED, None, 2, 60, open_days=60))
    editing.activate_cadence(cadence)


def a_treatment_edited() -> None:
    toxin = next(kind for kind in the_practice().treatment_types if kind.name == "Toxin")
    practices.edit_treatment_type(
        the_practice(), toxin, name="Toxin", category="injectable", match_words=toxin.match_words, opens_days=7,
        peaks_days=14, closes_days=70, recall_days=100,
    )  # fmt: skip


def paused() -> None:
    practices.pause_practice(the_practice())


def second_file() -> None:
    _import("second.csv", SECOND_FILE)


def resumed() -> None:
    practices.resume_practice(the_practice())


def links_added() -> None:
    practices.add_review_link(the_practice(), "Maps", "https://maps.example.com/lake")


def a_trigger_edited() -> None:
    ask = db.session.scalars(sa.select(Cadence).where(Cadence.kind == Kind.ASK)).one()
    editing.add_trigger(ask, Start(MilestoneKind.VISIT, None, 3, 90))


def a_number_corrected() -> None:
    practices.correct_patient(the_practice(), patient("H1"), state="CA", zip="90210")


def a_friend_received() -> None:
    receive_friend(
        the_practice(), patient("H2"), NewFriend("Ines", "+13125550177", None, OptIn.ON_THE_CALL), "test", None
    )


def the_friend_is_lost() -> None:
    friend = db.session.scalars(sa.select(Referral)).one()
    move_referral(friend, ReferralState.LOST, actor="test", told=Told(why="Went elsewhere."))


def a_reply() -> None:
    messages.receive(
        the_practice(), channel="sms", from_address=patient(WRITES).phone, body="Could you call me?", provider_id="r1"
    )


def a_password_forgotten() -> None:
    assert links.ask_for_link("lea@example.com")


ACTS: tuple[Callable[[], None], ...] = (
    practice_added,
    people_by_hand,
    first_file,
    a_cadence_more,
    a_treatment_edited,
    a_password_forgotten,
    paused,
    second_file,
    resumed,
    links_added,
    a_trigger_edited,
    a_number_corrected,
    a_friend_received,
    the_friend_is_lost,
    a_reply,
)
Bell = tuple[str, tuple]
OF_THE_TICK = {Job.RUN_IMPORT, Job.SEND_DUE_MESSAGES}
"""What the tick rings for, each time again until it is done."""


def rung() -> Iterator[Bell]:
    """What waits in the queues, which are empty afterwards."""
    for name in QUEUES:
        for job in queue(name).jobs:
            yield job.func_name, tuple(job.args)
        queue(name).empty()


def answer(bell: Bell) -> None:
    """What a worker does."""
    module, _, function = bell[0].rpartition(".")
    getattr(import_module(module), function)(*bell[1])
    db.session.remove()


def live(
    after_act: Callable[[list[Bell]], None], heard: set[str], late: Callable[[], list[Bell]], answered: set[Job]
) -> None:
    """All acts, each ten minutes after the one before. `after_act` gets the bells that were rung, `late` gives those
    that ring when all is over; then only the tick is left, and of the bells it rings those that are `answered`."""
    with freeze_time(BEGAN) as time:
        make_user("lead", email="lea@example.com", password="four unrelated words")
        for act in ACTS:
            began = clock.now()
            with transaction("test"):
                act()
            bells = list(rung())
            heard.update(name for name, _ in bells)
            after_act(bells)
            time.move_to(began + BETWEEN_ACTS)
        for bell in late():
            answer(bell)
        for _ in range(TICKS_AFTER):
            tick()
            bells = list(rung())
            heard.update(name for name, _ in bells)
            for bell in bells:
                if bell[0] in answered:
                    answer(bell)
            time.tick(timedelta(seconds=61))


def tick() -> None:
    assert schedule.run_due()
    db.session.remove()


STATE = {
    "cadences": "SELECT name, kind, active FROM cadences",
    "milestones": """SELECT p.external_id, m.kind, m.happened_on, y.name, m.triggered_at IS NULL
        FROM milestones m JOIN patients p ON p.id = m.patient_id
        LEFT JOIN treatment_types y ON y.id = treatment_type_id""",
    "runs": """SELECT p.external_id, c.name, m.happened_on, r.state, r.position, r.next_at IS NULL, r.opens_at,
        r.peaks_at, r.closes_at, r.end_reason, r.end_words FROM cadence_runs r JOIN patients p ON p.id = r.patient_id
        JOIN cadences c ON c.id = r.cadence_id JOIN milestones m ON m.id = r.milestone_id""",
    "tasks": """SELECT p.external_id, t.kind, t.state, t.reason, t.promised_at, t.closes_at, t.offered, t.rank::int,
        l.language, l.window_group, l.kind FROM tasks t JOIN patients p ON p.id = t.patient_id
        LEFT JOIN lanes l ON l.id = t.lane_id""",
    "messages": "SELECT kind, channel, to_address, subject, left(body, 40), state, block_reasons::text FROM messages",
    "mails": "SELECT kind, to_address, state, tries FROM staff_mails",
    "replies": "SELECT provider_id, meaning, handled_at IS NULL FROM inbound_messages",
    "imports": "SELECT state, rows_read, patients_new, milestones_new, quarantined FROM imports",
    "shares": "SELECT hours, weight, has_work, has_open FROM shares",
    "friends": "SELECT state, friend_name FROM referrals",
    "failed": "SELECT work, row, error FROM failed_work",
    "rules": "SELECT version = applied FROM rule_changes",
}


def state() -> dict[str, list[str]]:
    found = {name: sorted(map(str, db.session.execute(sa.text(query)))) for name, query in STATE.items()}
    db.session.rollback()
    return found


def told(name: str, bells: list[Bell], rng: Random, late: list[Bell]) -> list[Bell]:
    """The bells that ring now, under this fault; `late` are those that ring after all acts."""
    match name:
        case "as rung":
            return bells
        case "all lost":
            return []
        case "all twice":
            return [bell for bell in bells for _ in range(2)]
        case "backwards":
            return bells[::-1]
        case "backwards at the end":
            late.extend(bells)
            return []
        case _:
            ring = [bell for bell in bells for _ in range(rng.choice((0, 0, 1, 2)))]
            late.extend(bell for bell in bells if rng.random() < 0.3)
            rng.shuffle(ring)
            return ring


def end_state(name: str) -> tuple[dict[str, list[str]], set[str]]:
    rng, late, heard = Random(name), [], set()

    def after_act(bells: list[Bell]) -> None:
        while bells:
            for bell in told(name, bells, rng, late):
                answer(bell)
            bells = list(rung())
            heard.update(bell[0] for bell in bells)
        if name == "as rung" or (name.startswith("at random") and rng.random() < 0.4):
            tick()

    answered = OF_THE_TICK if name == "all lost" else {*Job}
    live(after_act, heard, lambda: late[::-1] if name.startswith("backwards") else late, answered)
    return state(), heard


FAULTS = ["all lost", "all twice", "backwards", "backwards at the end"]
FAULTS += [f"at random {number}" for number in range(2)]


_as_rung: dict[str, list[str]] = {}


@pytest.fixture
def as_rung(own_database, database_url, app, monkeypatch) -> Iterator[dict[str, list[str]]]:
    """What comes of it when every bell rings once, in its turn, and the tick ticks; and an empty database again."""
    with mail_server(monkeypatch):
        if not _as_rung:
            found, heard = end_state("as rung")
            assert heard == {*Job} - {Job.SEND_DUE_MESSAGES}, "every bell of the product but the one the tick rings"
            assert found["runs"] and found["tasks"] and found["messages"] and not found["failed"]
            _as_rung.update(found)
            db.session.remove()
            db.engine.dispose()
            empty(own_database)
        yield _as_rung


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_becomes_of_the_bells_the_end_is_the_same(as_rung, fault):
    found, heard = end_state(fault)
    differs = {name: set(found[name]) ^ set(as_rung[name]) for name in STATE if found[name] != as_rung[name]}
    assert differs == {}
    assert fault != "all lost" or Job.SEND_DUE_MESSAGES in heard
