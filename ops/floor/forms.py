"""What leads fill in on the floor's pages."""

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

from ops.floor.actions import LEAST_WEIGHT, MOST_WEIGHT
from ops.queue.actions.assigning import LONGEST_REASON
from ops.rhythm.actions.breaks import (
    FEWEST_AN_HOUR,
    FEWEST_UNUSED,
    LONGEST_IDLE,
    LONGEST_WRAP_UP,
    MOST_AN_HOUR,
    MOST_UNUSED,
    SHORTEST_IDLE,
    SHORTEST_WRAP_UP,
)
from ops.rhythm.models import WrapUp
from ops.rhythm.words import WRAP_UP_WORDS
from ops.work.kinds import KIND_WORDS, Kind

LARGEST = 2**63 - 1


WHY = InputRequired("Please say why.")


SHORTER = Length(max=LONGEST_REASON, message="Please say it shorter.")


class ProfileForm(FlaskForm):
    languages = SelectMultipleField("Languages", validate_choice=False)
    which_kinds = RadioField("Kinds of work", choices={"all": "Every kind", "some": "Only these"}, default="all")
    kinds = SelectMultipleField("Kinds", validate_choice=False)
    which_practices = RadioField(
        "Practices",
        choices={"all": "Every practice, new ones too", "some": "Only the practices below"},
        default="all",
    )

    def chosen_kinds(self) -> list[str] | None:
        return None if self.which_kinds.data == "all" else self.kinds.data or []


class PracticesForm(FlaskForm):
    practices = SelectMultipleField("Practices", coerce=int, validate_choice=False)


class AssignForm(FlaskForm):
    agent = IntegerField(
        "To", [InputRequired("Please choose somebody."), NumberRange(1, LARGEST, message="Please choose somebody.")]
    )
    reason = StringField("Why", [SHORTER])
    override = BooleanField("Although they are not certified for it")
    back = HiddenField()


class UnassignForm(FlaskForm):
    reason = StringField("Why", [SHORTER])
    back = HiddenField()


class PauseKindForm(FlaskForm):
    kind = SelectField("Kind of work", choices=KIND_WORDS)
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


class ReasonForm(FlaskForm):
    reason = StringField(
        "Reason", [InputRequired("Please say why."), Length(max=LONGEST_REASON, message="Please say it shorter.")]
    )
    back = HiddenField()


UNUSED_RANGE = f"Numbers without an outcome must be {FEWEST_UNUSED} to {MOST_UNUSED}."
HOUR_RANGE = f"Numbers in all must be {FEWEST_AN_HOUR} to {MOST_AN_HOUR}."


class DeskForm(FlaskForm):
    wrap_up = RadioField("After a call", choices=WRAP_UP_WORDS)
    wrap_up_seconds = IntegerField(
        "Time after a call (seconds)",
        [
            InputRequired("Please enter a number of seconds."),
            NumberRange(
                SHORTEST_WRAP_UP,
                LONGEST_WRAP_UP,
                message=f"The time after a call must be {SHORTEST_WRAP_UP} to {LONGEST_WRAP_UP} seconds.",
            ),
        ],
        description=f"{SHORTEST_WRAP_UP} to {LONGEST_WRAP_UP}. Used where the time after a call is so many seconds.",
    )
    idle_seconds = IntegerField(
        "Away after (seconds)",
        [
            InputRequired("Please enter a number of seconds."),
            NumberRange(
                SHORTEST_IDLE,
                LONGEST_IDLE,
                message=f"Nobody is there after {SHORTEST_IDLE} to {LONGEST_IDLE} seconds.",
            ),
        ],
        description=f"{SHORTEST_IDLE} to {LONGEST_IDLE}, without a key or a movement, while no call runs. From then on "
        "the minutes are not counted.",
    )
    unused_numbers = IntegerField(
        "Numbers without an outcome (an hour)",
        [InputRequired("Please enter a number."), NumberRange(FEWEST_UNUSED, MOST_UNUSED, message=UNUSED_RANGE)],
        description=f"{FEWEST_UNUSED} to {MOST_UNUSED}. Whoever shows more numbers and records nothing is shown no "
        "more for a while, and leads are told.",
    )
    numbers_an_hour = IntegerField(
        "Numbers in all (an hour)",
        [InputRequired("Please enter a number."), NumberRange(FEWEST_AN_HOUR, MOST_AN_HOUR, message=HOUR_RANGE)],
        description=f"{FEWEST_AN_HOUR} to {MOST_AN_HOUR}: more than anybody can call.",
    )

    def numbers(self) -> tuple[IntegerField, ...]:
        """In the order of `set_desk`."""
        return self.wrap_up_seconds, self.idle_seconds, self.unused_numbers, self.numbers_an_hour

    def chosen(self) -> WrapUp:
        return WrapUp(self.wrap_up.data)
