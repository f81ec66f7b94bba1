"""Forms of the account pages. What they check is shape; what is allowed is decided in `actions`."""

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length

from ops import zones
from ops.accounts.passwords import LONGEST, SHORTEST
from ops.web.filters import own_zone


class SignInForm(FlaskForm):
    email = EmailField("Email", [DataRequired("Enter your email address."), Length(max=254)])
    password = PasswordField("Password", [DataRequired("Enter your password."), Length(max=1000)])
    zone = HiddenField()
    """The browser's, filled in by the page's script."""


class ZoneForm(FlaskForm):
    zone = SelectField("Time zone", description="Times are shown in it, and where a patient’s matters in theirs.")

    def __init__(self) -> None:
        super().__init__(data={"zone": own_zone()})
        self.zone.choices = zones.choices()


class ForgotForm(FlaskForm):
    email = EmailField("Email", [DataRequired("Enter your email address."), Length(max=254)])


class NewPasswordForm(FlaskForm):
    password = PasswordField(
        "New password",
        [DataRequired(f"Choose a password of at least {SHORTEST} characters."), Length(max=LONGEST)],
        description=f"At least {SHORTEST} characters. Four unrelated words are easy to remember.",
    )


class ChangePasswordForm(NewPasswordForm):
    current = PasswordField("Current password", [DataRequired("Enter your current password."), Length(max=1000)])


class AddPersonForm(FlaskForm):
    email = EmailField("Email", [DataRequired("Enter the person's email address."), Length(max=254)])
    name = StringField("Name", [DataRequired("Enter the person's name."), Length(max=120)])
    role = SelectField("Role")
    practices = SelectMultipleField("Practices", coerce=int, description="For practice members: what they see.")


class RoleForm(FlaskForm):
    role = SelectField("Role")


class PracticeForm(FlaskForm):
    practice = SelectField("Practice", coerce=int)
