"""The treatments a practice does: how they are recognized in files and when their result shows."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops.background import Job, ring
from ops.db import db
from ops.errors import Refused
from ops.practices import checks
from ops.practices.models import ANY_TREATMENT, Milestone, Practice, TreatmentType

LONGEST_DAYS = 1095


class Treatment(TypedDict):
    name: str
    category: str
    match_words: Sequence[str]
    opens_days: int
    peaks_days: int
    closes_days: int
    recall_days: int | None


def add_treatment_type(practice: Practice, **treatment: Unpack[Treatment]) -> TreatmentType:
    """Days are counted from the treatment, 0 to 1,095. Raises Refused for a taken name or an impossible curve."""
    kind = TreatmentType(practice_id=practice.id, **_checked(treatment))
    _store(practice, kind)
    return kind


def edit_treatment_type(practice: Practice, kind: TreatmentType, **treatment: Unpack[Treatment]) -> None:
    """New windows count for milestones that start work from now on."""
    for what, value in _checked(treatment).items():
        setattr(kind, what, value)
    _store(practice, kind)


def _checked(treatment: Treatment) -> dict:
    opens, peaks, closes = treatment["opens_days"], treatment["peaks_days"], treatment["closes_days"]
    recall = treatment["recall_days"]
    if not 0 <= opens <= peaks < closes <= LONGEST_DAYS:
        raise Refused(f"The result must open, then peak, then close, within {LONGEST_DAYS:,} days.")
    if recall is not None and not 1 <= recall <= LONGEST_DAYS:
        raise Refused(f"The recall interval must be 1 to {LONGEST_DAYS:,} days, or empty.")
    words = [checks.text(word, "A word to recognize it by", 60).lower() for word in treatment["match_words"]]
    return {
        "name": checks.text(treatment["name"], "The name", 80, needed=True),
        "category": checks.text(treatment["category"], "The category", 40) or ANY_TREATMENT,
        "match_words": list(dict.fromkeys(word for word in words if word))[:50],
        "opens_days": opens,
        "peaks_days": peaks,
        "closes_days": closes,
        "recall_days": recall,
    }


def _store(practice: Practice, kind: TreatmentType) -> None:
    name = kind.name
    try:
        with db.session.begin_nested():
            db.session.add(kind)
    except IntegrityError as problem:
        if "uq_treatment_types_practice_id" not in str(problem.orig):
            raise
        raise Refused(f"There is a treatment called {name} already.") from None
    _changed(practice)


def remove_treatment_type(practice: Practice, kind: TreatmentType) -> None:
    """Raises Refused when patients had it: their milestones would lose what they are about."""
    if db.session.scalar(sa.select(sa.exists().where(Milestone.treatment_type_id == kind.id))):
        raise Refused(f"Patients had {kind.name}; it can be renamed, not removed.")
    db.session.delete(kind)
    _changed(practice)


def _changed(practice: Practice) -> None:
    db.session.flush()
    db.session.expire(practice, ["treatment_types"])
    ring(Job.PRACTICE_CHANGED, practice.id)
