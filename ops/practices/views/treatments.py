"""The treatments of a practice with their result curves."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions
from ops.practices.access import practice_or_404
from ops.practices.forms import TreatmentForm
from ops.practices.models import Practice, TreatmentType
from ops.practices.views import bp


def _treatment_or_404(practice: Practice, treatment_id: int) -> TreatmentType:
    return next((own for own in practice.treatment_types if own.id == treatment_id), None) or abort(404)


@bp.get("/<slug>/treatments")
@allow(*STAFF)
def treatments(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    longest = max((kind.closes_days for kind in practice.treatment_types), default=1)
    return render_template("practices/treatments.html", practice=practice, longest=longest)


@bp.get("/<slug>/treatments/add")
@allow(*STAFF)
def adding_treatment(slug: str) -> ResponseReturnValue:
    return render_template("practices/treatment.html", practice=practice_or_404(slug), form=TreatmentForm(), kind=None)


@bp.post("/<slug>/treatments/add")
@allow(*STAFF)
def add_treatment(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return _save(practice, None)


@bp.get("/<slug>/treatments/<int:treatment_id>/edit")
@allow(*STAFF)
def editing_treatment(slug: str, treatment_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    kind = _treatment_or_404(practice, treatment_id)
    form = TreatmentForm(obj=kind)
    form.match_words.data = "\n".join(kind.match_words)
    return render_template("practices/treatment.html", practice=practice, form=form, kind=kind)


@bp.post("/<slug>/treatments/<int:treatment_id>/edit")
@allow(*STAFF)
def edit_treatment(slug: str, treatment_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return _save(practice, _treatment_or_404(practice, treatment_id))


def _save(practice: Practice, kind: TreatmentType | None) -> ResponseReturnValue:
    form = TreatmentForm()
    problem = None
    slug = practice.slug
    if form.validate():
        try:
            with transaction(me().actor):
                if kind is None:
                    actions.add_treatment_type(practice, **form.treatment())
                else:
                    actions.edit_treatment_type(practice, kind, **form.treatment())
        except Refused as refused:
            problem = str(refused)
        else:
            flash(f"{form.name.data} is saved.", "success")
            return redirect(url_for(".treatments", slug=slug), 303)
    return render_template("practices/treatment.html", practice=practice, form=form, kind=kind, problem=problem), 422


@bp.post("/<slug>/treatments/<int:treatment_id>/remove")
@allow(*STAFF)
def remove_treatment(slug: str, treatment_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    kind = _treatment_or_404(practice, treatment_id)
    with transaction(me().actor):
        actions.remove_treatment_type(practice, kind)
    flash("The treatment was removed.", "success")
    return redirect(url_for(".treatments", slug=slug), 303)
