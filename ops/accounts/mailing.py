"""What the email with an invitation or a link for a new password says."""

from ops.accounts import links
from ops.accounts.models import LinkPurpose
from ops.mail.models import StaffMail
from ops.mail.outbox import Letter

WORDS = {
    LinkPurpose.INVITE: (
        "Your Loopkeeper account",
        "an account was made for you. Choose your password here; the link works once, for seven days:",
    ),
    LinkPurpose.RESET: (
        "Set a new Loopkeeper password",
        "somebody, probably you, asked to set a new password for your account. Do it here; the link works once, for "
        "two hours. If it was not you, do nothing: your password stays as it is.",
    ),
}


def letter(mail: StaffMail) -> Letter | None:
    """The email with a link, whose token is made here; None when the link is of no use any more."""
    made = links.make_token(mail.about_id)
    if made is None:
        return None
    user, purpose, token = made
    subject, words = WORDS[purpose]
    return Letter((user.email,), subject, f"Hello {user.name},\n\n{words}\n\n{links.address(token)}\n")
