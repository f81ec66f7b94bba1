"""Hours bought, from when to when. People say the last day with a contract; the table keeps the first day without."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import allow, me
from ops.accounts.roles import STAFF
from ops.db import transaction
from ops.errors import Refused
from ops.practices import actions
from ops.practices.access import practice_or_404
from ops.practices.forms import ContractForm, LastDayForm, day_after
from ops.practices.models import Contract, Practice
from ops.practices.views import bp


def _page(practice: Practice, form: ContractForm, problem: str | None = None) -> str:
    today = clock.today(practice.zone)
    return render_template(
        "practices/contracts.html", practice=practice, form=form, problem=problem, today=today, end_form=LastDayForm()
    )


def _contract_or_404(practice: Practice, contract_id: int) -> Contract:
    return next((own for own in practice.contracts if own.id == contract_id), None) or abort(404)


@bp.get("/<slug>/contracts")
@allow(*STAFF)
def contracts(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    return _page(practice, ContractForm(starts_on=clock.today(practice.zone)))


@bp.post("/<slug>/contracts/add")
@allow(*STAFF)
def add_contract(slug: str) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    form = ContractForm()
    problem = None
    if form.validate():
        try:
            with transaction(me().actor):
                actions.set_contract(practice, form.hours.data, form.starts_on.data, day_after(form.last_day.data))
        except Refused as refused:
            problem = str(refused)
        else:
            flash("The contract is set.", "success")
            return redirect(url_for(".contracts", slug=slug), 303)
    return _page(practice, form, problem), 422


@bp.post("/<slug>/contracts/<int:contract_id>/end")
@allow(*STAFF)
def end_contract(slug: str, contract_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    contract = _contract_or_404(practice, contract_id)
    last_day = day_after(LastDayForm().last_day.data)
    if last_day is None:
        raise Refused("A last day is needed, as YYYY-MM-DD.")
    with transaction(me().actor):
        actions.end_contract(practice, contract, last_day)
    flash("The contract's last day is set.", "success")
    return redirect(url_for(".contracts", slug=slug), 303)


@bp.post("/<slug>/contracts/<int:contract_id>/remove")
@allow(*STAFF)
def remove_contract(slug: str, contract_id: int) -> ResponseReturnValue:
    practice = practice_or_404(slug)
    contract = _contract_or_404(practice, contract_id)
    with transaction(me().actor):
        actions.remove_contract(practice, contract)
    flash("The contract was removed.", "success")
    return redirect(url_for(".contracts", slug=slug), 303)
