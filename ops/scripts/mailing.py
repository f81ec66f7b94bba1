"""What the email says by which a practice is asked whether it approves a text."""

from ops.db import db
from ops.mail.models import StaffMail
from ops.mail.outbox import Letter
from ops.phrases import day_words
from ops.practices.models import Practice
from ops.scripts import approvals
from ops.scripts.approvals import LinkState
from ops.scripts.models import Script, ScriptApproval, ScriptVersion
from ops.scripts.words import kind_words
from ops.zones import day_in

WORDS = """Hello,

we would like to say something new in the name of {practice} ({kind}). Please read it and answer with one press; it
takes ten seconds, and you need no password:

{address}

The link works once, until {until}.
"""


def letter(mail: StaffMail) -> Letter | None:
    """One email to all of the practice's people; None when nobody is there to get it or it is of no use any more."""
    approval = db.session.get(ScriptApproval, mail.about_id, populate_existing=True)
    if approval is None:
        return None
    version = db.session.get_one(ScriptVersion, approval.version_id)
    people = approvals.members_to_mail(approval.practice_id)
    if not people or approvals.standing_of(approval, version) is not LinkState.OPEN:
        return None
    practice = db.session.get_one(Practice, approval.practice_id)
    kind = kind_words(db.session.get_one(Script, version.script_id).kind)
    until = day_words(day_in(practice.zone, approval.expires_at))
    words = WORDS.format(practice=practice.name, kind=kind, address=approvals.address(approval), until=until)
    return Letter(tuple(person.email for person in people), f"May we say this for {practice.name}?", words)
