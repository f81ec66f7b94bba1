"""Find one patient by what identifies them, look, and correct. Every look is written down (docs/rules.md A12)."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions, history, queries
from ops.practices.access import practice_or_404
from ops.practices.age import is_minor
from ops.practices.forms import CorrectPatientForm, FindPatientForm
from ops.practices.models import Patient, Practice
from ops.practices.views import bp
from ops.practices.views.practices import sent
from ops.work.reads import ReadOf


@bp.get("/<slug>/patients")
@allow(*STAFF)
def patients(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return render_template(
        "practices/patients.html", practice=practice, form=FindPatientForm(), count=queries.count_patients(practice)
    )


@bp.post("/<slug>/patients/find")
@allow(*STAFF)
def find_patients(slug: str) -> ResponseReturnValue:
    """A POST, so that no phone number or address stands in an address bar, a history or a log."""
    practice = practice_or_404(slug)
    form = FindPatientForm()
    found: list[Patient] = []
    if form.validate():
        with transaction(me().actor):
            found = queries.find_patients(practice, form.wanted.data)
            for patient in found:
                actions.note_read(me(), patient, ReadOf.SEARCH)
    return render_template(
        "practices/patients.html",
        practice=practice,
        form=form,
        found=found,
        count=queries.count_patients(practice),
    )


def _patient_or_404(practice: Practice, patient_id: int) -> Patient:
    return queries.patient(practice, patient_id) or abort(404)


@bp.get("/<slug>/patients/<int:patient_id>")
@allow(*STAFF)
def patient(slug: str, patient_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    patient = _patient_or_404(practice, patient_id)
    with transaction(me().actor):
        actions.note_read(me(), patient, ReadOf.PATIENT_PAGE)
    return _page(practice, patient, CorrectPatientForm(obj=patient))


def _page(practice: Practice, patient: Patient, form: CorrectPatientForm, problem: str | None = None) -> str:
    entries = queries.changes_of_patient(patient)
    return render_template(
        "practices/patient.html",
        practice=practice,
        patient=patient,
        form=form,
        problem=problem,
        milestones=queries.milestones_of(patient),
        history=history.tell(entries, queries.names_of({entry.actor for entry in entries})),
        minor=is_minor(patient.birth_date, clock.today(practice.zone)),
    )


@bp.post("/<slug>/patients/<int:patient_id>/correct")
@allow(*STAFF)
def correct_patient(slug: str, patient_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    patient = _patient_or_404(practice, patient_id)
    form = CorrectPatientForm()
    problem = None
    if form.validate():
        try:
            with transaction(me().actor):
                actions.correct_patient(practice, patient, **sent(form))
        except Refused as refused:
            problem = str(refused)
        else:
            flash("Corrected.", "success")
            return redirect(url_for(".patient", slug=slug, patient_id=patient_id), 303)
    return _page(practice, patient, form, problem), 422
