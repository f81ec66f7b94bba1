"""One finished card as the agent had it: what there was to say, what was said, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ops.accounts.models import User
from ops.accounts.queries import names_of
from ops.coaching import queries
from ops.coaching.models import Comment, Mark, Question, Score, Scorecard
from ops.db import db
from ops.floor.words import practices_named
from ops.messages.models import Message
from ops.practices.humans import same_human
from ops.practices.models import Milestone, Patient, Practice, TreatmentType
from ops.queue import wording
from ops.queue.models import Attempt, CadenceRun, Task, TaskEvent
from ops.queue.people import referral_of
from ops.referrals.models import Referral
from ops.scripts.models import Script, ScriptVersion
from ops.scripts.outline import Part
from ops.scripts.render import ScriptError
from ops.scripts.said import said
from ops.work.states import EventKind

SAME_SAVE = timedelta(seconds=5)
"""What was written this soon after the outcome was written by it: one transaction, a clock that goes on."""


@dataclass(frozen=True)
class Passage:
    """A part of the script. `turns`: which of the answers it was, from 1; empty when the agent did not open it."""

    part: Part
    title: str
    html: str
    turns: tuple[int, ...]


@dataclass(frozen=True)
class Turn:
    """One comment, with who wrote it; `agent` says that it was the agent whose card it is."""

    comment: Comment
    name: str
    agent: bool


@dataclass(frozen=True)
class Finished:
    """Everything the page of a finished card shows. `unmatched`: answers that stand in no part of this version."""

    attempt: Attempt
    task: Task
    practice: Practice
    patient: Patient
    referral: Referral | None
    category: str | None
    agent: User
    version: str
    passages: tuple[Passage, ...]
    unmatched: tuple[str, ...]
    events: tuple[TaskEvent, ...]
    claimed: TaskEvent | None
    messages: tuple[Message, ...]
    turns: tuple[Turn, ...]
    score: Score | None
    scorecard: Scorecard
    """The version it was marked by; the current one where it was not."""
    marks: dict[int, Mark]
    """By position of the question."""
    names: dict[str, str]
    practices: dict[int, str]

    @property
    def first_name(self) -> str:
        """Of whom was called: the patient, or the friend they sent."""
        return self.referral.friend_name.split(" ")[0] if self.referral else self.patient.first_name

    def questions(self) -> list[tuple[Question, Mark | None]]:
        return [(question, self.marks.get(question.position)) for question in self.scorecard.questions]


def finished_card(attempt_id: int) -> Finished | None:
    """The card of this attempt; None when there is none."""
    attempt = db.session.get(Attempt, attempt_id)
    if attempt is None:
        return None
    task = db.session.get_one(Task, attempt.task_id)
    practice, patient = db.session.get_one(Practice, task.practice_id), db.session.get_one(Patient, task.patient_id)
    agent, referral, treatment = db.session.get_one(User, attempt.agent_id), referral_of(task), _treatment(task)
    values = wording.values(
        practice,
        patient,
        agent=agent,
        friend_name=referral.friend_name if referral else None,
        treatment_category=treatment.category if treatment else None,
    )
    version, passages, unmatched = _script(attempt, values)
    events, claimed = _events(attempt), _claim(attempt)
    score = db.session.scalar(sa.select(Score).where(Score.attempt_id == attempt_id))
    turns = _turns(attempt)
    return Finished(
        attempt=attempt,
        task=task,
        practice=practice,
        patient=patient,
        referral=referral,
        category=treatment.category if treatment else None,
        agent=agent,
        version=version,
        passages=passages,
        unmatched=unmatched,
        events=events,
        claimed=claimed,
        messages=_messages(attempt),
        turns=turns,
        score=score,
        scorecard=db.session.get_one(Scorecard, score.scorecard_id) if score else queries.current_scorecard(),
        marks=_marks(score),
        names=names_of({event.actor for event in events} | ({f"user:{score.marked_by}"} if score else set())),
        practices=_practices(claimed),
    )


def may_reread(attempt_id: int, agent_id: int) -> bool:
    """Whether this is the agent's own card and a lead said something about it: agents have nothing else to browse."""
    own = sa.exists().where(Attempt.id == attempt_id, queries.spoken_of(agent_id))
    return bool(db.session.scalar(sa.select(own)))


