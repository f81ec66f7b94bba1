"""The lead's board: the live queue, who holds what, and the story of one task."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import allow, me, passive
from ops.accounts.reads import keep_read
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.floor import board as floor
from ops.floor import board_lists as lists
from ops.floor import counted, words
from ops.floor import lists as floor_lists
from ops.floor.broken import broken_promises
from ops.floor.forms import ReasonForm
from ops.floor.task_story import Story, story_of
from ops.floor.task_why import why_waiting
from ops.floor.urgent import urgent_replies
from ops.floor.views import bp
from ops.phrases import capital
from ops.practices.actions import note_read
from ops.practices.queries import by_slug
from ops.queue import workers as queue_workers
from ops.queue.actions import assigning
from ops.queue.actions.assigning import lacks, shunned_by
from ops.queue.counts import WHICH_WORDS, Which
from ops.queue.hours import group_words
from ops.queue.models import Task, TaskEvent
from ops.queue.presence import Presence, presences
from ops.queue.replay import replay
from ops.queue.waiting import AGES, keeper_of
from ops.queue.words import promise_label, reason_words, reasons_words
from ops.queue.workers import Worker, workers
from ops.web.filters import moment
from ops.work import states
from ops.work.kinds import KIND_WORDS, Kind
from ops.work.outcomes import OUTCOME_WORDS
from ops.work.reads import ReadOf
from ops.work.reasons import UNTIL_KNOWN
from ops.work.states import EventKind, TaskState


def _asked() -> floor.Asked:
    kind = request.args.get("kind", "")
    return floor.Asked(request.args.get("practice", "")[:100] or None, Kind(kind) if kind in set(Kind) else None)


def _live(asked: floor.Asked) -> dict[str, Any]:
    """What the live part of the board shows."""
    seen = floor.look(asked)
    zone = seen.lines[0].zone if asked.practice and seen.lines else None
    return {
        "asked": asked,
        "now": clock.now(),
        "urgent": urgent_replies(asked),
        "lines": seen.lines[: floor.ROWS],
        "more": len(seen.lines) - floor.ROWS,
        "totals": floor.totals(seen.lines),
        "blocked": floor.over_all(seen.lines),
        "windows": seen.windows,
        "ages": seen.ages,
        "paused_kinds": floor_lists.paused_kinds(asked.practice),
        "in_progress": lists.in_progress(asked),
        "next_up": lists.next_up(asked),
        "zone": zone,
        "words": words,
        "turn_words": words.turn_words,
        "said": lambda at: moment(at, zone),
        "group_words": group_words,
        "reason_words": reason_words,
        "reasons_words": reasons_words,
        "until_known": UNTIL_KNOWN,
        "capital": capital,
        "kind_words": KIND_WORDS,
    }


@bp.get("/queue")
@allow(*STAFF)
def board() -> ResponseReturnValue:
    """The live queue, and who was not happy."""
    asked = _asked()
    unhappy = lists.unhappy(asked)
    _note_looks({(one.practice_id, one.patient_id) for one in unhappy})
    practices = lists.practice_choices()
    return render_template(
        "floor/board.html",
        practices=practices,
        broken=broken_promises(asked),
        incomplete=lists.incomplete(practices, asked),
        unhappy=unhappy,
        shown_no_more=lists.shown_no_more(),
        unhappy_days=lists.UNHAPPY_DAYS,
        **_controls(asked),
        **_live(asked),
    )


def _note_looks(people: set[tuple[int, int]]) -> None:
    """Whom the list of who was not happy names, by (practice, patient)."""
    if not people:
        return
    with transaction(me().actor):
        for practice_id, patient_id in sorted(people):
            keep_read(me().id, practice_id, patient_id, ReadOf.LISTED)


def _controls(asked: floor.Asked) -> dict[str, Any]:
    """What a lead can decide about the practice that was asked for."""
    practice = by_slug(asked.practice) if asked.practice else None
    if practice is None:
        return {"practice": None}
    changes = floor_lists.changes_of_practice(practice.id)
    return {"practice": practice, "weight": floor_lists.weight_of(practice.id), "changes": changes}


@bp.get("/queue/live")
@allow(*STAFF)
@passive
def board_live() -> ResponseReturnValue:
    """The live part of the board alone, for the page to fetch by itself."""
    return render_template("floor/board_live.html", **_live(_asked()))


@bp.get("/queue/tasks")
@allow(*STAFF)
def tasks() -> ResponseReturnValue:
    """Exactly the tasks that a count of the board counted."""
    asked = _asked()
    given = request.args.get("which", "")
    which = Which(given) if given in set(Which) else Which.WAITING
    age = request.args.get("age", type=int)
    listed = counted.Listed(
        which,
        asked.practice,
        asked.kind,
        why=request.args.get("why") or None,
        group=request.args.get("group") or None,
        age=age if age is not None and 0 <= age <= len(AGES) else None,
        live="live" in request.args,
    )
    number, lines = counted.tasks(listed)
    said = [WHICH_WORDS[which], *([reason_words(listed.why)] if listed.why else [])]
    said += [words.AGE_WORDS[listed.age]] if listed.age is not None else []
    return render_template(
        "floor/tasks.html",
        asked=listed,
        number=number,
        lines=lines,
        said=said,
        practice=by_slug(asked.practice) if asked.practice else None,
        kind_words=KIND_WORDS,
    )


@bp.get("/tasks/<int:task_id>")
@allow(*STAFF)
def task(task_id: int) -> ResponseReturnValue:
    """The story of one task. Looking is noted (docs/rules.md A12)."""
    form = "assign" if "assign" in request.args else ""
    return task_page(task_id, open_form=form, back=request.args.get("back", "")[:120])


def task_page(
    task_id: int,
    problem: str | None = None,
    typed: str = "",
    open_form: str = "",
    chosen: int | None = None,
    back: str | None = None,
) -> ResponseReturnValue:
    """The task's page; with a `problem` what was typed into the form that is open again."""
    story = story_of(task_id)
    if story is None:
        abort(404)
    said = said_in(story)
    page = render_template(
        "floor/task.html",
        story=story,
        waiting=why_waiting(story, said),
        happened=[_happened(story, event, said) for event in story.events],
        staff=_staff(story.task),
        kept=keeper_of(story.task),
        problem=problem,
        typed=typed,
        open_form=open_form,
        chosen=chosen,
        back=back or "",
        words=words,
        outcome_words=OUTCOME_WORDS,
        reasons_words=reasons_words,
        promise_label=promise_label,
        kind_words=KIND_WORDS,
        states=TaskState,
    )
    patient = story.patient
    with transaction(me().actor):
        note_read(me(), patient, ReadOf.STORY, task_id)
    return page, 422 if problem else 200


