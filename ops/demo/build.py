"""Live ninety days in a minute: the product's own verbs, under a moved clock, in the name of the people who do them."""

import gc
import heapq
import io
import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops import background, clock
from ops.accounts import actions as accounts
from ops.accounts import sessions
from ops.accounts.models import Role, User
from ops.cadences import jobs
from ops.cadences.models import Cadence
from ops.db import db, transaction
from ops.demo import agency, behaviour, coaching, files, people
from ops.demo.agency import DemoPractice
from ops.desk.actions import reading, recording
from ops.desk.actions.saved import Saved
from ops.errors import Refused
from ops.floor import board
from ops.imports import loading
from ops.messages import jobs as messages
from ops.practices import actions as practices
from ops.practices.models import Practice
from ops.practices.months import Month, days_passed
from ops.queue import jobs as queue
from ops.queue.models import Task
from ops.referrals import jobs as referrals
from ops.work.answers import Source
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome

DAYS = 90
HISTORY_DAYS = 45
"""How far before the first day the first export goes back."""
LEFT_DAYS = 3
"""Working days at the end on which nobody works, so that the desk has something to do."""
LOADS = (0, 40, 62, 76, 90)
"""Days on which the practices send an export."""
HOURS = (time(12, 30), time(18, 0))
"""When the floor works, Eastern time: both lie inside the window of every state and practice."""
SEED = 20_26

Progress = Callable[[float, str], None]


class Call(NamedTuple):
    """What will have come of a call when its minutes are over."""

    task_id: int
    fence: int
    saved: Saved
    minutes: float


