"""Whether an outcome can be recorded: was it recorded before, does the task have it, is all there that it needs."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ops import clock
from ops.contact.asking import Person
from ops.crypto import contact_key
from ops.db import db
from ops.desk.actions.reading import unread_on
from ops.desk.actions.saved import Saved
from ops.errors import Refused
from ops.phrases import moment_words
from ops.practices.models import Practice
from ops.queue.actions import tasks
from ops.queue.models import Attempt, Task, TaskEvent
from ops.queue.promises import possible
from ops.queue.words import reasons_words
from ops.referrals.models import Referral
from ops.work.effects import Then
from ops.work.kinds import Kind
from ops.work.outcomes import OUTCOME_WORDS, Rule, rule
from ops.work.states import EventKind

FARTHEST_PROMISE = timedelta(days=30)
"""How long after the task's days, or from now, a call can be promised."""


def already(task_id: int, agent_id: int, fence: int, saved: Saved) -> Attempt | None:
    """What this claim was ended with before. Raises LeaseLost when that was something else."""
    first = db.session.scalars(
        sa.select(Attempt).where(Attempt.task_id == task_id, Attempt.fence == fence, Attempt.agent_id == agent_id)
    ).first()
    if first:
        _check_same(first, saved)
    return first


def _check_same(first: Attempt, saved: Saved) -> None:
    """A double press says the same again; another outcome from an older page must not vanish as if it were saved."""
    same = (first.outcome, first.note) == (saved.outcome, saved.note.strip())
    if same and saved.callback_at:
        agreed = TaskEvent.facts["ready_at"].astext == saved.callback_at.isoformat()
        same = there(TaskEvent.task_id == first.task_id, TaskEvent.kind == EventKind.RETRY, agreed)
    if same and saved.friend:
        key = contact_key(saved.friend.phone or saved.friend.email or "")
        same = there(Referral.referrer_id == first.patient_id, Referral.contact_key == key)
    if not same:
        said = OUTCOME_WORDS[first.outcome]
        raise tasks.LeaseLost(f"This call was saved already, as “{said}”. What you typed now was not saved.")


def there(*conditions: sa.ColumnElement[bool]) -> bool:
    """Whether there is a row of which all this is true."""
    return bool(db.session.scalar(sa.select(sa.exists().where(*conditions))))


def check(task: Task, saved: Saved) -> Rule:
    """The row of the outcome. Raises Refused when the task cannot have it, or what it needs was not typed."""
    try:
        chosen = rule(task.kind, saved.outcome)
    except KeyError:
        raise Refused("This outcome does not belong to this kind of task.") from None
    if saved.friend and not chosen.takes_friend:
        raise Refused("A friend can only be recorded with an outcome that has one.")
    if chosen.needs_note and not saved.note.strip():
        raise Refused(f"{chosen.label}: please write down in the note what they said. The practice reads it at once.")
    if chosen.then is Then.PROMISE:
        _check_moment(task, saved)
    if task.kind is Kind.REPLY and not chosen.suppresses and unread_on(task):
        raise Refused(
            "They wrote something that nobody has read yet. Please read it on this card and say what it means."
        )
    return chosen


def _check_moment(task: Task, saved: Saved) -> None:
    now = clock.now()
    if saved.callback_at is None:
        raise Refused("Please say when the callback is due.")
    if saved.callback_at <= now:
        raise Refused("The time of the callback is in the past.")
    if saved.callback_at > max(task.closes_at or now, now) + FARTHEST_PROMISE:
        raise Refused("That is too far away for this task; choose an earlier day.")


def check_can_be_kept(task: Task, practice: Practice, person: Person, saved: Saved) -> None:
    """A call that cannot be made then must not be promised: the agent is still on the phone and can agree on another
    time. The call that was just made is counted already. Raises Refused with the first moment that is possible."""
    if saved.callback_at is None:
        return
    then = possible(task, practice, person, saved.callback_at)
    if not then.against:
        return
    at = then.at.astimezone(ZoneInfo(then.zone)) if then.at else None
    opens = f" They may from {at:%A}, {moment_words(at)} on." if at else ""
    raise Refused(f"They may not be called then: {reasons_words(list(then.against))}.{opens}")
