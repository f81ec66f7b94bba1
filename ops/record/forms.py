"""What leads fill in on a patient's record. What is right is decided by the verbs."""

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from ops.practices.forms import CorrectPatientForm
from ops.practices.models import Practice
from ops.queue.wording import MILESTONE_WORDS

__all__ = ["CorrectPatientForm", "FindPatientForm", "MilestoneForm"]


class FindPatientForm(FlaskForm):
    wanted = StringField(
        "Phone, email, whole name or patient number",
        [InputRequired("Please say whom you are looking for."), Length(max=200)],
        description="Exactly, so that nobody browses: “Ada Lane”, not “Ada”.",
    )


class MilestoneForm(FlaskForm):
    """Something that happened, of which no file told us."""

    kind = SelectField(
        "What happened",
        [InputRequired("Please say what happened.")],
        choices=[("", "Choose…"), *((kind.value, words) for kind, words in MILESTONE_WORDS.items())],
    )
    happened_on = DateField("On", [InputRequired("Please say on which day, as year-month-day.")])
    treatment = SelectField("Treatment", description="Only where it was one.")

    def of(self, practice: Practice) -> "MilestoneForm":
        """The same form with this practice's treatments."""
        named = [(str(each.id), each.name) for each in practice.treatment_types]
        self.treatment.choices = [("", "None"), *named]
        return self
