"""How leads set everybody's desk."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.db import transaction
from ops.errors import Refused
from ops.floor import lists
from ops.floor.forms import DeskForm
from ops.floor.views import bp
from ops.rhythm import queries
from ops.rhythm.actions import breaks as verbs
from ops.rhythm.views import STAFF


@bp.get("/floor/desk")
@allow(*STAFF)
def desk_settings() -> ResponseReturnValue:
    """How everybody's desk is set."""
    return _desk_settings(DeskForm(formdata=None, obj=queries.desk_settings()))


def _desk_settings(form: DeskForm, problem: str | None = None) -> ResponseReturnValue:
    page = render_template("floor/desk_settings.html", form=form, changes=lists.changes_of_desk(), problem=problem)
    return page, 422 if problem or form.errors else 200


@bp.post("/floor/desk")
@allow(*STAFF)
def set_desk() -> ResponseReturnValue:
    """Set it, from everybody's next card on."""
    form = DeskForm()
    if not form.validate():
        return _desk_settings(form)
    try:
        with transaction(me().actor):
            verbs.set_desk(form.chosen(), *(field.data or 0 for field in form.numbers()))
    except Refused as problem:
        return _desk_settings(form, str(problem))
    flash("Saved. It counts from everybody's next card on.", "success")
    return redirect(url_for("floor.desk_settings"), 303)
