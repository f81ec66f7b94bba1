"""What the email says by which leads hear that somebody wanted to see more numbers than anybody calls."""

from ops.accounts.models import User
from ops.config import settings
from ops.db import db
from ops.desk.actions.revealing import to_be_told
from ops.desk.models import NumberStop
from ops.mail.models import StaffMail
from ops.mail.outbox import Letter


def letter(mail: StaffMail) -> Letter | None:
    """The email to one lead; None when it is no business of theirs any more."""
    stop = db.session.get(NumberStop, mail.about_id, populate_existing=True)
    user = next((person for person in to_be_told() if person.id == mail.user_id), None)
    if stop is None or user is None:
        return None
    who = db.session.get_one(User, stop.user_id)
    return Letter(
        (user.email,),
        f"{who.name} wanted to see more phone numbers",
        f"Hello {user.name},\n\n{who.name} was shown {stop.shown} numbers within an hour and recorded nothing for "
        f"{stop.unused} of them. They are shown no more for now. Every look is in the log. Please ask them, or end "
        f"their sign-ins:\n\n{settings().address}/people/{who.id}\n\nThe limits: {settings().address}/floor/desk\n",
    )
