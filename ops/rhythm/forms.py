"""Forms of breaks, corrected minutes and the desk's settings. They read shapes; what is allowed the actions decide."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from ops.rhythm.actions.correcting import LONGEST_REASON
from ops.rhythm.models import BreakKind

KINDS = {each.value: each.value for each in BreakKind if each is not BreakKind.DONE}


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
