"""One's own account: time zone and keys of the desk, where one is signed in, the password."""

import uuid

from flask import abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from ops import clock, zones
from ops.accounts import access, actions, passwords, queries, sessions, tries
from ops.accounts.access import anyone, me
from ops.accounts.forms import ChangePasswordForm, ZoneForm
from ops.accounts.views import bp, known
from ops.db import transaction
from ops.errors import Refused
from ops.web import limiter

TRIES = "10 per minute"


@bp.route("/me/settings", methods=["GET", "POST"])
@anyone
def own_settings() -> ResponseReturnValue:
    """In whose time moments are shown, and the one-key shortcuts of the desk."""
    form = ZoneForm()
    if form.validate_on_submit():
        with transaction(me().actor):
            actions.live_in(me().id, form.zone.data)
        flash(f"Times are shown in {zones.name_of(form.zone.data)} from now on.", "success")
        return redirect(url_for("accounts.own_settings"), 303)
    page = render_template("accounts/settings.html", form=form, now=clock.now())
    return page, 422 if form.is_submitted() else 200


@bp.get("/me/sign-ins")
@anyone
def sign_ins() -> ResponseReturnValue:
    """Where the person is signed in, and was."""
    return render_template(
        "accounts/sign_ins.html", now=queries.sign_ins(me()), ended=queries.ended_sign_ins(me()), this=g.auth_session_id
    )


@bp.post("/me/sign-ins/<uuid:session_id>/end")
@anyone
def end_sign_in(session_id: uuid.UUID) -> ResponseReturnValue:
    """End one of one's own sign-ins; somebody else's does not exist."""
    if not queries.owns_sign_in(me(), session_id):
        abort(404)
    with transaction(me().actor):
        sessions.end_of(me().id, session_id, sessions.REVOKED)
    if session_id == g.auth_session_id:
        session.clear()
        return redirect(url_for("accounts.sign_in"), 303)
    flash("That sign-in is ended.", "success")
    return redirect(url_for("accounts.sign_ins"), 303)


@bp.post("/me/sign-ins/end-others")
@anyone
def end_other_sign_ins() -> ResponseReturnValue:
    """End all of one's sign-ins but this one."""
    with transaction(me().actor):
        ended = sessions.end_all(me().id, sessions.REVOKED, but=g.auth_session_id)
    flash(f"{ended} other sign-in{'' if ended == 1 else 's'} ended." if ended else "There was no other.", "success")
    return redirect(url_for("accounts.sign_ins"), 303)


@bp.route("/me/password", methods=["GET", "POST"])
@limiter.limit(TRIES, methods=["POST"])
@anyone
def password() -> ResponseReturnValue:
    """Change one's password. Every other sign-in ends, this one goes on under a new token."""
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            _change(form.current.data, form.password.data)
            flash("Your password is changed; you are signed out everywhere else.", "success")
            return redirect(url_for("accounts.sign_ins"), 303)
        except Refused as refusal:
            (form.password if g.get("current_was_right") else form.current).errors = (str(refusal),)
    return render_template("accounts/password.html", form=form), 422 if form.is_submitted() else 200


def _change(current: str, new: str) -> None:
    source = known.source(me())
    with transaction("sign-in"):
        user = tries.account(me().email)
        allowed = user is not None and tries.count(user, source)  # guessing here is counted as at the door
    if user is None or not allowed or not passwords.fits(user.password_hash, current):
        raise Refused("That is not your current password.")
    g.current_was_right = True
    with transaction(user.actor):
        actions.set_password(user, new)
        token = actions.let_in(user, new, source=source, address=request.remote_addr, browser=request.user_agent.string)
    access.enter(user, token)
    known.remember(user)


@bp.post("/me/single-keys/<any(on, off):state>")
@anyone
def single_keys(state: str) -> ResponseReturnValue:
    """Switch the one-key shortcuts of the desk (WCAG 2.1.4: who uses speech input needs them off)."""
    with transaction(me().actor):
        actions.use_single_keys(me().id, state == "on")
    flash(f"Single-key shortcuts are {state}.", "success")
    return redirect(url_for("accounts.own_settings"), 303)
