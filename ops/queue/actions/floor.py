"""What a lead decides about the floor: who may work what, whose task it is, what rests, and whose weight counts more.

Every change leaves an audit entry by its table's trigger, and where a reason is given the entry carries it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.accounts.models import User
from ops.db import db
from ops.errors import Refused
from ops.practices.models import Patient, Practice, PracticeStatus
from ops.queue.actions import shares, tasks
from ops.queue.actions.editing import LONGEST_REASON
from ops.queue.floor_words import LANGUAGE_WORDS, Lack, base_language, lack_words, listed
from ops.queue.models import (
    AgentProfile,
    Certification,
    EventKind,
    Kind,
    KindPause,
    Lane,
    Share,
    Task,
    TaskState,
)
from ops.queue.workers import Worker, worker

KEPT_FOR = timedelta(hours=8)
"""How long a task handed over is kept for its agent, from the moment it may be worked; then it is anybody's."""
LEAST_WEIGHT, MOST_WEIGHT = Decimal("0.1"), Decimal(5)


def because(reason: str) -> None:
    """Audit entries of the rest of this transaction carry the reason."""
    db.session.execute(sa.text("SELECT set_config('app.reason', :reason, true)"), {"reason": reason})


def languages_spoken() -> list[str]:
    """The languages of all patients, and English, by their codes."""
    return sorted({"en", *map(base_language, db.session.scalars(sa.select(Patient.language).distinct()))})


def set_profile(user_id: int, languages: Iterable[str], kinds: Collection[str] | None, everywhere: bool) -> None:
    """Say what an agent or lead speaks, does (None: every kind) and whether for every practice, new ones too.

    Raises Refused for nobody who takes tasks, a closed account, no language or an unknown one, no kind or an unknown
    one; nothing is stored then.
    """
    who = _open_account(user_id)
    spoken = sorted({base_language(code) for code in languages if code.strip()})
    _check_languages(spoken, who)
    if kinds is not None:
        if not kinds:
            raise Refused("Choose at least one kind of work, or all of them.")
        if unknown := set(kinds) - set(Kind):
            raise Refused(f"There is no kind of work called {listed(sorted(unknown))}.")
    values = {"languages": spoken, "kinds": None if kinds is None else sorted(kinds), "everywhere": everywhere}
    row = insert(AgentProfile).values(user_id=user_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))
    db.session.expire_all()


def _check_languages(spoken: list[str], who: Worker) -> None:
    if not spoken:
        raise Refused("Choose at least one language: somebody who speaks none can be given nothing.")
    known = {*LANGUAGE_WORDS, *who.languages}
    if not known.issuperset(spoken) and (unknown := set(spoken) - known - set(languages_spoken())):
        raise Refused(f"{listed(sorted(unknown))} is no language we know; a two-letter code like en or es is needed.")


def clear_profile(user_id: int) -> None:
    """Nothing is said about them any more: they work everything in English. Their certifications are kept for when
    there is a profile again. Raises Refused for nobody who takes tasks and without a profile."""
    _known(user_id)
    gone = sa.delete(AgentProfile).where(AgentProfile.user_id == user_id).returning(AgentProfile.user_id)
    if db.session.execute(gone).first() is None:
        raise Refused("There is no profile to clear.")
    db.session.expire_all()


def certify(user_id: int, practice_ids: Iterable[int], actor: str) -> int:
    """This agent may work for these practices; how many are new.

    Raises Refused for nobody who takes tasks, a closed account, somebody who works for every practice anyway, no
    practice, and one that does not exist or has ended; nothing is stored then.
    """
    who, wanted = _open_account(user_id), set(practice_ids)
    if who.everywhere:
        raise Refused(f"{who.name} works for every practice; choose “only the practices below” first.")
    if not wanted:
        raise Refused("Choose at least one practice.")
    there = sa.select(Practice.id).where(Practice.id.in_(wanted), Practice.status != PracticeStatus.ENDED)
    if set(db.session.scalars(there)) != wanted:
        raise Refused("One of these practices does not exist, or its contract has ended.")
    rows = [{"user_id": user_id, "practice_id": one} for one in sorted(wanted)]
    new = insert(Certification).values([row | {"certified_at": clock.now(), "certified_by": actor} for row in rows])
    added = db.session.execute(new.on_conflict_do_nothing().returning(Certification.practice_id)).all()
    db.session.expire_all()
    return len(added)


