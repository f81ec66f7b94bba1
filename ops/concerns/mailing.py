"""What the email says that tells leads and members of a practice that somebody was not happy.

The practice's name and where to sign in; neither who it was nor what was said (docs/rules.md A12).
"""

import sqlalchemy as sa

from ops.accounts.models import Role, User
from ops.concerns.actions import to_be_told
from ops.concerns.models import Concern
from ops.config import settings
from ops.db import db
from ops.mail.models import StaffMail
from ops.mail.outbox import CannotGo, Letter
from ops.mail.problems import Problem
from ops.practices.models import Practice


def letter(mail: StaffMail) -> Letter | None:
    """The email to one person; None when the concern was taken back, or is no business of theirs any more (who left the
    practice is not told of it, also not by "send again"). Raises CannotGo when the account is closed."""
    concern = db.session.get(Concern, mail.about_id, populate_existing=True)
    user = db.session.get(User, mail.user_id, populate_existing=True)
    if concern is None or user is None:
        return None
    if not user.active:
        raise CannotGo(Problem.CLOSED)
    if db.session.scalar(sa.select(User.id).where(User.id == user.id, to_be_told(concern.practice_id))) is None:
        return None
    practice = db.session.get_one(Practice, concern.practice_id)
    page = f"/practices/{practice.slug}/concerns" if user.role is Role.MEMBER else "/concerns"
    return Letter(
        (user.email,),
        f"{practice.name}: a patient was not happy",
        f"Hello {user.name},\n\non a call for {practice.name} somebody said that they were not happy. What was planned "
        "for them is stopped. Sign in to read what they said and to write what was done:"
        f"\n\n{settings().address}{page}\n",
    )
