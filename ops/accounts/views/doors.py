"""Signing in and out, a forgotten password, the link that sets one, and the first page of each role."""

import time

from flask import current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from ops.accounts import access, actions, links, passwords, sessions, tries
from ops.accounts.access import anyone, me, public
from ops.accounts.forms import ForgotForm, NewPasswordForm, SignInForm
from ops.accounts.models import Role
from ops.accounts.views import bp, known
from ops.db import transaction
from ops.errors import Refused
from ops.mail import client
from ops.web import limiter

FIRST_PAGES = {
    Role.AGENT: ("desk.desk",),
    Role.LEAD: ("floor.board", "practices.index"),
    Role.ADMIN: ("practices.index",),
    Role.MEMBER: ("metrics.index",),
}
WRONG = "Email and password do not belong together, or there were too many tries. Wait a minute before the next."
FAILURES_PER_ADDRESS = "30 per minute"
REQUESTS_PER_ADDRESS = "10 per minute"
ANSWER_AFTER_S = 0.25
"""A request for a link is answered after this time whether or not it was for somebody."""


@bp.get("/")
@anyone
def home() -> ResponseReturnValue:
    """To the first page of each role; to one's own account where a part of the product is not installed."""
    there = (page for page in FIRST_PAGES[me().role] if page in current_app.view_functions)
    return redirect(url_for(next(there, "accounts.sign_ins")))


@bp.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(
    FAILURES_PER_ADDRESS,
    methods=["POST"],
    deduct_when=lambda response: response.status_code == 422,
    exempt_when=lambda: known.is_known_to(request.form.get("email", "")),
)
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page; a right password leads back to the page that was asked for."""
    there = access.local_path(request.args.get("next")) or url_for("accounts.home")
    if access.somebody() is not None:
        return redirect(there, 303)
    form = SignInForm()
    if form.validate_on_submit() and _try(form):
        return redirect(there, 303)
    wrong = WRONG if form.is_submitted() and not form.errors else None
    return render_template("accounts/sign_in.html", form=form, wrong=wrong), 422 if form.is_submitted() else 200


def _try(form: SignInForm) -> bool:
    """Let the browser in if the password is right. No transaction is open while the slow hash is made."""
    password = form.password.data
    with transaction("sign-in"):
        user = tries.account(form.email.data)
        if user is not None and not tries.count(user, source := known.source(user)):
            user = None
    if not passwords.fits(user.password_hash if user else None, password) or user is None:
        return False
    with transaction(user.actor):
        token = actions.let_in(
            user,
            password,
            source=source,
            address=request.remote_addr,
            browser=request.user_agent.string,
            zone=form.zone.data,
        )
    access.enter(user, token)
    known.remember(user)
    return True


@bp.post("/sign-out")
@anyone
def sign_out() -> ResponseReturnValue:
    """End this sign-in."""
    with transaction(me().actor):
        sessions.end(g.auth_session_id, sessions.SIGNED_OUT)
    session.clear()
    flash("You are signed out.", "success")
    return redirect(url_for("accounts.sign_in"), 303)


@bp.route("/forgot", methods=["GET", "POST"])
@limiter.limit(REQUESTS_PER_ADDRESS, methods=["POST"])
@public
def forgot() -> ResponseReturnValue:
    """Ask for a link to set a new password. The answer and its time are the same for everybody."""
    form = ForgotForm()
    if not form.validate_on_submit():
        return render_template("accounts/forgot.html", form=form), 422 if form.is_submitted() else 200
    began = time.monotonic()
    with transaction("forgot"):
        links.ask_for_link(form.email.data)
    time.sleep(max(0.0, ANSWER_AFTER_S - (time.monotonic() - began)))
    return render_template("accounts/forgot_sent.html", by_mail=client.is_set_up())


@bp.route("/link/<token>", methods=["GET", "POST"])
@limiter.limit(FAILURES_PER_ADDRESS, deduct_when=lambda response: response.status_code in (410, 422))
@public
def link(token: str) -> ResponseReturnValue:
    """Set the password by an invitation or reset link. Looking at it (as email scanners do) does not use it up."""
    user = links.holder(token)
    if user is None:
        return render_template("accounts/link_over.html"), 410
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            with transaction(user.actor):
                links.use(token, form.password.data)
            known.remember(user)
            flash("Your password is set. Sign in with it.", "success")
            return redirect(url_for("accounts.sign_in"), 303)
        except Refused as refusal:
            form.password.errors = (str(refusal),)
    return render_template("accounts/link.html", form=form, user=user), 422 if form.is_submitted() else 200
