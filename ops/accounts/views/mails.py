"""Emails to staff and members: what became of them, and a person's decision about those that went wrong."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops.accounts import mails
from ops.accounts.access import me, staff
from ops.accounts.views import bp
from ops.db import transaction
from ops.mail import client, outbox


@bp.get("/people/emails")
@staff
def staff_mails() -> ResponseReturnValue:
    """What waits for a decision, and the last emails of all."""
    return render_template(
        "accounts/mails.html",
        waiting=mails.waiting_for_a_person(me().role),
        latest=mails.latest(me().role),
        mailing=client.is_set_up(),
    )


@bp.post("/people/emails/<int:mail_id>/again")
@staff
def mail_again(mail_id: int) -> ResponseReturnValue:
    """Send a failed or unknown one once more."""
    with transaction(me().actor):
        _decidable_or_404(mail_id)
        again = outbox.send_again(mail_id)
    return _back(again, "It is sent again, if it is still of use.")


@bp.post("/people/emails/<int:mail_id>/settled")
@staff
def mail_settled(mail_id: int) -> ResponseReturnValue:
    """A failed or unknown one is dealt with: they were told another way, or need not be."""
    with transaction(me().actor):
        _decidable_or_404(mail_id)
        settled = outbox.leave(mail_id, me().actor)
    return _back(settled, "Noted: it is dealt with.")


def _decidable_or_404(mail_id: int) -> None:
    if not mails.decidable(mail_id, me().role):
        abort(404)


def _back(done: bool, words: str) -> ResponseReturnValue:
    if done:
        flash(words, "success")
    else:
        flash("Somebody decided about it just before you.", "warning")
    return redirect(url_for("accounts.staff_mails"), 303)
