"""What a lead decides about the floor: who may work what, whose a task is, what is paused, whose weight counts more.

Every change leaves an audit entry by its table's trigger, and where a reason is given the entry carries it.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.languages import LANGUAGE_WORDS, base_language
from ops.phrases import listed
from ops.practices.models import Patient, Practice, PracticeStatus
from ops.queue.actions import shares
from ops.queue.actions.assigning import LONGEST_REASON, _known, _open_account
from ops.queue.models import AgentProfile, Certification, KindPause, Share
from ops.queue.workers import Worker
from ops.work.kinds import Kind

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
    """This agent may not work for these practices any more; how many they were. What they have in progress stays.

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


def pause_kind(practice_id: int, kind: Kind, actor: str, reason: str) -> None:
    """Nothing of this kind is offered for this practice any more, promises included. What is in progress stays there.

    Raises Refused without a reason, for a practice that has ended and when it is paused already.
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
        raise Refused("This kind of work is paused already.")
    shares.refresh_open()
    db.session.expire_all()


def resume_kind(practice_id: int, kind: Kind, reason: str = "") -> None:
    """It is offered again. Raises Refused when it is not paused."""
    because(reason.strip()[:LONGEST_REASON])
    shares.hold_floor()
    gone = sa.delete(KindPause).where(KindPause.practice_id == practice_id, KindPause.kind == kind)
    if db.session.execute(gone.returning(KindPause.kind)).first() is None:
        raise Refused("This kind of work is not paused any more.")
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
