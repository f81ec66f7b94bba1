"""What the demo's lead did about finished calls: settled concerns, comments, scores, and the agents' answers."""

from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import Membership, Role, User
from ops.coaching import actions as coaching
from ops.coaching.models import Mark
from ops.coaching.queries import current_scorecard
from ops.concerns import actions
from ops.concerns.models import Concern
from ops.db import db, transaction
from ops.practices.actions import note_read
from ops.practices.models import Patient
from ops.queue.models import Attempt
from ops.work.outcomes import TALKS, Outcome
from ops.work.reads import ReadOf

STILL_OPEN = 3
"""Concerns left for whoever signs in."""
DONE = (
    "Called back the same afternoon and invited her for a free check. She comes on Thursday.",
    "The result needed two more weeks; she had been told one. We say it on the card now.",
    "Billing had charged twice. Paid back, and they were glad that somebody asked.",
)
SAID = (
    (
        "The specific ask came out very naturally here. Keep exactly that.",
        "Thank you! I practice it before each shift.",
    ),
    ("They hesitated after the ask and you went straight on. Try to count to three.", ""),
    ("Lovely listening. The note could say which friend they thought of.", "Good point, I will."),
)
MARKS = (Mark.MET, Mark.MET, Mark.PARTLY, Mark.MET, Mark.MET, Mark.NOT_APPLICABLE, Mark.PARTLY)
MARKED = 8
"""Calls of the first agent that are marked: enough for an average. Of the others only the commented ones are."""


def look_after_calls(lead: User, agents: list[User]) -> None:
    """A few days' worth of a lead's attention."""
    _settle(lead)
    for agent, (words, answer) in zip(agents, SAID, strict=False):
        if calls := _last_talks(agent, 1):
            _comment(calls[0], agent, lead, words, answer)
            _mark(calls[0], lead, 0)
    for number, attempt in enumerate(_last_talks(agents[0], MARKED)[1:]):
        _mark(attempt, lead, number)
    _comment_unread(lead, agents[0])


def _last_talks(agent: User, limit: int) -> list[Attempt]:
    talks = sa.select(Attempt).where(Attempt.agent_id == agent.id, Attempt.outcome.in_(TALKS))
    talks = talks.where(Attempt.outcome != Outcome.NOT_HAPPY).order_by(Attempt.at.desc(), Attempt.id.desc())
    found = list(db.session.scalars(talks.limit(limit)))
    db.session.rollback()
    return found


def _settle(lead: User) -> None:
    """All but the last ones, the day after they were raised."""
    settled = list(db.session.scalars(sa.select(Concern).order_by(Concern.raised_at)))[:-STILL_OPEN]
    members = {one.practice_id: one.user_id for one in db.session.scalars(sa.select(Membership))}
    db.session.rollback()
    for number, concern in enumerate(settled):
        words = DONE[number % len(DONE)]
        if number % 2 and (member := members.get(concern.practice_id)):
            with clock.moved_to(concern.raised_at + timedelta(hours=3)), transaction(f"user:{member}"):
                actions.answer(concern.practice_id, concern.id, words, f"user:{member}")
            words = "The practice took care of it; see what they wrote."
        with clock.moved_to(concern.raised_at + timedelta(days=1)), transaction(lead.actor):
            actions.settle(concern.id, words, lead.actor)


def _comment(attempt: Attempt, agent: User, lead: User, words: str, answer: str) -> None:
    with clock.moved_to(attempt.at + timedelta(hours=2)), transaction(lead.actor):
        note_read(lead, db.session.get_one(Patient, attempt.patient_id), ReadOf.FINISHED_CARD, attempt.id)
        coaching.comment(attempt.id, words, lead)
    if answer:
        with clock.moved_to(attempt.at + timedelta(hours=4)), transaction(agent.actor):
            coaching.comment(attempt.id, answer, agent)


def _mark(attempt: Attempt, lead: User, number: int) -> None:
    """Not all alike: each call has another weak spot."""
    questions = len(current_scorecard().questions)
    marks = {position: MARKS[(position + number) % len(MARKS)] for position in range(1, questions + 1)}
    db.session.rollback()
    with clock.moved_to(attempt.at + timedelta(hours=2)), transaction(lead.actor):
        note_read(lead, db.session.get_one(Patient, attempt.patient_id), ReadOf.FINISHED_CARD, attempt.id)
        coaching.score(attempt.id, current_scorecard().number, marks, lead)


def _comment_unread(lead: User, agent: User) -> None:
    """One thing the agent finds when they sign in; the rest they have read."""
    calls = _last_talks(agent, 2)
    for attempt in _last_talks(agent, MARKED):
        with transaction(agent.actor):
            coaching.read(attempt.id, agent)
    if len(calls) > 1:
        with transaction(lead.actor):
            coaching.comment(calls[1].id, "They asked twice about the price. Which answer would have helped you?", lead)


def lead_of() -> User:
    """The first lead of the agency."""
    return db.session.scalars(sa.select(User).where(User.role == Role.LEAD).order_by(User.id).limit(1)).one()