def withdraw(user_id: int, practice_ids: Iterable[int]) -> int:
    """This agent may not work for these practices any more; how many they were. What is in their hands stays there.

    Raises Refused for nobody who takes tasks, no practice, and when they were certified for none of them.
    """
    _known(user_id)
    wanted = set(practice_ids)
    if not wanted:
        raise Refused("Choose at least one practice.")
    theirs = sa.and_(Certification.user_id == user_id, Certification.practice_id.in_(wanted))
    gone = db.session.execute(sa.delete(Certification).where(theirs).returning(Certification.practice_id)).all()
    if not gone:
        raise Refused("They are not certified for this practice any more.")
    db.session.expire_all()
    return len(gone)


def _known(user_id: int) -> Worker:
    who = worker(user_id)
    if who is None:
        raise Refused("Only agents and leads take tasks.")
    return who


def _open_account(user_id: int) -> Worker:
    who = _known(user_id)
    if not who.active:
        raise Refused(f"The account of {who.name} is closed.")
    return who


def hand_over(task_id: int, user_id: int, actor: str, reason: str = "", *, override: bool = False) -> Task:
    """Give an open task to an agent, before everything else of theirs; out of other hands first, if it is in some.

    It is kept for them for `KEPT_FOR` from the moment it may be worked. `override`: although they are not certified
    for it; then, and for a task in hands, a reason is required. Raises Refused otherwise, for a task that is finished
    or in their own hands, nobody who takes tasks and a closed account.
    """
    reason = reason.strip()[:LONGEST_REASON]
    task = _open_task(task_id)
    who = _open_account(user_id)
    if task.held_by == user_id:
        raise Refused(f"{who.name} has this task in hands already.")
    lacking = lacks(who, task)
    _check_override(who, lacking, override, reason)
    if task.state is TaskState.CLAIMED:
        if not reason:
            raise Refused("Please say why it is taken out of somebody's hands.")
        tasks.give_back(task, EventKind.PULLED_BACK, actor, reason=reason, held_by=task.held_by)
    now = clock.now()
    task.owner_id, task.handed_at = user_id, now
    task.owner_until = max(now, task.ready_at, _opens(task) or now) + KEPT_FOR
    facts = {"to": user_id, "reason": reason, "until": task.owner_until.isoformat()}
    tasks.add_event(task, EventKind.HANDED, actor, **facts, override=[str(lack) for lack in lacking])
    db.session.flush()
    return task


def _open_task(task_id: int) -> Task:
    task = db.session.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state not in (TaskState.WAITING, TaskState.CLAIMED):
        raise Refused("This task is finished already.")
    return task


def lacks(who: Worker, task: Task) -> list[Lack]:
    """What this agent would need for this task and has not got."""
    return who.lacks(task.practice_id, task.kind, language_of(task))


def language_of(task: Task) -> str:
    """In which language the call is made: what its lane says, else what the patient speaks."""
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    return lane.language if lane else base_language(db.session.get_one(Patient, task.patient_id).language)


def _check_override(who: Worker, lacking: list[Lack], override: bool, reason: str) -> None:
    if not lacking:
        return
    words = lack_words(lacking)
    if not override:
        raise Refused(f"{who.name} is not certified for {words}. To hand it over all the same, tick the override.")
    if not reason:
        raise Refused(f"{who.name} is not certified for {words}: please say why they get it all the same.")


def _opens(task: Task) -> datetime | None:
    lane = db.session.get(Lane, task.lane_id) if task.lane_id else None
    return lane.opens_at if lane else None


