"""The practice's month on the web: the list of practices, the report, and its numbers for other programs."""

import sqlalchemy as sa
from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ops import clock
from ops.accounts.access import allow, me
from ops.accounts.models import Role
from ops.accounts.roles import STAFF
from ops.db import db, transaction
from ops.metrics import measures
from ops.metrics.chart import gap_bars, steps_chart
from ops.metrics.exports import as_csv, as_json
from ops.metrics.reports import MonthReport, by_leak, month_report, overview
from ops.metrics.sentences import OWNERS
from ops.practices.access import practice_or_404
from ops.practices.actions import note_read
from ops.practices.models import Patient, Practice
from ops.practices.months import Month
from ops.practices.queries import read_by
from ops.work.reads import ReadOf

bp = Blueprint("metrics", __name__)
READERS = (*STAFF, Role.MEMBER)


@bp.get("/reports")
@allow(*READERS)
def index() -> ResponseReturnValue:
    """The practices whose month this person may read; a member of one goes straight to it.

    A member of several gets their names only: numbers are read practice by practice, behind the database's wall.
    """
    practices = read_by(me())
    if me().role is Role.MEMBER:
        if len(practices) == 1:
            return redirect(url_for(".latest", slug=practices[0].slug), 303)
        return render_template("metrics/choose.html", practices=practices)
    lines = overview(practices)
    leak_first = request.args.get("sort") == "leak"
    return render_template(
        "metrics/index.html",
        lines=by_leak(lines) if leak_first else lines,
        sort="leak" if leak_first else "name",
        rankable=measures.RANKABLE,
        yardsticks=measures,
    )


@bp.get("/practices/<slug>/report")
@allow(*READERS)
def latest(slug: str) -> ResponseReturnValue:
    """The running month."""
    practice = practice_or_404(slug)
    return redirect(url_for(".report", slug=slug, month=str(Month.of(clock.today(practice.zone)))), 303)


@bp.get("/practices/<slug>/report/<month>")
@allow(*READERS)
def report(slug: str, month: str) -> ResponseReturnValue:
    """The page."""
    practice = practice_or_404(slug)
    found = _report(practice, month)
    _note_reads(found)
    return render_template(
        "metrics/report.html",
        report=found,
        practice=practice,
        before=_before(found),
        after=None if found.running else found.month.after,
        gap=gap_bars(found.cohort),
        steps=steps_chart(found.cohort),
        measures=measures.MEASURES.values(),
        yardstick_source=measures.YARDSTICK_SOURCE,
        owners=OWNERS,
        staff=me().role in STAFF,
    )


@bp.get("/practices/<slug>/report/<month>.json")
@allow(*READERS)
def report_json(slug: str, month: str) -> ResponseReturnValue:
    """The numbers of the page, without anybody's name."""
    return jsonify(as_json(_report(practice_or_404(slug), month)))


@bp.get("/practices/<slug>/report/<month>.csv")
@allow(*READERS)
def report_csv(slug: str, month: str) -> ResponseReturnValue:
    """The numbers of the page as a table, without anybody's name; UTF-8 with a mark, so that Excel reads it right."""
    found = _report(practice_or_404(slug), month)
    name = f"{found.practice}-{found.month}.csv"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response("\ufeff" + as_csv(found), mimetype="text/csv", headers=headers)


def _report(practice: Practice, written: str) -> MonthReport:
    """404 for what is not a month, or not begun."""
    month = Month.parse(written)
    if month is None:
        abort(404)
    try:
        return month_report(practice, month)
    except ValueError:
        abort(404)


def _before(found: MonthReport) -> Month | None:
    """The month before, if the practice had anything to tell in it or earlier."""
    return found.month.before if found.started and found.started < found.month else None


def _note_reads(found: MonthReport) -> None:
    """The page names who sent a friend: keep who read that (docs/rules.md A12)."""
    named = {friend.referrer_id for friend in found.friends.people}
    if not named:
        return
    patients = list(db.session.scalars(sa.select(Patient).where(Patient.id.in_(named))))
    with transaction(me().actor):
        for patient in patients:
            note_read(me(), patient, ReadOf.REPORT, month=found.month.first)
