"""What workers do for accounts: mail links, and end sign-ins whose time is over."""

import smtplib

import structlog

from ops.accounts import links, mail, sessions
from ops.db import db, transaction
from ops.isolated import each

log = structlog.get_logger()


def mail_link(link_id: int) -> None:
    """Mail one link. The transaction that claims it is over before the mail server is called."""
    if not mail.is_set_up():
        return
    with transaction("mail"):
        letter = links.claim_letter(link_id)
    if letter is None:
        return
    try:
        mail.send(letter)
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("link_not_mailed", error=type(problem).__name__)
        with transaction("mail"):
            links.put_back(link_id, try_again=not isinstance(problem, smtplib.SMTPRecipientsRefused))


def sweep() -> None:
    """For the tick: mail what was not mailed, and close the books on sign-ins that nobody came back to."""
    waiting = links.unmailed() if mail.is_set_up() else []
    db.session.rollback()
    each("mail links", waiting, mail_link, limit=links.AT_ONCE)
    with transaction("tick"):
        sessions.end_old()
