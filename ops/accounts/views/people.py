"""Everybody's accounts, for leads and admins. A lead looks after agents and practice members, an admin after all."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts import actions, emails, links, queries, roles, sessions
from ops.accounts.access import me, staff
from ops.accounts.forms import AddPersonForm, PracticeForm, RoleForm
from ops.accounts.models import LinkPurpose, Role, User
from ops.accounts.views import bp
from ops.db import db, transaction
from ops.errors import Refused
from ops.mail import client
from ops.mail.queries import unsettled_count


@bp.get("/people")
@staff
def people() -> ResponseReturnValue:
    """The list, by name, with search."""
    search = request.args.get("q", "").strip()[:100]
    role = next((role for role in Role if role == request.args.get("role")), None)
    page = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    found, total = queries.people(search, role, page=page)
    return render_template(
        "accounts/people.html",
        people=found,
        total=total,
        page=page,
        pages=-(-total // queries.PAGE),
        search=search,
        role=role,
        practices=queries.practices_of(person.user for person in found),
        waiting=queries.waiting_for_links(),
        bad_emails=unsettled_count(),
        names=roles.NAMES,
    )


@bp.route("/people/add", methods=["GET", "POST"])
@staff
def add_person() -> ResponseReturnValue:
    """Add somebody and invite them."""
    form = AddPersonForm()
    form.role.choices = _roles_for(me())
    form.practices.choices = {practice.id: practice.name for practice in queries.all_practices()}
    if form.validate_on_submit():
        try:
            return redirect(url_for("accounts.person", user_id=_add(form)), 303)
        except Refused as refusal:
            form.email.errors = (str(refusal),)
    return render_template("accounts/add_person.html", form=form), 422 if form.is_submitted() else 200


def _roles_for(who: User) -> dict[str, str]:
    return {role.value: roles.NAMES[role] for role in Role if roles.may_manage(who.role, role)}


def _add(form: AddPersonForm) -> int:
    role = Role(form.role.data)
    with transaction(me().actor):
        practice_ids = form.practices.data if role == Role.MEMBER else []
        user = actions.add_user(form.email.data, name=form.name.data, role=role, practice_ids=practice_ids)
        token = _invite(user)
    _pass_on(user, token)
    return user.id


def _invite(user: User) -> str | None:
    """An invitation (a reset link for who has a password): by email, or its token where there is no email server."""
    purpose = LinkPurpose.RESET if user.password_hash else LinkPurpose.INVITE
    if not client.is_set_up():
        return links.make_link(user, purpose)
    links.mail_link(user, purpose)
    return None


def _pass_on(user: User, token: str | None) -> None:
    if token:
        flash(links.address(token), "link")
    else:
        flash(f"A link is on its way to {user.email}.", "success")


@bp.get("/people/<int:user_id>")
@staff
def person(user_id: int) -> ResponseReturnValue:
    """One account: role, practices, sign-ins, changes."""
    user = queries.user(user_id) or abort(404)
    theirs = {membership.practice_id for membership in user.memberships}
    everyone = queries.all_practices()
    role_form, practice_form = RoleForm(role=user.role.value), PracticeForm()
    role_form.role.choices = _roles_for(me())
    practice_form.practice.choices = {p.id: p.name for p in everyone if p.id not in theirs}
    return render_template(
        "accounts/person.html",
        user=user,
        manageable=roles.may_manage(me().role, user.role),
        role_form=role_form,
        practice_form=practice_form,
        practices=[practice for practice in everyone if practice.id in theirs],
        sign_ins=queries.sign_ins(user),
        waiting=queries.waiting_link(user),
        bad_email=emails.went_wrong(user),
        changes=queries.changes(user),
        by_mail=client.is_set_up(),
        names=roles.NAMES,
    )


def _change(user_id: int, verb: Callable[[User], Any], done: str) -> ResponseReturnValue:
    """Do something to an account one looks after, and say so. A refusal is shown on the person's page."""
    try:
        with transaction(me().actor):
            user = queries.user(user_id, lock=True) or abort(404)
            if not roles.may_manage(me().role, user.role):
                abort(404)
            verb(user)
        flash(done, "success")
    except Refused as refusal:
        flash(str(refusal), "danger")
    db.session.rollback()
    return redirect(url_for("accounts.person", user_id=user_id), 303)


@bp.post("/people/<int:user_id>/invite")
@staff
def invite(user_id: int) -> ResponseReturnValue:
    """Make a fresh invitation or reset link."""
    made: list[str | None] = []
    answer = _change(user_id, lambda user: made.append(_invite(user)), "A fresh link is made; earlier ones are void.")
    if made and made[0]:
        flash(links.address(made[0]), "link")
    return answer


@bp.post("/people/<int:user_id>/deactivate")
@staff
def deactivate(user_id: int) -> ResponseReturnValue:
    """Close an account."""
    if user_id == me().id:
        flash("You cannot deactivate yourself.", "danger")
        return redirect(url_for("accounts.person", user_id=user_id), 303)
    return _change(user_id, actions.deactivate, "The account is closed and signed out everywhere.")


@bp.post("/people/<int:user_id>/reactivate")
@staff
def reactivate(user_id: int) -> ResponseReturnValue:
    """Open a closed account."""
    return _change(user_id, actions.reactivate, "The account is open again.")


@bp.post("/people/<int:user_id>/role")
@staff
def change_role(user_id: int) -> ResponseReturnValue:
    """Give somebody another role, one that the asker may give."""
    role = next((role for role in Role if role == request.form.get("role")), None)
    if role is None or not roles.may_manage(me().role, role):
        abort(404)
    return _change(user_id, lambda user: actions.change_role(user, role), "The role is changed.")


@bp.post("/people/<int:user_id>/practices/add")
@staff
def give_practice(user_id: int) -> ResponseReturnValue:
    """Let a practice member see a practice."""
    practice_id = request.form.get("practice", type=int)
    if practice_id is None or not 0 < practice_id < 2**63:
        abort(400)
    return _change(user_id, lambda user: actions.give_practice(user, practice_id), "The practice is added.")


@bp.post("/people/<int:user_id>/practices/<int:practice_id>/remove")
@staff
def take_practice(user_id: int, practice_id: int) -> ResponseReturnValue:
    """Stop a practice member from seeing a practice."""
    return _change(user_id, lambda user: actions.take_practice(user, practice_id), "The practice is removed.")


@bp.post("/people/<int:user_id>/sign-ins/<uuid:session_id>/end")
@staff
def end_their_sign_in(user_id: int, session_id: uuid.UUID) -> ResponseReturnValue:
    """End one sign-in of somebody."""
    return _change(
        user_id, lambda user: sessions.end_of(user.id, session_id, sessions.REVOKED), "That sign-in is ended."
    )


@bp.post("/people/<int:user_id>/sign-ins/end-all")
@staff
def end_their_sign_ins(user_id: int) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    return _change(user_id, lambda user: sessions.end_all(user.id, sessions.REVOKED), "Signed out everywhere.")
