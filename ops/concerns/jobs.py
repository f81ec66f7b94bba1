"""What workers and the tick do about concerns."""

from ops.concerns import mailing


def mail_concern(concern_id: int) -> None:
    """Mail everybody who is to be told of this concern and was not mailed yet."""
    mailing.mail_concern(concern_id)


def sweep() -> None:
    """Mails whose doorbell was lost, or for which the mail server was away."""
    mailing.sweep()
