"""Forms of breaks, corrected minutes and the desk's settings. They read shapes; what is allowed the actions decide."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, HiddenField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from ops.queue.actions.minutes import LONGEST_REASON
from ops.queue.actions.rhythm import LONGEST_IDLE, LONGEST_WRAP_UP, SHORTEST_IDLE, SHORTEST_WRAP_UP
from ops.queue.floor_words import WRAP_UP_WORDS
from ops.queue.models import BreakKind, WrapUp

KINDS = [(each.value, each.value) for each in BreakKind if each is not BreakKind.DONE]


class LeaveForm(FlaskForm):
    """`sure`: what happens to the card and the promises was read; the card is named by its task and fence."""

    sure = BooleanField()
    task = IntegerField(validators=[Optional()])
    fence = IntegerField(validators=[Optional()])

    def card(self) -> tuple[int, int] | None:
        given = (self.task.data, self.fence.data)
        return (given[0], given[1]) if given[0] is not None and given[1] is not None else None


class BreakForm(LeaveForm):
    kind = SelectField(choices=KINDS)


class MinutesForm(FlaskForm):
    minutes = DecimalField("Minutes", [InputRequired("Please say how many minutes it took.")])
    reason = StringField(
        "Why",
        [InputRequired("Please say why."), Length(max=LONGEST_REASON, message="Please say it shorter.")],
    )
    back = HiddenField()


class DeskForm(FlaskForm):
    wrap_up = RadioField("After a call", choices=[(each.value, words) for each, words in WRAP_UP_WORDS.items()])
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

    def chosen(self) -> WrapUp:
        return WrapUp(self.wrap_up.data)


class SendForm(FlaskForm):
    fence = IntegerField(validators=[InputRequired()])
    medium = HiddenField()
    version_id = IntegerField(validators=[Optional(), NumberRange(1, 2**63 - 1)])
