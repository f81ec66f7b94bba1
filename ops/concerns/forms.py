"""Forms about concerns. What is allowed is decided in `actions.concerns`."""

from flask_wtf import FlaskForm
from wtforms import TextAreaField


class SettleForm(FlaskForm):
    words = TextAreaField("What was done")


class AnswerForm(FlaskForm):
    words = TextAreaField("What you did")
