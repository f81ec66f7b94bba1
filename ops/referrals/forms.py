"""What the pages of friends send. What is right is decided by `actions.move_referral`."""

from flask_wtf import FlaskForm
from wtforms import DateField, DecimalField, IntegerField, StringField, TimeField
from wtforms.validators import InputRequired, Length, Optional

from ops.referrals.actions import Told
from ops.referrals.actions.moving import LONGEST_WORDS


class StepForm(FlaskForm):
    """Whatever was said with a step; a step that asks less sends less."""

    visit_on = DateField("Day of the visit", [Optional()])
    visit_time = TimeField("Hour", [Optional()])
    visit_days = StringField("Or the days that suit them", [Length(max=LONGEST_WORDS)])
    comes_for = StringField("What they come for", [Length(max=LONGEST_WORDS)])
    happened_on = DateField("On", [Optional()])
    value = DecimalField("Value in $", [Optional()], places=2)
    why = StringField("Why", [Length(max=LONGEST_WORDS)])

    def told(self) -> Told:
        return Told(
            visit_on=self.visit_on.data,
            visit_time=self.visit_time.data,
            visit_days=self.visit_days.data or "",
            comes_for=self.comes_for.data or "",
            happened_on=self.happened_on.data,
            value=self.value.data,
            why=self.why.data or "",
        )


class WhoForm(FlaskForm):
    """Which patient the friend became."""

    number = StringField("Patient number", [InputRequired("Please give the patient number."), Length(max=200)])


class NotThemForm(FlaskForm):
    """Which patient was asked about when the page was made."""

    patient = IntegerField(validators=[InputRequired()])


class TakeBackForm(FlaskForm):
    """Which step was the last one when the page was made."""

    event = IntegerField(validators=[InputRequired()])
