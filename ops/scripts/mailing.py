"""What the email says by which a practice is asked whether it approves a text."""

from ops.accounts.models import User
from ops.db import db
from ops.mail.models import StaffMail
from ops.mail.outbox import Letter
from ops.phrases import day_words
from ops.practices.models import Practice
from ops.scripts import approvals
from ops.scripts.approvals import LinkState
from ops.scripts.models import Script, ScriptApproval, ScriptVersion
from ops.scripts.words import kind_words

WORDS = """Hello {name},

we would like to say something new in the name of {practice} ({kind}). Please read it and answer with one press; it
takes ten seconds, and you need no password:

{address}

The link is yours alone and works once, until {until}.
"""


def letter(mail: StaffMail) -> Letter | None:
    """The email to one of the practice's people, with a link that nobody else ever saw; None when they left, or it is
    of no use any more."""
    approval = db.session.get(ScriptApproval, mail.about_id, populate_existing=True)
    user = db.session.get(User, mail.user_id, populate_existing=True)
    if approval is None or user is None or not approvals.is_of_practice(user, approval.practice_id):
        return None
    version = db.session.get_one(ScriptVersion, approval.version_id)
    if approvals.standing_of(approval, version) is not LinkState.OPEN:
        return None
    practice = db.session.get_one(Practice, approval.practice_id)
    words = WORDS.format(
        name=user.name,
        practice=practice.name,
        kind=kind_words(db.session.get_one(Script, version.script_id).kind),
        address=approvals.make_link(approval, user),
        until=day_words(approval.expires_at),
    )
    return Letter((user.email,), f"May we say this for {practice.name}?", words)
