"""The doors: signing in and out, the first page of each role. People and their accounts are in `people_views`."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from ops.accounts import access, actions, passwords, sessions
from ops.accounts.access import anyone, me, public
from ops.accounts.forms import SignInForm
from ops.accounts.models import Role
from ops.db import transaction
from ops.web import limiter

bp = Blueprint("accounts", __name__)
bp.record_once(lambda state: access.install(state.app))

FIRST_PAGES = {
    Role.AGENT: ("queue.desk",),
    Role.LEAD: ("queue.board", "practices.index"),
    Role.ADMIN: ("practices.index",),
    Role.MEMBER: ("metrics.index",),
}
WRONG = "E-mail and password do not belong together, or there were too many tries. Wait a minute before the next."
FAILURES_PER_ADDRESS = "30 per minute"


@bp.get("/")
@anyone
def home() -> ResponseReturnValue:
    """The first page of each role; "My sign-ins" where a part of the product is not installed."""
    there = (page for page in FIRST_PAGES[me().role] if page in current_app.view_functions)
    return redirect(url_for(next(there, "accounts.sign_ins")))


@bp.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(FAILURES_PER_ADDRESS, methods=["POST"], deduct_when=lambda response: response.status_code == 422)
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page; a right password leads back to the page that was asked for."""
    there = access.local_path(request.args.get("next")) or url_for("accounts.home")
    if g.user is not None:
        return redirect(there, 303)
    form = SignInForm()
    if form.validate_on_submit() and _try(form.email.data, form.password.data):
        return redirect(there, 303)
    wrong = WRONG if form.is_submitted() and not form.errors else None
    return render_template("accounts/sign_in.html", form=form, wrong=wrong), 422 if form.is_submitted() else 200


def _try(email: str, password: str) -> bool:
    """Let the browser in if the password is right. No transaction is open while the slow hash is made."""
    with transaction("sign-in"):
        user = actions.count_try(email)
    if not passwords.fits(user.password_hash if user else None, password) or user is None:
        return False
    with transaction(user.actor):
        token = actions.let_in(user, password, address=request.remote_addr, browser=request.user_agent.string)
    access.enter(user, token)
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


@bp.get("/me/sign-ins")
@anyone
def sign_ins() -> ResponseReturnValue:
    """Where the person is signed in."""
    return render_template("accounts/sign_ins.html")
