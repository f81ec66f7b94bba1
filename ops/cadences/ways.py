"""By which way a step may reach somebody, and what is kept of the steps that could reach them by none."""

from typing import Any, NamedTuple

from ops import clock
from ops.cadences.words import MODE_WORDS
from ops.contact.gate import FOR_GOOD
from ops.contact.words import reasons_words
from ops.db import db
from ops.errors import Refused
from ops.messages.permission import foresee
from ops.practices.models import Patient, Practice
from ops.queue.models import CadenceRun
from ops.work.kinds import StepMode


class NotAllowed(Refused):
    """They may not be contacted this way, whatever else is put right. `codes`: why not."""

    def __init__(self, mode: StepMode, codes: list[str]) -> None:
        super().__init__(f"No {MODE_WORDS[mode]}: {reasons_words(codes)}.")
        self.codes = codes


class LeftOut(NamedTuple):
    """A step that could not be taken, at its place."""

    place: int
    mode: StepMode
    problem: Refused

    def kept(self) -> dict[str, Any]:
        """As the run keeps it."""
        codes = self.problem.codes if isinstance(self.problem, NotAllowed) else []
        at = clock.now().isoformat()
        return {"at": at, "step": self.place, "mode": str(self.mode), "why": str(self.problem), "codes": codes}


def calls_refused(patient: Patient) -> bool:
    """Whether they may not be called, now or at any other time."""
    try:
        must_be_allowed(patient, StepMode.CALL)
    except NotAllowed:
        return True
    return False


def must_be_allowed(patient: Patient, mode: StepMode) -> None:
    """Raises NotAllowed when the gate says no for good to this way of contact. What passes by itself is waited for."""
    practice = db.session.get_one(Practice, patient.practice_id)
    refused = [str(code) for code in foresee(patient, practice, mode.value, clock.now()).reasons if code in FOR_GOOD]
    if refused:
        raise NotAllowed(mode, refused)


def keep_left_out(run: CadenceRun, first: int, left_out: list[LeftOut]) -> None:
    """What was left out now, from the step at the place `first` on; what was said about these steps before is over."""
    before = [each for each in run.left_out or () if each["step"] < first]
    run.left_out = [*before, *(each.kept() for each in left_out)] or None
