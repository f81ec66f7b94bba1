"""What the scripts' pages send. They read shapes; what is allowed is decided in `rules` and the actions."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional

from ops.scripts.actions.writing import Seen, Typed
from ops.scripts.models import Medium

LARGEST = 2**63 - 1


class EditorForm(FlaskForm):
    """`version` and `revision` are what the page showed when it was opened."""

    script = IntegerField(validators=[InputRequired(), NumberRange(1, LARGEST)])
    version = IntegerField(validators=[Optional(), NumberRange(0, LARGEST)])
    revision = IntegerField(validators=[Optional(), NumberRange(0, 2**31 - 1)])
    set_aside = HiddenField()
    subject = StringField("Subject")
    body = TextAreaField("What is said")
    note = StringField("What changed", description="A few words for whoever reads the versions later.")
    practice = StringField("With the words of")
    long = BooleanField("Long names")

    def seen(self) -> Seen:
        return Seen(self.version.data or 0, self.revision.data or 0)

    def typed(self) -> Typed:
        return Typed(self.subject.data or "", self.body.data or "", self.note.data or "")


class OwnForm(FlaskForm):
    kind = StringField(validators=[InputRequired()])
    medium = StringField(validators=[AnyOf(list(Medium))])


class AnswerForm(FlaskForm):
    """What a practice answers by its link."""

    name = StringField("Your name")
    words = TextAreaField("What should be different?")
