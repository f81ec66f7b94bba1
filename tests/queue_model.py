"""The queue and its ledger in plain Python, slow and obvious, written from the rules and not from the product's SQL.

tests/queue/test_model.py drives it beside the product, in one process. Virtual time is minutes charged per contract
hour. People live in two places, one of which shuts in the evening while the other goes on.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from ops.queue import retries
from ops.work.kinds import Kind
from ops.work.skips import Skip

CREDIT = 3.0
LEASE = timedelta(minutes=10)
SKIPPED = timedelta(minutes=30)
PREFERRED = timedelta(minutes=20)
TOGETHER = timedelta(minutes=15)
OWNER_FIRST = timedelta(minutes=10)
SERVED_LATELY = timedelta(minutes=15)
LONGEST = 60.0
RANKS = {Kind.REPLY: 100, Kind.ASK: 70, Kind.FOLLOW_UP: 60, Kind.REVIEW_REQUEST: 50, Kind.RECALL: 45}
"""Which kind of work is the better moment, of what has no best day of its own."""
ESTIMATES = {Kind.REPLY: 4.0, Kind.ASK: 6.0, Kind.FOLLOW_UP: 5.0, Kind.REVIEW_REQUEST: 3.0, Kind.RECALL: 4.0}
"""Minutes charged at the claim."""
SHUT = {"NY": (time(1), time(12)), "CA": (time(4), time(15))}
"""When nobody there is called: from nine in the evening until eight in the morning, in UTC under summer time."""


class Lane(NamedTuple):
    place: str
    language: str
    kind: Kind

    def is_open(self, now: datetime) -> bool:
        shut, opens = SHUT[self.place]
        return not shut <= now.astimezone(UTC).time() < opens


@dataclass
class Agent:
    """What somebody may work."""

    id: int
    languages: set[str] = field(default_factory=lambda: {"en"})
    kinds: set[Kind] | None = None
    """None: all of them."""
    certified: set[int] | None = None
    """Practices; None: all of them."""
    knows: set[int] = field(default_factory=set)
    """People who never come to them."""
    not_mine: set[int] = field(default_factory=set)
    """Tasks that never do."""

    def shuns(self, task: "Work") -> bool:
        return task.person in self.knows or task.id in self.not_mine

    def does(self, practice_id: int, lane: Lane) -> bool:
        return (
            lane.language in self.languages
            and (self.kinds is None or lane.kind in self.kinds)
            and (self.certified is None or practice_id in self.certified)
        )


@dataclass
class Account:
    """A practice: hours bought, and what it had."""

    id: int
    hours: float
    virtual_time: float
    minutes: float = 0.0
    lanes: set[Lane] = field(default_factory=set)
    """Where it has work, as far as anybody looked."""
    open_lanes: set[Lane] = field(default_factory=set)
    resting: set[Kind] = field(default_factory=set)
    active: bool = True
    served_at: datetime | None = None

    @property
    def has_work(self) -> bool:
        return bool(self.lanes)

    def charge(self, minutes: float) -> None:
        self.minutes += minutes
        self.virtual_time += minutes / self.hours


@dataclass
class Work:
    """A task."""

    id: int
    practice: Account
    patient: int
    person: int
    """The same for patients of one number, of whatever practice: one human, one call."""
    lane: Lane
    max_tries: int
    ready_at: datetime
    promised_at: datetime | None = None
    state: str = "waiting"
    offered: bool = False
    owner: int | None = None
    owner_until: datetime | None = None
    handed_at: datetime | None = None
    held_by: int | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    tries: int = 0

    @property
    def estimate(self) -> float:
        return ESTIMATES[self.lane.kind]

    @property
    def rank(self) -> float:
        return RANKS[self.lane.kind]

    @property
    def by_turn(self) -> bool:
        return self.state == "waiting" and self.offered and self.promised_at is None


@dataclass
class Queue:
    """The whole floor. Every method is one step of the product; `now` is set by the caller."""

    now: datetime
    zone: str
    practices: dict[int, Account] = field(default_factory=dict)
    tasks: dict[int, Work] = field(default_factory=dict)
    agents: dict[int, Agent] = field(default_factory=dict)
    spoke: dict[int, list[int]] = field(default_factory=dict)
    """Who spoke to a patient, the last one last."""

    def add_practice(self, practice_id: int, hours: float) -> None:
        level = min((each.virtual_time for each in self._at_work()), default=0.0)
        self.practices[practice_id] = Account(practice_id, hours, level)

    def change_hours(self, practice_id: int, hours: float) -> None:
        """What it had before whoever is owed most of those at work stays so many minutes."""
        practice = self.practices[practice_id]
        level = min((each.virtual_time for each in self._at_work()), default=practice.virtual_time)
        if practice.virtual_time > level:
            practice.virtual_time = level + (practice.virtual_time - level) * practice.hours / hours
        practice.hours = hours

    def open_task(self, task: Work) -> None:
        self.tasks[task.id] = task
        self._prefer(task)
        self._offer_if_due(task)

    def claim(self, agent: int) -> Work | None:
        """The next task of this agent, in progress with them; what came due is offered before the answer is None."""
        task = self.held_by(agent) or self._take_next(agent)
        if task is None:
            self.look_again()
            task = self._take_next(agent)
        return task

    def held_by(self, agent: int) -> Work | None:
        return next((each for each in self.tasks.values() if each.held_by == agent), None)

    def _take_next(self, agent: int) -> Work | None:
        task = self._handed(agent) or self._promise(agent) or self._by_turn(agent)
        if task:
            task.state, task.held_by, task.offered = "claimed", agent, False
            task.claimed_at, task.lease_until = self.now, self.now + LEASE
            task.practice.charge(task.estimate)
        return task

    def _handed(self, agent: int) -> Work | None:
        mine = [each for each in self._for(agent) if each.handed_at and self._owned(each) and each.owner == agent]
        return min(mine, key=lambda each: (each.handed_at, each.id), default=None)

    def _promise(self, agent: int) -> Work | None:
        promised = [each for each in self._for(agent) if each.promised_at and self._does(agent, each)]
        return min(promised, key=lambda each: (each.promised_at, each.id), default=None)

    def _by_turn(self, agent: int) -> Work | None:
        who = self.agents[agent]
        for practice in sorted(self.practices.values(), key=lambda each: (each.virtual_time, each.id)):
            lanes = {each for each in practice.open_lanes if each.is_open(self.now) and who.does(practice.id, each)}
            if not practice.active or not lanes:
                continue
            best = [
                each for each in self._for(agent) if each.practice is practice and each.by_turn and each.lane in lanes
            ]
            if best:
                practice.served_at = self.now
                return min(best, key=lambda each: (-each.rank, each.id))
            self._forget_dry(practice, practice.open_lanes)
        return None

    def _does(self, agent: int, task: Work) -> bool:
        return self.agents[agent].does(task.practice.id, task.lane)

    def _for(self, agent: int) -> list[Work]:
        """What this agent may be given now, were they certified for it."""
        in_progress = {each.person for each in self.tasks.values() if each.state == "claimed"}
        return [
            each
            for each in self.tasks.values()
            if each.state == "waiting"
            and each.offered
            and each.practice.active
            and each.lane.kind not in each.practice.resting
            and each.lane.is_open(self.now)
            and each.person not in in_progress
            and (not self._owned(each) or each.owner == agent)
            and not self.agents[agent].shuns(each)
        ]

    def _owned(self, task: Work) -> bool:
        return task.owner is not None and task.owner_until is not None and self.now < task.owner_until

    # what becomes of a task in progress

    def give_back(self, task: Work, ready_at: datetime | None = None) -> None:
        """Release, skip, snooze, lease over: it is anybody's, and the estimate is taken back."""
        task.practice.charge(-task.estimate)
        task.owner = task.owner_until = None
        self._let_go(task, ready_at or task.ready_at)

    def skip(self, task: Work, agent: int, means: Skip) -> None:
        """What somebody else should do is offered to the others at once, and never again to who said so."""
        who = self.agents[agent]
        if means is Skip.KNOWS:
            who.knows.add(task.person)
        if means is not Skip.LATER:
            who.not_mine.add(task.id)
        self.give_back(task, self.now + SKIPPED if means is Skip.LATER else None)
        for other in self.tasks.values():
            if other.state == "waiting" and other.owner == agent and who.shuns(other):
                other.owner = other.owner_until = other.handed_at = None

    def end(self, task: Work) -> None:
        """An outcome that ends the work after speaking to them."""
        self._record(task, spoke=True)
        agent = task.held_by
        self._finish(task)
        self._keep_together(task, agent)

    def no_answer(self, task: Work) -> None:
        self._record(task, spoke=False)
        if task.tries >= task.max_tries:
            self._finish(task)
            return
        ready_at = retries.next_try(self.now, self.zone, task.tries)
        task.promised_at = None
        if task.lane.kind is Kind.REPLY:  # who wrote is owed a call, today if it can be
            closes = self._closes(task.lane)
            waits = [each for each in (120, 60, 30) if self.now + timedelta(minutes=each) < closes]
            if waits and task.tries == 1:
                ready_at = self.now + timedelta(minutes=waits[0])
            task.promised_at, task.owner, task.owner_until = ready_at, None, None
        else:
            self._prefer(task, ready_at)
        self._let_go(task, ready_at)

    def _closes(self, lane: Lane) -> datetime:
        shut = datetime.combine(self.now.astimezone(UTC).date(), SHUT[lane.place][0], UTC)
        return shut if shut > self.now else shut + timedelta(days=1)

    def call_back(self, task: Work, at: datetime, *, mine: bool) -> None:
        self._record(task, spoke=True)
        agent = task.held_by
        task.promised_at = at
        task.owner, task.owner_until = (agent, at + OWNER_FIRST) if mine else (None, None)
        self._let_go(task, at)
        self._keep_together(task, agent)

    def cancel(self, task: Work) -> None:
        if task.state == "claimed":
            task.practice.charge(-task.estimate)
        self._finish(task, "cancelled")

    def _record(self, task: Work, *, spoke: bool) -> None:
        minutes = min(LONGEST, round((self.now - task.claimed_at).total_seconds() / 60, 2))
        task.practice.charge(minutes - task.estimate)
        task.tries += 1
        if spoke:
            self.spoke.setdefault(task.patient, []).append(task.held_by)

    def _finish(self, task: Work, state: str = "done") -> None:
        task.state, task.offered, task.held_by, task.promised_at = state, False, None, None

    def _let_go(self, task: Work, ready_at: datetime) -> None:
        task.state, task.held_by, task.handed_at, task.ready_at = "waiting", None, None, ready_at
        self._offer_if_due(task)

    def _prefer(self, task: Work, ready_at: datetime | None = None) -> None:
        """Who spoke to the patient last is asked first, for twenty minutes."""
        spoke = [each for each in self.spoke.get(task.patient, []) if task.person not in self.agents[each].knows]
        task.owner = spoke[-1] if spoke else None
        task.owner_until = (ready_at or task.ready_at) + PREFERRED if task.owner else None

    def _keep_together(self, task: Work, agent: int | None) -> None:
        """Other work of this practice about the same human comes to the same agent next."""
        for other in self.tasks.values():
            same = other.person == task.person and other.practice is task.practice and other is not task
            if same and other.state == "waiting" and other.offered and not other.handed_at:
                other.owner, other.owner_until, other.handed_at = agent, self.now + TOGETHER, self.now

    def sweep(self) -> None:
        """Expired leases come back, then what `look_again` does."""
        for task in sorted(self.tasks.values(), key=lambda each: each.id):
            if task.state == "claimed" and task.lease_until < self.now:
                self.give_back(task)
        self.look_again()

    def look_again(self) -> None:
        """What came due is offered, who has nothing is said to have nothing, and what anybody is owed is bounded."""
        for task in sorted(self.tasks.values(), key=lambda each: (each.practice.id, each.id)):
            self._offer_if_due(task)
        for practice in self._at_work():
            self._forget_dry(practice, practice.lanes)
        self.refresh_open()

    def refresh_open(self) -> None:
        """Which lanes are open now, and what anybody is owed who could not be served meanwhile."""
        for practice in self.practices.values():
            practice.open_lanes = {each for each in practice.lanes if self._is_served(practice, each)}
        since = self.now - SERVED_LATELY
        served = [each for each in self._at_work() if each.active and each.served_at and each.served_at > since]
        level = min((each.virtual_time for each in served if each.open_lanes), default=None)
        for practice in self._at_work():
            if level is not None:
                practice.virtual_time = max(practice.virtual_time, level - CREDIT)

    def _is_served(self, practice: Account, lane: Lane) -> bool:
        return lane.is_open(self.now) and lane.kind not in practice.resting

    def _at_work(self) -> list[Account]:
        return [each for each in self.practices.values() if each.has_work]

    def _forget_dry(self, practice: Account, lanes: set[Lane]) -> None:
        wet = {each.lane for each in self.tasks.values() if each.practice is practice and each.by_turn}
        dry = lanes - wet
        practice.lanes -= dry
        practice.open_lanes -= dry

    def _offer_if_due(self, task: Work) -> None:
        if task.state != "waiting" or task.offered or task.ready_at > self.now:
            return
        task.offered = True
        practice = task.practice
        if task.promised_at is not None or task.lane in practice.lanes:
            return
        if not practice.has_work:
            busy = [each.virtual_time for each in self._at_work()]
            level = min(busy) if busy else max(each.virtual_time for each in self.practices.values())
            practice.virtual_time = max(practice.virtual_time, level - CREDIT)
        practice.lanes = practice.lanes | {task.lane}
        if self._is_served(practice, task.lane):
            practice.open_lanes = practice.open_lanes | {task.lane}