def _treatment(task: Task) -> TreatmentType | None:
    run = db.session.get(CadenceRun, task.run_id) if task.run_id else None
    milestone = db.session.get(Milestone, run.milestone_id) if run else None
    return db.session.get(TreatmentType, milestone.treatment_type_id) if milestone else None


def _script(attempt: Attempt, values: Mapping[str, str]) -> tuple[str, tuple[Passage, ...], tuple[str, ...]]:
    """The version in words, its parts as they were said, and the answers that are in none of them."""
    version = db.session.get(ScriptVersion, attempt.script_version_id) if attempt.script_version_id else None
    if version is None:
        return "", (), tuple(attempt.answers)
    script = db.session.get_one(Script, version.script_id)
    name = f"{script.name}, version {version.number}"
    try:
        parts, _ = said(version.body, values)
    except ScriptError:  # as on the card: it could not be said to this person
        return name, (), tuple(attempt.answers)
    passages, matched = [], set()
    for each in parts:
        # the title as it is written or, with a variable in it, as it was said
        titles = {each.title, each.section.title} - {""}
        turns = tuple(number for number, title in enumerate(attempt.answers, 1) if title in titles)
        matched |= titles
        if each.section.text or each.title:
            passages.append(Passage(each.part, each.title, each.html, turns))
    unmatched = tuple(title for title in attempt.answers if title not in matched)
    return name, tuple(passages), unmatched


def _events(attempt: Attempt) -> tuple[TaskEvent, ...]:
    """What the outcome did to this task and to others of the same person."""
    return tuple(
        db.session.scalars(
            sa.select(TaskEvent)
            .join(Task, Task.id == TaskEvent.task_id)
            .where(
                Task.patient_id.in_(same_human(attempt.practice_id, attempt.patient_id)),
                TaskEvent.at >= attempt.at,
                TaskEvent.at < attempt.at + SAME_SAVE,
                TaskEvent.kind != EventKind.CLAIMED,
            )
            .order_by(TaskEvent.id)
        )
    )


def _claim(attempt: Attempt) -> TaskEvent | None:
    """The claim this attempt was made under."""
    return db.session.scalars(
        sa.select(TaskEvent)
        .where(TaskEvent.task_id == attempt.task_id, TaskEvent.kind == EventKind.CLAIMED, TaskEvent.at <= attempt.at)
        .order_by(TaskEvent.id.desc())
        .limit(1)
    ).first()


def _practices(claimed: TaskEvent | None) -> dict[int, str]:
    ids = practices_named(claimed.facts or {}) if claimed else set()
    if not ids:
        return {}
    rows = db.session.execute(sa.select(Practice.id, Practice.name).where(Practice.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _messages(attempt: Attempt) -> tuple[Message, ...]:
    """Queued in the same save for the same patient."""
    return tuple(
        db.session.scalars(
            sa.select(Message)
            .where(
                Message.patient_id.in_(same_human(attempt.practice_id, attempt.patient_id)),
                Message.created_at >= attempt.at,
                Message.created_at < attempt.at + SAME_SAVE,
            )
            .order_by(Message.created_at)
        )
    )


def _turns(attempt: Attempt) -> tuple[Turn, ...]:
    rows: Sequence = db.session.execute(
        sa.select(Comment, User.name)
        .join(User, User.id == Comment.author_id)
        .where(Comment.attempt_id == attempt.id)
        .order_by(Comment.id)
    ).all()
    return tuple(Turn(comment, name, comment.author_id == attempt.agent_id) for comment, name in rows)


def _marks(score: Score | None) -> dict[int, Mark]:
    if score is None:
        return {}
    positions = dict(
        db.session.execute(
            sa.select(Question.id, Question.position).where(Question.scorecard_id == score.scorecard_id)
        ).all()
    )
    return {positions[mark.question_id]: mark.mark for mark in score.marks}


def length_words(seconds: int | None) -> str:
    """ "4 min 05 s", "50 s"; "not measured" for None. Takes seconds."""
    if seconds is None:
        return "not measured"
    minutes, rest = divmod(seconds, 60)
    if not rest and minutes:
        return f"{minutes} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
