"""Forms of the lead's controls. They read shapes; what is allowed is decided in `actions.floor`."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DecimalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange

from ops.queue.actions.editing import LONGEST_REASON
from ops.queue.actions.floor import LEAST_WEIGHT, MOST_WEIGHT
from ops.queue.models import Kind
from ops.queue.wording import KIND_WORDS

LARGEST = 2**63 - 1
WHY = InputRequired("Please say why.")
SHORTER = Length(max=LONGEST_REASON, message="Please say it shorter.")
KINDS = [(kind.value, label) for kind, label in KIND_WORDS.items()]


class ProfileForm(FlaskForm):
    languages = SelectMultipleField("Languages", validate_choice=False)
    which_kinds = RadioField("Kinds of work", choices=[("all", "Every kind"), ("some", "Only these")], default="all")
    kinds = SelectMultipleField("Kinds", validate_choice=False)
    which_practices = RadioField(
        "Practices",
        choices=[("all", "Every practice, new ones too"), ("some", "Only the practices below")],
        default="all",
    )

    def chosen_kinds(self) -> list[str] | None:
        return None if self.which_kinds.data == "all" else self.kinds.data or []


class PracticesForm(FlaskForm):
    practices = SelectMultipleField("Practices", coerce=int, validate_choice=False)


class HandOverForm(FlaskForm):
    agent = IntegerField(
        "To", [InputRequired("Please choose somebody."), NumberRange(1, LARGEST, message="Please choose somebody.")]
    )
    reason = StringField("Why", [SHORTER])
    override = BooleanField("Although they are not certified for it")
    back = HiddenField()


class FreeForm(FlaskForm):
    reason = StringField("Why", [SHORTER])
    back = HiddenField()


class PauseKindForm(FlaskForm):
    kind = SelectField("Kind of work", choices=KINDS)
    reason = StringField("Why", [WHY, SHORTER])
    back = HiddenField()

    def chosen(self) -> Kind:
        return Kind(self.kind.data)


class ResumeKindForm(PauseKindForm):
    reason = StringField("Why", [SHORTER])


class WeightForm(FlaskForm):
    weight = DecimalField(
        "Weight",
        [
            InputRequired("Please enter a number."),
            NumberRange(LEAST_WEIGHT, MOST_WEIGHT, message=f"The weight must be {LEAST_WEIGHT} to {MOST_WEIGHT}."),
        ],
    )
    reason = StringField("Why", [WHY, SHORTER])
