"""Sentences for pages about emails to people with an account."""

from ops.mail.models import MailKind, MailState, StaffMail
from ops.mail.problems import Problem, in_words

KIND_WORDS = {
    MailKind.INVITATION: "invitation",
    MailKind.RESET: "link for a new password",
    MailKind.APPROVAL: "question to a practice about a text",
    MailKind.CONCERN: "somebody was not happy",
    MailKind.NUMBERS: "somebody wanted to see more numbers",
}
STATE_WORDS = {
    MailState.QUEUED: "waits",
    MailState.CLAIMED: "being sent",
    MailState.SENT: "sent",
    MailState.UNKNOWN: "may have left",
    MailState.FAILED: "not sent",
}


def why(mail: StaffMail) -> str:
    """What went wrong, as a sentence; empty when nothing did."""
    said = in_words(mail.problem, mail.reply_code) if mail.problem else ""
    if mail.late:
        return f"It could not be sent within a day{': ' + said if said else ''}."
    if mail.state is MailState.SENT and mail.problem is Problem.ADDRESS:
        return f"Some of them did not get it: {said}."
    return f"{said[0].upper()}{said[1:]}." if said else ""
