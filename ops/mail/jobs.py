"""What workers and the tick do for emails to people with an account: claim, send, say what became of it."""

import structlog

from ops.config import settings
from ops.db import db, transaction
from ops.isolated import each
from ops.mail import client, outbox
from ops.mail.client import MaybeLeft, NotLeft

log = structlog.get_logger()
ACTOR = "mail"
FOR_SECONDS = 30
"""A server that is away keeps the rest of the tick waiting no longer than this, and the answer at hand."""


def send(mail_id: int) -> None:
    """Send one email, if nobody else did and it is its time. The claim is committed before the server is called, and no
    transaction is open during the call."""
    if not client.is_set_up():
        return
    with transaction(ACTOR):
        claimed = outbox.claim(mail_id)
    if claimed is None:
        return
    result = _deliver(claimed)
    with transaction(ACTOR):
        outbox.settle(claimed, result)


def _deliver(claimed: outbox.Claimed) -> outbox.Result:
    """What the client said. Whatever else is raised leaves the claim without an answer: unknown, in the end."""
    try:
        return client.deliver(settings().smtp_url or "", claimed.mail)
    except (NotLeft, MaybeLeft) as problem:
        log.warning("staff_mail_not_sent", mail=claimed.id, why=str(problem) or type(problem).__name__)
        return problem


def upkeep() -> None:
    """For the tick: claims that lost their worker, emails whose doorbell was lost, and those to be tried again."""
    with transaction("tick"):
        outbox.call_lost()
    waiting = outbox.due() if client.is_set_up() else []
    db.session.rollback()
    each("email staff", waiting, send, limit=outbox.AT_ONCE, seconds=FOR_SECONDS)
