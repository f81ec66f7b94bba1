"""The forms of the outbox."""

import uuid

from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import DataRequired, Length


class AnswerForm(FlaskForm):
    """What the patient would write back."""

    body = TextAreaField("Answer as the patient", [DataRequired("Write an answer first."), Length(max=1600)])
    once = HiddenField(default=lambda: uuid.uuid4().hex, validators=[Length(min=32, max=32)])
    """Makes a form sent twice one reply."""
