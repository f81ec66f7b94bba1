"""How a person sets up their desk: its keys, and how it calls them while it is idle."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.actions import use_single_keys
from ops.accounts.roles import AT_WORK
from ops.db import transaction
from ops.desk import keys
from ops.desk.actions import key_settings
from ops.desk.models import Ring
from ops.desk.views import bp
from ops.desk.views.showing import to_desk
from ops.errors import Refused


@bp.route("/desk/keys", methods=["GET", "POST"])
@allow(*AT_WORK)
def own_keys() -> ResponseReturnValue:
    """The keys of the desk: all of them, each changeable, or none at all."""
    own, problem, status = key_settings.keys_of(me().id), None, 200
    shown, on, dials = keys.keys(own.keys), me().single_keys, own.dials
    if request.method == "POST":
        shown = {name: request.form.get(name, key) for name, key in shown.items()}
        on, dials = "single_keys" in request.form, "dials" in request.form
        try:
            with transaction(me().actor):
                key_settings.set_keys(me().id, shown, dials=dials)
                use_single_keys(me().id, on)
        except Refused as refused:
            problem, status = str(refused), 422
        else:
            flash("Your keys are saved.", "success")
            return redirect(url_for("desk.own_keys"), 303)
    page = render_template(
        "desk/keys.html",
        shown=shown,
        on=on,
        dials=dials,
        problem=problem,
        actions=keys.ACTIONS,
        outcomes=keys.OUTCOMES,
    )
    return page, status


@bp.post("/desk/ring")
@allow(*AT_WORK)
def set_ring() -> ResponseReturnValue:
    """How the idle desk calls this person."""
    ring = request.form.get("ring")
    if ring not in set(Ring):
        abort(400)
    with transaction(me().actor):
        key_settings.set_ring(me().id, Ring(ring))
    return to_desk()


@bp.post("/desk/keys/as-printed")
@allow(*AT_WORK)
def keys_as_printed() -> ResponseReturnValue:
    """Every key as it was."""
    with transaction(me().actor):
        own = key_settings.keys_of(me().id)
        key_settings.set_keys(me().id, {}, dials=own.dials)
    flash("Every key is as it was at first.", "success")
    return redirect(url_for("desk.own_keys"), 303)
