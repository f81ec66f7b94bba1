"""Why a task waits, whichever it is: in sentences, from what the claim would find about it now."""

import sqlalchemy as sa

from ops import clock
from ops.accounts.models import User
from ops.accounts.queries import names_of
from ops.db import db
from ops.floor.task_story import Story
from ops.floor.words import Said
from ops.languages import language_words
from ops.phrases import count_of
from ops.practices.models import Practice, PracticeStatus
from ops.queue import waiting
from ops.queue.actions.assigning import language_of
from ops.queue.models import KindPause, Lane, Share, Task, TaskEvent
from ops.queue.queries import on_another_call
from ops.queue.waiting import Wait, piles
from ops.queue.words import reasons_words
from ops.queue.workers import Lack, lacks, workers
from ops.work.kinds import KIND_WORDS
from ops.work.reasons import Waits
from ops.work.states import EventKind, TaskState


def why_waiting(story: Story, said: Said) -> list[str]:
    """Why nobody has claimed a waiting task yet, in sentences; empty for a task that does not wait."""
    task = story.task
    if task.state is not TaskState.WAITING:
        return []
    kept = _kept(story, said)
    tell_kept = kept and (task.handed_at or task.ready_at <= clock.now())
    return [*hindrances(story, said), *([kept] if kept and tell_kept else [])] or [_in_turn(task)]


def hindrances(story: Story, said: Said) -> list[str]:
    """What keeps a waiting task from whoever it is for, in sentences; empty when they could take it now."""
    return [
        _sentence(story, said, against)
        for pile in piles(task_ids=[story.task.id])
        for against in waiting.hindrances(pile)
    ]


def _sentence(story: Story, said: Said, against: list[Wait]) -> str:
    """One hindrance."""
    match against[0].code:
        case Waits.PRACTICE_NOT_ACTIVE:
            return f"{story.practice.name} is {story.practice.status_words}: nothing is done for it."
        case Waits.KIND_PAUSED:
            return _paused(story.task, said)
        case Waits.NOBODY_MAY:
            return _nobody(story)
        case Waits.NO_LANE | Waits.NO_WINDOW | Waits.WINDOW_SHUT:
            return _shut(against[0], said)
        case Waits.ON_ANOTHER_CALL:
            return _on_another_call(story.task)
        case Waits.UNREAD_REPLY:
            return (
                "They wrote something that nobody has read yet, or a row of a file says of them what nobody understood:"
                " nobody contacts them before it is read, or the row corrected under Imports."
            )
        case _:
            return _not_yet(story.task, said, [wait.code for wait in against])


def _paused(task: Task, said: Said) -> str:
    pause = db.session.get_one(KindPause, (task.practice_id, task.kind))
    by = names_of({pause.paused_by}).get(pause.paused_by, pause.paused_by)
    what = KIND_WORDS[task.kind]
    return f"{by} paused work of the kind “{what}” for this practice on {said(pause.since)}: {pause.reason}"


def _nobody(story: Story) -> str:
    """What for nobody could take it."""
    practice, language = story.practice, language_of(story.task)
    found = lacks(practice.id, story.task.kind, language)
    staff = [found[who.user_id] for who in workers()]
    if any(not lacking for lacking in staff):  # then it was they who did not want it
        return "Whoever may work it has said that they know them, or that somebody else should do it: a lead decides."
    wants = {
        f"is certified for {practice.name}": {Lack.PRACTICE},
        f"speaks {language_words(language)}": {Lack.PRACTICE, Lack.LANGUAGE},
        f"does “{KIND_WORDS[story.task.kind]}”": {Lack.PRACTICE, Lack.KIND},
    }
    for what, needed in wants.items():
        if all(needed & set(lacking) for lacking in staff):
            where = "" if what.startswith("is certified") else f", of those certified for {practice.name},"
            return f"Nobody{where} {what}: it waits until somebody does, or a lead assigns it."
    return f"Nobody of those certified for {practice.name} both speaks {language_words(language)} and does this kind."


def _not_yet(task: Task, said: Said, codes: list[str]) -> str:
    match codes[0]:
        case Waits.PROMISED:
            return f"Promised for {said(task.promised_at or task.ready_at)}; it comes first from then on."
        case Waits.NEXT_TRY:
            tried = count_of(task.tries, "time")
            return f"Tried {tried} without an answer; the next try is due {said(task.ready_at)}."
        case Waits.SNOOZED:
            return f"Snoozed until {said(task.ready_at)}."
        case Waits.NOT_DUE:
            return f"Due {said(task.ready_at)}."
        case _:
            return f"May not be contacted before {said(task.ready_at)}: {reasons_words(codes)}."


def _shut(wait: Wait, said: Said) -> str:
    if wait.code == Waits.NO_LANE:
        return (
            "The hours in which they may be called are not known yet: a matter of a minute, unless a table is missing."
        )
    outside = "Outside the hours in which they may be called:"
    if wait.code == Waits.NO_WINDOW:
        return f"{outside} none are in sight within two weeks."
    if wait.opens_at is None:
        return f"{outside} the next are being looked up; that takes a minute at most."
    return f"{outside} they open {said(wait.opens_at)}."


def _on_another_call(task: Task) -> str:
    """Who speaks to this patient, or to who has the same number."""
    held = on_another_call(task)
    if held is None:
        return "Somebody was speaking to them about another task a moment ago."
    who = db.session.get_one(User, held.held_by).name
    whom = "this patient" if held.patient_id == task.patient_id else "somebody with the same number"
    return f"{who} is speaking to {whom} about another task; nobody else does at the same time."


def _kept(story: Story, said: Said) -> str | None:
    """To whom it is assigned now, and why them; None when it is anybody's."""
    task = story.task
    if task.owner_until is None or waiting.keeper_of(task) is None:
        return None
    owner, until = story.names.get(f"user:{task.owner_id}", "an agent"), said(task.owner_until)
    if task.handed_at and (event := _assigned(story)):
        by = story.names.get(event.actor, "a lead")
        return f"Assigned to {owner} by {by}, before everything else they have; from {until} on it is anybody's."
    if task.handed_at:
        return f"Assigned to {owner}, who has just dealt with the same person, until {until}."
    if task.promised_at:
        return f"Assigned to {owner}, who promised the call, until {until}."
    return f"Assigned to {owner}, who spoke to them last, until {until}; then it is anybody's."


def _assigned(story: Story) -> TaskEvent | None:
    """The lead's act that put it where it is; None when it came to its owner as other work about the same person."""
    task = story.task
    until = task.owner_until.isoformat() if task.owner_until else ""
    assigned = [event for event in story.events if event.kind is EventKind.ASSIGNED]
    same = (event for event in assigned if (event.facts.get("to"), event.facts.get("until")) == (task.owner_id, until))
    return next(same, None)


def _in_turn(task: Task) -> str:
    """It could be taken now: how many come before it."""
    share = db.session.get(Share, task.practice_id)
    is_open = sa.func.window_open(Lane.opens_at, Lane.closes_at, clock.now())
    open_now = sa.exists().where(Lane.id == Task.lane_id, is_open)
    offered = sa.and_(Task.state == TaskState.WAITING, Task.offered, open_now)
    if task.promised_at:
        earlier = sa.tuple_(Task.promised_at, Task.id) < sa.tuple_(task.promised_at, task.id)
        sooner = sa.and_(Task.urgent, earlier) if task.urgent else sa.or_(Task.urgent, earlier)
        before = sa.select(sa.func.count()).where(offered, Task.promised_at.is_not(None), sooner)
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
