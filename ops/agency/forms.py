"""The forms of the agency's page. What is right is decided by the actions."""

from flask_wtf import FlaskForm
from wtforms import FileField, StringField, TelField, TextAreaField, TimeField
from wtforms.validators import Length, Optional


class AgencyForm(FlaskForm):
    name = StringField("Name", [Length(max=120)], description="As agents say it: “I work for …”.")
    number = TelField(
        "Callback number", [Length(max=30)], description="For practices that gave no number of their own."
    )
    postal_address = TextAreaField(
        "Postal address",
        [Length(max=300)],
        description="Stands below every email to patients. Without one no email leaves: the law asks for it.",
    )
    opens = TimeField("Call and text from", [Optional()], description="By the clock of whoever is called.")
    closes = TimeField(
        "Until",
        [Optional()],
        description="These only narrow the hours that the law allows where somebody is.",
    )


class LogoForm(FlaskForm):
    logo = FileField("Logo", description="PNG or JPEG, at most 200 KB and 1,600 pixels on a side.")
