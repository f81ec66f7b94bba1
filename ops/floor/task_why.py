"""Why a task waits, whichever it is: in sentences, from what the claim would find about it now."""

from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.db import db
from ops.floor.task_story import Story
from ops.floor.words import Said
from ops.phrases import count_of
from ops.practices.models import Practice, PracticeStatus
from ops.practices.queries import names_of
from ops.queue.languages import base_language, language_words
from ops.queue.models import KindPause, Lane, Share, Task, TaskEvent
from ops.queue.queries import in_other_hands
from ops.queue.words import reasons_words
from ops.queue.workers import workers
from ops.work.kinds import KIND_WORDS
from ops.work.states import EventKind, TaskState


def why_waiting(story: Story, said: Said) -> list[str]:
    """Why a waiting task is not in anybody's hands yet, in sentences; empty for a task that does not wait."""
    task = story.task
    if task.state is not TaskState.WAITING:
        return []
    kept = _kept(story, said, clock.now())
    tell_kept = kept and (task.handed_at or task.ready_at <= clock.now())
    return [*hindrances(story, said), *([kept] if kept and tell_kept else [])] or [_in_turn(task)]


def hindrances(story: Story, said: Said) -> list[str]:
    """What keeps a waiting task from whoever it is for, in sentences; empty when they could take it now."""
    task, now = story.task, clock.now()
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    handed = task.handed_at and task.owner_until and now < task.owner_until
    lines = [_not_active(story), _at_rest(task, said), None if handed else _nobody(story, lane)]
    lines += [_not_yet(task, said)] if task.ready_at > now else [_shut(lane, said, now), _in_hands(task)]
    return [line for line in lines if line]


def _not_active(story: Story) -> str | None:
    if story.practice.status is PracticeStatus.ACTIVE:
        return None
    return f"{story.practice.name} is {story.practice.status}: nothing is done for it."


def _at_rest(task: Task, said: Said) -> str | None:
    pause = db.session.get(KindPause, (task.practice_id, task.kind))
    if pause is None:
        return None
    by = names_of({pause.paused_by}).get(pause.paused_by, pause.paused_by)
    what = KIND_WORDS[task.kind]
    return f"{by} has work of the kind “{what}” rest for this practice since {said(pause.since)}: {pause.reason}"


def _nobody(story: Story, lane: Lane | None) -> str | None:
    """Nobody could take it, and what for; None when somebody could."""
    task, practice = story.task, story.practice
    language = lane.language if lane else base_language(story.patient.language)
    staff = workers()
    if any(who.may(practice.id, task.kind, language) for who in staff):
        return None
    wants = {
        f"is certified for {practice.name}": (practice.id, None, None),
        f"speaks {language_words(language)}": (practice.id, None, language),
        f"does “{KIND_WORDS[task.kind]}”": (practice.id, task.kind, None),
    }
    for what, asked in wants.items():
        if not any(who.may(*asked) for who in staff):
            where = "" if what.startswith("is certified") else f", of those certified for {practice.name},"
            return f"Nobody{where} {what}: it waits until somebody does, or a lead hands it over."
    return f"Nobody of those certified for {practice.name} both speaks {language_words(language)} and does this kind."


def _not_yet(task: Task, said: Said) -> str:
    if why := reasons_words(task.shut_reasons):
        return f"May not be contacted before {said(task.ready_at)}: {why}."
    if task.promised_at:
        return f"Promised for {said(task.promised_at)}; it comes first from then on."
    if task.tries:
        return f"Tried {count_of(task.tries, 'time')} without an answer; the next try is from {said(task.ready_at)} on."
    if task.fence:
        return f"Put off by an agent until {said(task.ready_at)}."
    return f"It is due from {said(task.ready_at)} on."


def _shut(lane: Lane | None, said: Said, now: datetime) -> str | None:
    if lane is None:
        return (
            "The hours in which they may be called are not known yet: a matter of a minute, unless a table is missing."
        )
    if lane.opens_at and lane.closes_at and lane.opens_at <= now < lane.closes_at:
        return None
    outside = "Outside the hours in which they may be called:"
    if lane.opens_at is None:
        return f"{outside} none are in sight within two weeks."
    if lane.opens_at <= now:
        return f"{outside} the next are being looked up; that takes a minute at most."
    return f"{outside} they open {said(lane.opens_at)}."


def _in_hands(task: Task) -> str | None:
    """Somebody speaks to this patient, or to who has the same number."""
    held = in_other_hands(task)
    if held is None:
        return None
    who = db.session.get_one(User, held.held_by).name
    whom = "this patient" if held.patient_id == task.patient_id else "somebody with the same number"
    return f"{who} is speaking to {whom} about another task; nobody else does at the same time."


def _kept(story: Story, said: Said, now: datetime) -> str | None:
    """For whom it is kept now, and why them; None when it is anybody's."""
    task = story.task
    if not (task.owner_id and task.owner_until and now < task.owner_until):
        return None
    owner, until = story.names.get(f"user:{task.owner_id}", "an agent"), said(task.owner_until)
    if task.handed_at and (event := _handed(story)):
        by = story.names.get(event.actor, "a lead")
        return f"Handed to {owner} by {by}, before everything else of theirs; from {until} on it is anybody's."
    if task.handed_at:
        return f"Kept for {owner}, who has just dealt with the same person, until {until}."
    if task.promised_at:
        return f"Kept for {owner}, who promised the call, until {until}."
    return f"Kept for {owner}, who spoke to them last, until {until}; then it is anybody's."


def _handed(story: Story) -> TaskEvent | None:
    """The lead's act that put it where it is; None when it came to its owner as other work about the same person."""
    task = story.task
    until = task.owner_until.isoformat() if task.owner_until else ""
    handed = [event for event in story.events if event.kind is EventKind.HANDED]
    same = (event for event in handed if (event.facts.get("to"), event.facts.get("until")) == (task.owner_id, until))
    return next(same, None)


def _in_turn(task: Task) -> str:
    """It could be taken now: how many come before it."""
    share = db.session.get(Share, task.practice_id)
    open_now = sa.exists().where(Lane.id == Task.lane_id, Lane.opens_at <= clock.now(), Lane.closes_at > clock.now())
    offered = sa.and_(Task.state == TaskState.WAITING, Task.offered, open_now)
    if task.promised_at:
        before = sa.select(sa.func.count()).where(
            offered, sa.tuple_(Task.promised_at, Task.id) < sa.tuple_(task.promised_at, task.id)
        )
        return f"It is offered to the next agent who is free: a promise, {_ahead(db.session.scalar(before))} before it."
    better = sa.or_(Task.rank > task.rank, sa.and_(Task.rank == task.rank, Task.id < task.id))
    own = sa.and_(offered, Task.practice_id == task.practice_id, Task.promised_at.is_(None))
    before = sa.select(sa.func.count()).where(own, better)
    owed_more = (
        sa.select(sa.func.count())
        .select_from(Share)
        .join(Practice, Practice.id == Share.practice_id)
        .where(
            Share.has_open,
            Practice.status == PracticeStatus.ACTIVE,
            Share.virtual_time < (share.virtual_time if share else 0),
        )
    )
    return (
        f"It is ready and waits its turn: {_ahead(db.session.scalar(before))} of its practice before it, "
        f"and {_ahead(db.session.scalar(owed_more), 'practice')} owed more than its own."
    )


def _ahead(number: int | None, what: str = "task") -> str:
    return count_of(number, what) if number else f"no {what}"
