"""The page on which an admin sets the agency's own details, and its logo."""

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from ops.accounts.access import allow, anyone, me
from ops.accounts.models import Role
from ops.agency import actions, images, queries
from ops.agency.forms import AgencyForm, LogoForm
from ops.agency.models import AgencySettings
from ops.db import db, transaction
from ops.errors import Refused
from ops.web import takes_files

bp = Blueprint("agency", __name__)


@bp.app_context_processor
def _on_every_page() -> dict[str, Any]:
    """Asked by the header, unless the page is the one that says the database is down."""
    return {"agency": queries.agency}


@bp.get("/agency")
@allow(Role.ADMIN)
def show() -> ResponseReturnValue:
    """What is set, and what the environment decides."""
    return _page(AgencyForm(formdata=None, obj=db.session.get(AgencySettings, 1)))


def _page(form: AgencyForm, problem: str | None = None) -> ResponseReturnValue:
    wins = queries.set_there()
    page = render_template(
        "agency/agency.html",
        form=form,
        logo_form=LogoForm(formdata=None),
        wins=wins,
        holds=queries.agency(),
        waits=queries.emails_wait(),
        problem=problem,
    )
    return page, 422 if problem or form.errors else 200


@bp.post("/agency/details")
@allow(Role.ADMIN)
def set_details() -> ResponseReturnValue:
    """Name, number, address and courtesy hours."""
    form = AgencyForm()
    if not form.validate():
        return _page(form)
    try:
        with transaction(me().actor):
            actions.set_agency(
                name=form.name.data or "",
                number=form.number.data or "",
                postal_address=form.postal_address.data or "",
                opens=form.opens.data,
                closes=form.closes.data,
            )
    except Refused as problem:
        return _page(form, str(problem))
    flash("Saved. It counts at once; hours within a minute.", "success")
    return redirect(url_for(".show"), 303)


@bp.post("/agency/logo")
@allow(Role.ADMIN)
@takes_files
def set_logo() -> ResponseReturnValue:
    """A new logo."""
    file = LogoForm().logo.data
    try:
        if not isinstance(file, FileStorage) or not file.filename:
            raise Refused("Please choose a picture.")
        with transaction(me().actor):
            actions.set_logo(file.stream.read(images.LARGEST + 1))
    except Refused as problem:
        return _page(AgencyForm(formdata=None, obj=db.session.get(AgencySettings, 1)), str(problem))
    flash("Saved.", "success")
    return redirect(url_for(".show"), 303)


@bp.post("/agency/logo/remove")
@allow(Role.ADMIN)
def remove_logo() -> ResponseReturnValue:
    """No logo any more."""
    with transaction(me().actor):
        actions.remove_logo()
    flash("The logo is gone.", "success")
    return redirect(url_for(".show"), 303)


@bp.get("/agency/logo")
@anyone
def logo() -> ResponseReturnValue:
    """The picture, as what it is and nothing else."""
    row = db.session.get(AgencySettings, 1)
    if row is None or row.logo is None:
        abort(404)
    answer = Response(row.logo, mimetype=row.logo_type)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
