"""The forms of the practice pages. They read; what is right is decided by the actions (`checks`), in one place."""

from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DecimalField,
    EmailField,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    URLField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from ops import zones
from ops.languages import LANGUAGE_WORDS, language_words
from ops.practices import us


def state_choices(blank: str) -> dict[str, str]:
    return {"": blank} | dict(sorted(us.STATES.items(), key=lambda pair: pair[1]))


class _Practice(FlaskForm):
    """What both the new and the edited practice have."""

    name = StringField("Name", [InputRequired(), Length(max=120)], description="As the practice writes itself.")
    zone = SelectField("Time zone", [InputRequired()], default="America/New_York")
    state = SelectField("State", [InputRequired()])
    baa_on = DateField(
        "BAA signed on", [Optional()], description="Without a signed BAA nothing is imported and nobody is contacted."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone.choices = zones.choices()
        self.state.choices = state_choices("Choose a state")


class AddPracticeForm(_Practice):
    slug = StringField(
        "Short name",
        [InputRequired(), Length(max=60)],
        description="In addresses and commands, for good: lower-case letters, digits and hyphens, e.g. lakeside-skin.",
    )
    hours = DecimalField("Contract hours a month", [Optional()], places=2, description="From today; can be set later.")


class EditPracticeForm(_Practice):
    spoken_name = StringField(
        "Spoken name", [Length(max=120)], description="How an agent says it on the phone. Empty: the name."
    )
    specialty = StringField("Specialty", [Length(max=120)])
    helps_best = TextAreaField(
        "Helps best",
        [Length(max=300)],
        description="Whom, as said in the ask: “women 35 to 55 who want to look refreshed, not different”.",
    )
    shareable = TextAreaField(
        "Shareable description", [Length(max=500)], description="Short; a patient can forward it to a friend as it is."
    )
    website = URLField("Website", [Length(max=500)])
    sender_name = StringField("Sender name", [Length(max=60)], description="Signs texts and emails.")
    sender_email = EmailField("Sender email", [Length(max=254)])
    callback_number = TelField("Callback number", [Length(max=30)], description="Where patients can call back.")


class ContractForm(FlaskForm):
    hours = DecimalField("Hours a month", [InputRequired()], places=2)
    starts_on = DateField("First day", [InputRequired()])
    last_day = DateField("Last day", [Optional()], description="Empty: until further notice.")


class LastDayForm(FlaskForm):
    last_day = DateField("Last day", [InputRequired()])


class TreatmentForm(FlaskForm):
    name = StringField("Name", [InputRequired(), Length(max=80)])
    category = StringField(
        "Category", [InputRequired(), Length(max=40)], description="The only word about it an agent sees."
    )
    match_words = TextAreaField(
        "Words to recognize it by",
        [Length(max=2000)],
        description="One a line. A description in a file that contains one of them is this treatment. "
        "The treatment without words takes what no other recognizes.",
    )
    opens_days = IntegerField(
        "Result opens", [InputRequired(), NumberRange(0, 1095)], description="Days after treatment."
    )
    peaks_days = IntegerField(
        "Result peaks", [InputRequired(), NumberRange(0, 1095)], description="The best moment to ask."
    )
    closes_days = IntegerField(
        "Result closes", [InputRequired(), NumberRange(1, 1095)], description="Later makes no sense."
    )
    recall_days = IntegerField(
        "Next visit after", [Optional(), NumberRange(1, 1095)], description="Days. Empty: no recall."
    )

    def treatment(self) -> dict[str, Any]:
        """The arguments of `actions.add_treatment_type`."""
        words = (self.match_words.data or "").splitlines()
        names = ("name", "category", "opens_days", "peaks_days", "closes_days", "recall_days")
        return {"match_words": words} | {name: self[name].data for name in names}


class ReviewLinkForm(FlaskForm):
    label = StringField("Site", [InputRequired(), Length(max=60)])
    url = URLField("Address", [InputRequired(), Length(max=500)])


class CorrectPatientForm(FlaskForm):
    phone = TelField("Phone", [Length(max=30)])
    email = EmailField("Email", [Length(max=254)])
    language = SelectField("Language", [InputRequired()], validate_choice=False)
    state = SelectField("State")
    zip = StringField("ZIP", [Length(max=5)])
    stated_zone = SelectField(
        "Time zone they told us",
        description="Counts beside what state, ZIP and number suggest: a call must be lawful in each.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = self.language.data
        self.language.choices = LANGUAGE_WORDS | ({own: language_words(own)} if own else {})
        elsewhere = {us.ELSEWHERE: "Abroad, or an address that cannot be read"}
        self.state.choices = state_choices("Unknown") | us.OVERSEAS | elsewhere
        self.stated_zone.choices = {"": "Not stated"} | zones.choices()


def day_after(last_day: date | None) -> date | None:
    """People say the last day with; contracts keep the first day without."""
    return date.fromordinal(last_day.toordinal() + 1) if last_day and last_day < date.max else None