def free(task_id: int, actor: str, reason: str = "") -> Task:
    """A task that is kept for somebody is everybody's again. Raises Refused when nobody keeps it from the others."""
    task = _open_task(task_id)
    if task.state is not TaskState.WAITING or task.owner_id is None:
        raise Refused("This task is not kept for anybody.")
    facts = {"from": task.owner_id, "to": None, "reason": reason.strip()[:LONGEST_REASON]}
    task.owner_id = task.owner_until = task.handed_at = None
    tasks.add_event(task, EventKind.HANDED, actor, **facts)
    db.session.flush()
    return task


def free_of_closed(actor: str) -> int:
    """What was handed to somebody whose account has been closed since is everybody's; how many."""
    theirs = sa.select(Task).join(User, User.id == Task.owner_id)
    theirs = theirs.where(Task.state == TaskState.WAITING, Task.offered, Task.handed_at.is_not(None), ~User.active)
    found = db.session.scalars(theirs.with_for_update(of=Task, skip_locked=True)).all()
    for task in found:
        free(task.id, actor, "their account is closed")
    return len(found)


def pause_kind(practice_id: int, kind: Kind, actor: str, reason: str) -> None:
    """Nothing of this kind is offered for this practice any more, promises included. What is in hands stays there.

    Raises Refused without a reason, for a practice that has ended and when it rests already.
    """
    reason = _said(reason)
    practice = db.session.get(Practice, practice_id)
    if practice is None or practice.status is PracticeStatus.ENDED:
        raise Refused("This practice has ended: nothing is offered for it anyway.")
    because(reason)
    shares.hold_floor()
    row = insert(KindPause).values(
        practice_id=practice_id, kind=kind, since=clock.now(), paused_by=actor, reason=reason
    )
    if db.session.execute(row.on_conflict_do_nothing().returning(KindPause.kind)).first() is None:
        raise Refused("This kind of work rests already.")
    shares.refresh_open()
    db.session.expire_all()


def resume_kind(practice_id: int, kind: Kind, reason: str = "") -> None:
    """It is offered again. Raises Refused when it does not rest."""
    because(reason.strip()[:LONGEST_REASON])
    shares.hold_floor()
    gone = sa.delete(KindPause).where(KindPause.practice_id == practice_id, KindPause.kind == kind)
    if db.session.execute(gone.returning(KindPause.kind)).first() is None:
        raise Refused("This kind of work does not rest any more.")
    shares.refresh_open()
    db.session.expire_all()


def set_weight(practice_id: int, weight: Decimal, reason: str) -> None:
    """Serve a practice as if it had bought `weight` (0.1 to 5) times its hours, from the next charge on.

    Raises Refused out of range, without a reason and when it is the weight already.
    """
    reason = _said(reason)
    if not (weight.is_finite() and LEAST_WEIGHT <= weight <= MOST_WEIGHT):
        raise Refused(
            f"The weight must be {LEAST_WEIGHT} to {MOST_WEIGHT}; 1 is neither more nor less than was bought."
        )
    weight = weight.quantize(Decimal("0.01"))
    because(reason)
    if db.session.scalar(sa.select(Share.weight).where(Share.practice_id == practice_id)) is None:
        shares.refresh_shares()
    changed = sa.update(Share).where(Share.practice_id == practice_id, Share.weight != weight)
    same_minutes = sa.text(shares.SAME_MINUTES.format(weighed="shares.hours * CAST(:weighed AS numeric)"))
    changed = changed.values(weight=weight, virtual_time=same_minutes.bindparams(weighed=weight))
    changed = changed.returning(Share.practice_id).execution_options(synchronize_session=False)
    if db.session.execute(changed).first() is None:
        raise Refused(f"The weight is {weight.normalize():f} already.")
    db.session.expire_all()


def _said(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise Refused("Please say why.")
    return reason[:LONGEST_REASON]
