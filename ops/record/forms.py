"""What leads fill in on a patient's record. What is right is decided by the verbs."""

from collections.abc import Iterable
from secrets import token_hex

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from ops.contact.lifting import LONGEST_WORDS
from ops.contact.models import SuppressedChannel
from ops.phrases import capital
from ops.practices.forms import CorrectPatientForm
from ops.practices.models import Patient, Practice
from ops.queue.wording import MILESTONE_WORDS
from ops.record.actions.refusing import SINGLE, SOURCE_WORDS, Source
from ops.record.contact import OVER_WORDS

__all__ = [
    "AgreeForm",
    "CorrectPatientForm",
    "FindPatientForm",
    "LiftForm",
    "MergeForm",
    "MilestoneForm",
    "RefuseForm",
    "UnmergeForm",
    "WrongYesForm",
]


class _Said(FlaskForm):
    """What somebody said about being contacted."""

    channels = SelectMultipleField("Over")
    source = SelectField("How we know", [InputRequired("Please say how we know.")])
    words = TextAreaField(
        "Their words", [InputRequired("Please write down what they said."), Length(max=LONGEST_WORDS)]
    )

    @property
    def over(self) -> list[SuppressedChannel]:
        return [SuppressedChannel(each) for each in self.channels.data or ()]


class RefuseForm(_Said):
    """They do not want to be contacted any more."""

    once = HiddenField()
    """Of this showing of the form: sent twice it is one."""

    def __init__(self) -> None:
        super().__init__()
        self.channels.choices = {each: capital(words) for each, words in OVER_WORDS.items()}
        self.source.choices = _sources(SOURCE_WORDS)
        if not self.is_submitted() or not self.once.data:
            self.once.data = token_hex(8)


class AgreeForm(_Said):
    """They may be contacted again, as they say themself."""

    def __init__(self) -> None:
        super().__init__()
        self.channels.choices = {each: capital(OVER_WORDS[each]) for each in SINGLE}
        self.source.choices = _sources(each for each in Source if each is not Source.PRACTICE_SAID)


def _sources(of: Iterable[Source]) -> dict[str, str]:
    return {"": "Choose…"} | {each.value: capital(SOURCE_WORDS[each]) for each in of}


class WrongYesForm(FlaskForm):
    """What a file says that they agreed to is wrong."""

    yes = HiddenField()
    why = StringField(
        "What was wrong", [InputRequired("Please say what was wrong with it."), Length(max=LONGEST_WORDS)]
    )

    @property
    def event_id(self) -> int:
        """0 for what is no number of ours."""
        given = self.yes.data or ""
        return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0


class KnownByForm(FlaskForm):
    """Who does not know them after all."""

    email = StringField("Agent", [InputRequired()])


class LiftForm(FlaskForm):
    """What was entered was wrong."""

    occasion = HiddenField()
    why = StringField(
        "What was wrong", [InputRequired("Please say what was wrong with it."), Length(max=LONGEST_WORDS)]
    )


class FindPatientForm(FlaskForm):
    wanted = StringField(
        "Phone, email or whole name",
        [InputRequired("Please say whom you are looking for."), Length(max=200)],
        description="Exactly, so that nobody browses: “Ada Lane”, not “Ada”. In one practice, its number for them too.",
    )


class MilestoneForm(FlaskForm):
    """Something that happened, of which no file told us."""

    kind = SelectField(
        "What happened",
        [InputRequired("Please say what happened.")],
        choices={"": "Choose…", **MILESTONE_WORDS},
    )
    happened_on = DateField("On", [InputRequired("Please say on which day, as year-month-day.")])
    treatment = SelectField("Treatment", description="Only where it was one.")

    def of(self, practice: Practice) -> "MilestoneForm":
        """The same form with this practice's treatments."""
        named = {str(each.id): each.name for each in practice.treatment_types}
        self.treatment.choices = {"": "None"} | named
        return self


class MergeForm(FlaskForm):
    """Another record is the same person."""

    other = SelectField("Which record")
    number = StringField("Or its number", [Length(max=100)], description="The practice’s own, where it is not listed.")
    why = StringField("How you know", [InputRequired("Please say how you know."), Length(max=LONGEST_WORDS)])

    def of(self, alike: Iterable[Patient]) -> "MergeForm":
        """The same form with the records that look alike."""
        named = {str(each.id): f"{each.name}, {shown_number(each)}, {each.phone or 'no phone'}" for each in alike}
        self.other.choices = {"": "Choose…"} | named
        return self


class UnmergeForm(FlaskForm):
    """They are two people after all."""

    why = StringField("Why", [InputRequired("Please say why they are two people."), Length(max=LONGEST_WORDS)])


def shown_number(patient: Patient) -> str:
    """The practice's own number for them, where it has one."""
    return "no number" if patient.external_id.startswith("~") else patient.external_id
