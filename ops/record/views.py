"""A patient's record, for leads and admins: find somebody, read all there is, decide. Every look is written down
(docs/rules.md A12)."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import me, staff
from ops.accounts.queries import names_of
from ops.contact.said_yes import was_wrong
from ops.db import transaction
from ops.errors import Refused
from ops.floor.words import actor_words
from ops.practices import actions, history, queries
from ops.practices.access import practice_or_404
from ops.practices.age import is_minor
from ops.practices.models import MilestoneKind, Practice
from ops.practices.views.practices import sent
from ops.record import contact, work
from ops.record.actions import knowing, merging, refusing, unmerging
from ops.record.actions.refusing import Source
from ops.record.forms import (
    AgreeForm,
    CorrectPatientForm,
    FindPatientForm,
    KnownByForm,
    LiftForm,
    MergeForm,
    MilestoneForm,
    RefuseForm,
    UnmergeForm,
    WrongYesForm,
)
from ops.record.people import Found, Human, by_number, find, human, lookalikes
from ops.record.timeline import SORTS, timeline
from ops.work.reads import ReadOf

bp = Blueprint("record", __name__)


@bp.get("/patients")
@staff
def search() -> ResponseReturnValue:
    """Find somebody in all practices."""
    return render_template("record/search.html", form=FindPatientForm())


@bp.post("/patients/find")
@staff
def find_anywhere() -> ResponseReturnValue:
    """A POST, so that no phone number or address stands in an address bar, a history or a log."""
    return _found("record/search.html", None)


@bp.get("/practices/<slug>/patients")
@staff
def patients(slug: str) -> ResponseReturnValue:
    """Find somebody in one practice."""
    practice = practice_or_404(slug)
    count = queries.count_patients(practice)
    return render_template("record/patients.html", practice=practice, form=FindPatientForm(), count=count)


@bp.post("/practices/<slug>/patients/find")
@staff
def find_here(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return _found("record/patients.html", practice, count=queries.count_patients(practice))


def _found(template: str, practice: Practice | None, **more: Any) -> ResponseReturnValue:
    form, found = FindPatientForm(), list[Found]()
    valid = form.validate()
    if valid:
        with transaction(me().actor):
            found = find(form.wanted.data, practice)
            for each in found:
                actions.note_read(me(), each.patient, ReadOf.SEARCH)
    shown = {"found": found} if valid else {}
    return render_template(template, practice=practice, form=form, **shown, **more), 200 if valid else 422


@bp.get("/practices/<slug>/patients/<int:patient_id>")
@staff
def patient(slug: str, patient_id: int) -> ResponseReturnValue:
    """All there is about one human in this practice, on the record that is kept."""
    who = _human_or_404(slug, patient_id)
    if who.kept_id != patient_id:
        return redirect(url_for(".patient", slug=slug, patient_id=who.kept_id), 303)
    return page(who)


def _human_or_404(slug: str, patient_id: int) -> Human:
    return human(practice_or_404(slug), patient_id) or abort(404)


def page(who: Human, problem: str | None = None, open_form: str = "", **forms: Any) -> ResponseReturnValue:
    """The record; with a `problem` what was typed into the form that is open again."""
    told = timeline(who)
    stands, agreed, unhappy = contact.against(who), contact.consents(who), work.concerns(who)
    in_files = contact.in_files(who)
    changes = queries.changes_of_patient(who.patient)
    actors = {entry.by for entry in told} | {change.actor for change in changes}
    actors |= {each.by for each in stands} | {each.actor for each in agreed}
    actors |= {actor for each in in_files for actor in (each.by, each.ended_by)}
    actors |= {each.merged_by for each in who.merges}
    names = names_of(actors)
    shown = {
        "correct": CorrectPatientForm(obj=who.patient),
        "milestone": MilestoneForm().of(who.practice),
        "do_not_contact": RefuseForm(),
        "agreed": AgreeForm(),
        "lift": LiftForm(),
        "known_by": KnownByForm(),
        "yes_was_wrong": WrongYesForm(),
        "merge": MergeForm().of(lookalikes(who)),
        "unmerge": UnmergeForm(),
    } | forms
    answer = render_template(
        "record/record.html",
        practice=who.practice,
        who=who,
        patient=who.patient,
        minor=is_minor(who.patient.birth_date, clock.today(who.practice.zone)),
        ways=contact.ways(who),
        against=stands,
        consents=agreed,
        in_files=in_files,
        going=work.going_on(who),
        known_by=knowing.known_by(who),
        sent=work.sent(who),
        came_from=work.came_from(who),
        concerns=unhappy,
        timeline=told,
        sorts=SORTS,
        by=lambda actor: actor_words(actor, names) if actor else "",
        history=history.tell(changes, names),
        problem=problem,
        open_form=open_form,
        forms=shown,
    )
    with transaction(me().actor):
        for record in who.records:
            actions.note_read(me(), record, ReadOf.PATIENT_PAGE)
    return answer, 422 if problem else 200


def decide(who: Human, verb: Callable[[], str], form_name: str, **forms: Any) -> ResponseReturnValue:
    """Do one thing to the record and say that it is done; or the page again with what stands against it and all that
    was typed."""
    form = forms[form_name]
    try:
        if not form.validate():
            raise Refused(" ".join(str(error) for errors in form.errors.values() for error in errors))
        with transaction(me().actor):
            done = verb()
    except Refused as refused:
        return page(who, str(refused), form_name, **forms)
    flash(done, "success")
    return redirect(url_for(".patient", slug=who.practice.slug, patient_id=who.patient.id), 303)


@bp.post("/practices/<slug>/patients/<int:patient_id>/correct")
@staff
def correct(slug: str, patient_id: int) -> ResponseReturnValue:
    """Put contact data right that the file had wrong."""
    who, form = _human_or_404(slug, patient_id), CorrectPatientForm()

    def verb() -> str:
        actions.correct_patient(who.practice, who.patient, **sent(form))
        return "Corrected. The practice's next file wins again where it says something else: tell the practice too."

    return decide(who, verb, "correct", correct=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/milestones")
@staff
def milestone(slug: str, patient_id: int) -> ResponseReturnValue:
    """Something happened of which no file told us: it starts what the practice's triggers say."""
    who = _human_or_404(slug, patient_id)
    form = MilestoneForm().of(who.practice)

    def verb() -> str:
        kind, day = MilestoneKind(form.kind.data), form.happened_on.data
        treatment = next((each for each in who.practice.treatment_types if str(each.id) == form.treatment.data), None)
        actions.record_milestone(who.practice, who.patient, kind, day, treatment)
        return "Recorded. What it starts shows here within a minute."

    return decide(who, verb, "milestone", milestone=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/do-not-contact")
@staff
def do_not_contact(slug: str, patient_id: int) -> ResponseReturnValue:
    """They do not want to be contacted, over some ways or any."""
    who, form = _human_or_404(slug, patient_id), RefuseForm()

    def verb() -> str:
        source, once = Source(form.source.data), f"{who.patient.id}:{(form.once.data or '')[:40]}"
        refusing.do_not_contact(who, form.over, source, form.words.data, once=once, actor=me().actor)
        over = ", ".join(contact.OVER_WORDS[each] for each in form.over)
        return f"Nobody of {who.practice.name} contacts them any more: no {over}."

    return decide(who, verb, "do_not_contact", do_not_contact=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/known-by")
@staff
def knows_them_not(slug: str, patient_id: int) -> ResponseReturnValue:
    """An agent who said that they know them is offered them again."""
    who, form = _human_or_404(slug, patient_id), KnownByForm()

    def verb() -> str:
        user = knowing.knows_them_not(who, form.email.data or "")
        return f"{user.name} may be offered them again."

    return decide(who, verb, "known_by", known_by=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/lift")
@staff
def lift(slug: str, patient_id: int) -> ResponseReturnValue:
    """What one of us entered was wrong: it does not stand any more, and is kept with the reason."""
    who, form = _human_or_404(slug, patient_id), LiftForm()

    def verb() -> str:
        refusing.lift(who, form.occasion.data or "", form.why.data, actor=me().actor)
        return "It does not stand any more. What ended because of it does not start again by itself."

    return decide(who, verb, "lift", lift=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/yes-was-wrong")
@staff
def yes_was_wrong(slug: str, patient_id: int) -> ResponseReturnValue:
    """What a file says that they agreed to was no yes: it is kept with the reason."""
    who, form = _human_or_404(slug, patient_id), WrongYesForm()

    def verb() -> str:
        was_wrong(who.practice.id, who.ids, form.event_id, form.why.data or "", me().actor)
        return "It is no yes any more, nor is the same in a later file."

    return decide(who, verb, "yes_was_wrong", yes_was_wrong=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/agreed")
@staff
def agreed(slug: str, patient_id: int) -> ResponseReturnValue:
    """They said, themself, that they may be contacted again."""
    who, form = _human_or_404(slug, patient_id), AgreeForm()

    def verb() -> str:
        refusing.agree(who, form.over, Source(form.source.data), form.words.data, actor=me().actor)
        return "Kept as their consent. A file of the practice that still says no wins again: tell the practice."

    return decide(who, verb, "agreed", agreed=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/merge")
@staff
def merge(slug: str, patient_id: int) -> ResponseReturnValue:
    """Another record of the practice is the same person; this one is kept."""
    who = _human_or_404(slug, patient_id)
    form = MergeForm().of(lookalikes(who))

    def verb() -> str:
        numbered = by_number(who.practice, form.number.data or "")
        other = int(form.other.data) if form.other.data else numbered.id if numbered else 0
        merging.merge(who.practice, who.patient.id, other, form.why.data, actor=me().actor)
        return "They are one person now. This record is the one that is contacted."

    return decide(who, verb, "merge", merge=form)


@bp.post("/practices/<slug>/patients/<int:patient_id>/unmerge/<int:merge_id>")
@staff
def unmerge(slug: str, patient_id: int, merge_id: int) -> ResponseReturnValue:
    """They are two people after all."""
    who, form = _human_or_404(slug, patient_id), UnmergeForm()
    if merge_id not in {each.id for each in who.merges}:
        abort(404)

    def verb() -> str:
        unmerging.unmerge(who.practice, merge_id, form.why.data, actor=me().actor)
        return "They are two people again, each with what was theirs."

    return decide(who, verb, "unmerge", unmerge=form)
