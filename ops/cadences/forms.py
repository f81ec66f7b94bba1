"""Forms of the cadence pages and of the board. They read shapes; what is allowed is decided in `actions.editing`."""

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from ops.cadences.actions.editing import (
    LONGEST_DAYS,
    LONGEST_GAP_HOURS,
    LONGEST_NAME,
    LONGEST_OPEN_DAYS,
    MOST_TRIES,
    Start,
    Step,
)
from ops.cadences.models import CadenceStep, Trigger
from ops.cadences.words import AFTER_WORDS, CADENCE_KINDS, MODE_WORDS
from ops.practices.models import MilestoneKind, TreatmentType
from ops.work.kinds import KIND_WORDS, Kind, StepMode

ANY_TREATMENT = 0


class CadenceForm(FlaskForm):
    name = StringField("Name", [InputRequired("A cadence needs a name."), Length(max=LONGEST_NAME)])


class AddCadenceForm(CadenceForm):
    kind = SelectField(
        "Kind of work",
        choices={kind.value: KIND_WORDS[kind] for kind in CADENCE_KINDS},
        description="Decides the scripts that are used. It cannot be changed later.",
    )

    def chosen(self) -> Kind:
        return Kind(self.kind.data)


class StepForm(FlaskForm):
    mode = SelectField("What", choices={mode.value: words.capitalize() for mode, words in MODE_WORDS.items()})
    gap_hours = IntegerField(
        "Hours after the step before",
        [InputRequired("Enter the hours."), NumberRange(0, LONGEST_GAP_HOURS)],
        default=48,
        description="The first step comes when the cadence starts.",
    )
    tries = IntegerField(
        "Tries", [Optional(), NumberRange(1, MOST_TRIES)], default=1, description="Of a call, before the next step."
    )

    def step(self) -> Step:
        return Step(StepMode(self.mode.data), self.gap_hours.data or 0, self.tries.data or 1)

    @classmethod
    def of(cls, step: CadenceStep, **words: Any) -> "StepForm":
        """The form of one step on a page with others: its fields carry the step's number."""
        shown = {"mode": step.mode, "gap_hours": step.gap_hours, "tries": step.tries}
        return cls(prefix=f"step{step.id}-", data=shown, **words)


class AddStepForm(StepForm):
    place = SelectField("Where", coerce=int)

    def __init__(self, steps: int, **words: Any) -> None:
        super().__init__(prefix="step-", **words)
        last = {steps: "At the end" if steps else "As the first step"}
        self.place.choices = last | {number: f"Before step {number + 1}" for number in range(steps)}


class TriggerForm(FlaskForm):
    milestone = SelectField(
        "What happened",
        choices={kind.value: words.capitalize() for kind, words in AFTER_WORDS.items()},
    )
    treatment = SelectField("Treatment", coerce=int)
    when = RadioField(
        "When it starts",
        choices={"opens": "When the treatment's result opens", "days": "A number of days after it"},
        default="opens",
    )
    delay_days = IntegerField(
        "Days after",
        [Optional(), NumberRange(0, LONGEST_DAYS)],
        description="0 is the same day. Only for “a number of days”.",
    )
    open_days = IntegerField(
        "Makes sense for",
        [InputRequired("Enter the days."), NumberRange(1, LONGEST_OPEN_DAYS)],
        default=14,
        description="Days, after a number of days. When the result opens, the treatment's own curve says it.",
    )
    spacing_days = IntegerField(
        "Days between two",
        [InputRequired("Enter the days."), NumberRange(1, LONGEST_DAYS)],
        default=90,
        description="No second cadence of the same kind starts for a patient within so many days.",
    )
    active = BooleanField("On", default=True)

    def __init__(self, treatments: Iterable[TreatmentType], *, prefix: str = "trigger-", **words: Any) -> None:
        super().__init__(prefix=prefix, **words)
        self.treatment.choices = {ANY_TREATMENT: "Any treatment"} | {kind.id: kind.name for kind in treatments}

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        good = super().validate(*args, **kwargs)
        if self.when.data == "days" and self.delay_days.data is None and not self.delay_days.errors:
            self.delay_days.errors = ("Enter the days, or choose “when the treatment's result opens”.",)
            return False
        return good

    def start(self) -> Start:
        return Start(
            MilestoneKind(self.milestone.data),
            self.treatment.data or None,
            self.delay_days.data if self.when.data == "days" else None,
            self.spacing_days.data or 0,
            self.open_days.data or 0,
            bool(self.active.data),
        )

    @classmethod
    def of(cls, trigger: Trigger, treatments: Iterable[TreatmentType], **words: Any) -> "TriggerForm":
        """The form of one trigger on a page with others: its fields carry the trigger's number."""
        shown = {
            "milestone": trigger.milestone_kind,
            "treatment": trigger.treatment_type_id or ANY_TREATMENT,
            "when": "opens" if trigger.delay_days is None else "days",
            "delay_days": trigger.delay_days,
            "spacing_days": trigger.spacing_days,
            "open_days": trigger.open_days,
            "active": trigger.active,
        }
        return cls(treatments, prefix=f"trigger{trigger.id}-", data=shown, **words)