def _staff(task: Task) -> list[tuple[Worker, str, Presence]]:
    """Who could be given the task, what they are not certified for, and whether they are there, those first; none for a
    task that is over, and nobody who has said that it is not for them."""
    if task.state not in states.OPEN:
        return []
    lacking, here = lacks(task), presences()
    but = shunned_by(task) | {task.held_by}
    others = [(who, here[who.user_id]) for who in workers() if who.user_id not in but]
    found = sorted(others, key=lambda each: not each[1].present)
    return [(who, queue_workers.lack_words(lacking[who.user_id]), stands) for who, stands in found]


def said_in(story: Story) -> Callable[[datetime], str]:
    """How moments are written on this page: in the practice's zone."""
    return lambda at: moment(at, story.practice.zone)


def _happened(story: Story, event: Any, said: Callable[[datetime], str]) -> dict[str, Any]:
    """One event as a row: when, what, by whom, and for a claim why."""
    return {
        "at": event.at,
        "what": states.MOVES[event.kind].words,
        "who": words.actor_words(event.actor, story.names),
        "more": words.event_words(event, story.names, said),
        "why": [*words.why_words(event.facts, story.practices, said), *_asked_again(event)]
        if event.kind is EventKind.CLAIMED
        else [],
    }


def _asked_again(event: TaskEvent) -> list[str]:
    """The claim replayed from its record, in a sentence; nothing for one from before records were whole."""
    try:
        return [words.replay_words(replay(event))]
    except ValueError:
        return []


@bp.post("/queue/tasks/<int:task_id>/release")
@allow(*STAFF)
def release(task_id: int) -> ResponseReturnValue:
    """Release the task its agent has in progress."""
    return _decide(task_id, assigning.release, "Released: the task is back in the queue.")


@bp.post("/tasks/<int:task_id>/cancel")
@allow(*STAFF)
def cancel(task_id: int) -> ResponseReturnValue:
    """Cancel the task and the cadence it belongs to."""
    return _decide(task_id, assigning.cancel_task, "The task is cancelled.")


def _decide(task_id: int, verb: Callable[[int, str, str], Task], done: str) -> ResponseReturnValue:
    form = ReasonForm()
    try:
        if not form.validate():
            raise Refused(" ".join(form.reason.errors))
        with transaction(me().actor):
            verb(task_id, me().actor, form.reason.data or "")
    except Refused as problem:
        which = "cancel" if verb is assigning.cancel_task else "release"
        return task_page(task_id, str(problem), form.reason.data or "", which)
    flash(done, "success")
    return redirect(back_to(form.back.data, task_id), 303)


def back_to(back: str | None, task_id: int) -> str:
    """Where somebody came from: "board", "board:lake" (narrowed to a practice), or else the task's page."""
    where, _, slug = (back or "").partition(":")
    return url_for("floor.board", practice=slug or None) if where == "board" else url_for("floor.task", task_id=task_id)