class Demo:
    """One run of the demo. `today` is the day on which it ends, with work left for whoever signs in; `days` is how long
    it lives, and `given` are the practices that take part."""

    def __init__(
        self,
        today: date,
        report: Progress,
        password: str = agency.PASSWORD,
        days: int = DAYS,
        given: Sequence[DemoPractice] = agency.PRACTICES,
    ) -> None:
        self.today, self.report, self.password = today, report, password
        self.days, self.given = days, given
        self.chance = random.Random(SEED)  # noqa: S311 (invented people, not secrets)
        self.first = today - timedelta(days=days)
        self.practices: dict[str, int] = {}
        self.patients: dict[str, list[people.DemoPatient]] = {}
        self.agents: list[User] = []
        self.members: dict[int, User] = {}
        self.lead: User

    def build(self) -> None:
        """All of it. Raises Refused when the agency is not empty."""
        if db.session.scalar(sa.select(sa.exists().where(Practice.id > 0))):
            raise Refused("There are practices already; the demo only goes into an empty agency.")
        db.session.rollback()
        db.session.execute(sa.text("SET synchronous_commit TO off"))  # for this connection: a demo may be built again
        gc.set_threshold(
            50_000, 20, 50
        )  # nearly everything dies with its transaction: looking for cycles is a tenth of it
        with background.silent():
            self.report(0, "people and practices")
            with clock.moved_to(self._at(self.first, time(8, 0))):
                self._people()
                self._practices()
            for number in range(self.days + 1):
                self._day(number)
                self.report((number + 1) / (self.days + 1), f"day {number + 1} of {self.days + 1}")
            self._renew_contracts()
            coaching.look_after_calls(coaching.lead_of(), self.agents)

    @staticmethod
    def _at(day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, ZoneInfo(agency.EASTERN)).astimezone(UTC)

    def _people(self) -> None:
        with transaction("demo"):
            staff = [(agency.ADMIN, Role.ADMIN), *((lead, Role.LEAD) for lead in agency.LEADS)]
            staff += [(agent, Role.AGENT) for agent in agency.AGENTS]
            for (name, email), role in staff:
                user = accounts.add_user(email, name=name, role=role)
                accounts.set_password(user, self.password)
                if role is Role.AGENT:
                    self.agents.append(user)
                elif role is Role.LEAD:
                    self.lead = user

    def _practices(self) -> None:
        numbers = people.Numbers()
        for given in self.given:
            with transaction("demo"):
                practice = self._add(given)
                self.practices[given.slug] = practice.id
            jobs.practice_added(self.practices[given.slug])
            self._choose_cadences(given)
            with transaction("demo"):
                practices.go_live(db.session.get_one(Practice, self.practices[given.slug]))
            self.patients[given.slug] = people.patients_of(
                given, self.chance, numbers, self.first - timedelta(days=HISTORY_DAYS), self.today - timedelta(days=1)
            )

    def _add(self, given: DemoPractice) -> Practice:
        practice = practices.add_practice(
            given.slug,
            given.name,
            given.zone,
            given.state,
            self.first - timedelta(days=20),
            hours=given.hours,
            starts_on=self.first.replace(day=1),
            spoken_name=given.spoken,
            specialty=given.specialty,
            helps_best=given.helps_best,
            shareable=given.shareable,
            website=f"https://{given.slug}.example.com",
            sender_name=given.name,
            sender_email=f"hello@{given.slug}.example.com",
            callback_number=f"+1{agency.AREA_CODES[given.state][0]}5550199",
        )
        practices.add_review_link(practice, "Reviews", f"https://reviews.example.com/{given.slug}")
        member = accounts.add_user(
            f"owner@{given.slug}.example.com",
            name=f"Owner of {given.name}",
            role=Role.MEMBER,
            practice_ids=[practice.id],
        )
        if given.slug in ("harbor-skin", "cayuga-skin"):
            accounts.set_password(member, self.password)
        self.members[practice.id] = member
        return practice

    def _choose_cadences(self, given: DemoPractice) -> None:
        if given.slug in agency.WITH_CHECK_IN:
            return
        with transaction("demo"):
            db.session.execute(
                sa.update(Cadence)
                .where(Cadence.practice_id == self.practices[given.slug], Cadence.kind == Kind.FOLLOW_UP)
                .values(active=False)
            )

    def _day(self, number: int) -> None:
        day = self.first + timedelta(days=number)
        last = number == self.days
        left = sum((day + timedelta(days=ahead)).weekday() < 5 for ahead in range(self.days - number)) < LEFT_DAYS
        if number in LOADS:
            with clock.moved_to(self._morning(day, last)):
                self._load(number)
        if day.weekday() < 5:
            for hour in HOURS:
                moment = self._at(day, hour)
                if last and moment >= clock.now():
                    break
                with clock.moved_to(moment):
                    shift = [] if left else self._sign_in()
                    self._tick()
                    if shift:
                        self._work(moment, shift)
        if last:
            self._tick()

    def _renew_contracts(self) -> None:
        """The month that runs is bought by what the calls of a practice take, nearly all are on pace."""
        for line in board.look(board.Asked()).lines:
            month = Month.of(clock.today(line.zone))
            share = days_passed(month, clock.now(), line.zone) / month.days
            hours = float(line.delivered_minutes / share) / 60 * agency.OFF_PACE.get(line.slug, 1)
            with transaction(self.lead.actor):
                practice = db.session.get_one(Practice, line.practice_id)
                practices.set_contract(practice, max(0.5, round(hours, 1)), month.first)

    def _morning(self, day: date, last: bool) -> datetime:
        morning = self._at(day, time(8, 0))
        return min(morning, clock.now()) if last else morning

    def _load(self, number: int) -> None:
        """Every practice sends its export: what happened since the one before."""
        before = max((load for load in LOADS if load < number), default=None)
        since = self.first + timedelta(days=before if before is not None else -HISTORY_DAYS)
        until = self.first + timedelta(days=number)
        for given in self.given:
            sent = files.export(given.style, self.patients[given.slug], since, until, number == LOADS[-1])
            practice_id = self.practices[given.slug]
            owner = self.members[practice_id].actor
            with transaction(owner):
                load = loading.receive(
                    db.session.get_one(Practice, practice_id),
                    [(name, io.BytesIO(content)) for name, content in sent],
                    owner,
                )
                loading.begin(load, ring_worker=False)
                load_id = load.id
            loading.run(load_id)
            jobs.import_finished(practice_id)

    def _tick(self) -> None:
        jobs.take_due_steps()
        queue.upkeep()
        messages.send_due()
        referrals.settle_loop()

    def _sign_in(self) -> list[User]:
        """The agents of this shift come to work."""
        shift = self.chance.sample(self.agents, 4)
        with transaction("demo"):
            for agent in shift:
                sessions.begin(agent, address=None, browser="The demo's")
        return shift

    def _work(self, moment: datetime, shift: list[User]) -> None:
        """The agents on this shift work side by side, one call after the other, until nothing is left or their time
        is over, and sign out."""
        calls = dict.fromkeys(shift, behaviour.CALLS_A_SHIFT)
        busy: list[tuple[datetime, int, Call | None]] = [(moment, number, None) for number in range(len(shift))]
        with clock.movable(moment) as set_to:
            while busy:
                at, number, call = heapq.heappop(busy)
                set_to(at)
                agent = shift[number]
                if call:
                    self._finish(agent, call)
                if calls[agent] and (call := self._begin(agent)):
                    calls[agent] -= 1
                    heapq.heappush(busy, (at + timedelta(minutes=call.minutes), number, call))
                    continue
                with transaction(agent.actor):
                    sessions.end_all(agent.id, sessions.SIGNED_OUT)
        messages.send_due()
        behaviour.patients_answer(self.chance)
        behaviour.practices_report(self.chance, self._says)

    def _begin(self, agent: User) -> "Call | None":
        claimed = queue.next_for(agent.id, agent.actor)
        if claimed is None:
            return None
        with transaction(agent.actor):
            task = db.session.get_one(Task, claimed.id)
            if wrote := reading.unread_on(task):
                reading.read_replies(task.id, agent.id, task.fence, agent.actor, wrote, is_stop=False)
            saved, minutes = behaviour.outcome_of(task, self._appeal(task.practice_id), self.chance)
            return Call(task.id, task.fence, saved, minutes)

    def _finish(self, agent: User, call: "Call") -> None:
        try:
            self._record(agent, call, call.saved)
        except Refused:  # the time they wanted is not a lawful one, and no other suits them
            self._record(agent, call, Saved(Outcome.NOT_NOW, note=call.saved.note))

    def _record(self, agent: User, call: "Call", saved: Saved) -> None:
        with transaction(agent.actor):
            recording.record_outcome(call.task_id, agent.id, call.fence, agent.actor, saved)

    def _says(self, practice_id: int) -> tuple[User, Source]:
        """Who notes what became of a practice's friends: its member, where one signs in, or else a lead who calls."""
        member = self.members[practice_id]
        return (member, Source.MEMBER) if member.password_hash else (self.lead, Source.PRACTICE_SAID)

    def _appeal(self, practice_id: int) -> float:
        return next(each.appeal for each in self.given if self.practices[each.slug] == practice_id)
