"""The report's numbers as JSON and CSV: the same object the page shows, without anybody's name. Pure."""

import csv
import io
from typing import Any

from ops.contact.places import zone_info
from ops.metrics.cohort import Step
from ops.metrics.measures import MEASURES, REFERRED_YARDSTICK, WILLING_YARDSTICK, YARDSTICK_SOURCE, Rate
from ops.metrics.reports import MonthReport

RATE_COLUMNS = ("numerator", "denominator", "percent", "low_95", "high_95")
COLUMNS = ("measure", "value", "unit", *RATE_COLUMNS, "yardstick", "meaning")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(report: MonthReport) -> dict[str, Any]:
    """The report as plain values; moments are ISO 8601 in the practice's zone, rates below five have no percentage."""
    friends, loop, work = report.friends, report.loop, report.work
    return {
        "practice": report.practice,
        "month": str(report.month),
        "zone": report.zone,
        "as_of": report.as_of.astimezone(zone_info(report.zone)).isoformat(timespec="seconds"),
        "running": report.running,
        "sentences": list(report.sentences),
        "stages": [_stage(step) for step in report.cohort.steps],
        "unprompted": report.cohort.unprompted,
        "referral_rate": _rate(report.cohort.referral_rate) | {"yardstick_percent": REFERRED_YARDSTICK},
        "willingness": _rate(report.cohort.willingness) | {"yardstick_percent": WILLING_YARDSTICK},
        "yardsticks": YARDSTICK_SOURCE,
        "friends": {
            "received": friends.received,
            "contacted": friends.contacted,
            "waiting": friends.waiting,
            "booked": friends.booked,
            "showed": friends.showed,
            "treated": friends.treated,
            "value": float(friends.value),
            "median_hours_to_contact": friends.median_hours,
            "within_48_hours": _rate(friends.within_48_hours),
        },
        "loop": {"told": _rate(loop.told), "owed": loop.owed},
        "hours": {"bought": work.hours_bought, "delivered": work.hours_delivered},
        "attempts": [{"outcome": words, "number": number} for words, number in work.attempts],
        "reviews": report.reviews,
        "coming": {
            "until": report.coming.until.isoformat(),
            "first_week": report.coming.first_week,
            "second_week": report.coming.second_week,
        },
        "measures": [
            {"key": str(each.key), "name": each.name, "meaning": each.meaning, "unit": each.unit}
            for each in MEASURES.values()
        ],
    }


def _stage(step: Step) -> dict[str, Any]:
    return {
        "stage": str(step.stage),
        "count": step.count,
        "lost": step.leak.count,
        "still_open": step.leak.open,
        "reasons": [
            {"reason": why.words, "owner": str(why.owner), "open": why.open, "count": number}
            for why, number in step.leak.reasons
        ],
    }


def _rate(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval or (None, None)
    return {"n": rate.n, "of": rate.of, "percent": rate.percent, "low_95": low, "high_95": high}


def as_csv(report: MonthReport) -> str:
    """One line per measure, then the reasons of each leak and the attempts. Safe to open in a spreadsheet."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("practice", "month", *COLUMNS))
    for line in (*_measures(report), *_reasons(report), *_attempts(report)):
        table.writerow([_plain(cell) for cell in (report.practice, str(report.month), *line)])
    return out.getvalue()


def _plain(cell: object) -> object:
    """A text that a spreadsheet would run as a formula is quoted."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else "" if cell is None else cell


def _measures(report: MonthReport) -> list[tuple]:
    cohort, friends = report.cohort, report.friends
    return [
        *(_line(step.stage, step.count, step.of_eligible) for step in cohort.steps),
        _line("referral_rate", cohort.referral_rate.percent, cohort.referral_rate, REFERRED_YARDSTICK),
        _line("willingness", cohort.willingness.percent, cohort.willingness, WILLING_YARDSTICK),
        _line("told", report.loop.told.n, report.loop.told),
        _line("friends", friends.received),
        _line("first_contact", friends.median_hours),
        _line("hours_bought", report.work.hours_bought),
        _line("hours_delivered", report.work.hours_delivered),
    ]


def _line(key: str, value: object, rate: Rate | None = None, yardstick: int | None = None) -> tuple:
    measure = MEASURES[key]
    parts = (rate.n, rate.of, rate.percent, *(rate.interval or (None, None))) if rate else (None,) * 5
    return (measure.name, value, measure.unit, *parts, yardstick, measure.meaning)


def _reasons(report: MonthReport) -> list[tuple]:
    return [
        (f"Not in “{step.measure.name}”: {why.words}", number, "patients", *(None,) * 6, f"Owner: {why.owner}")
        for step in report.cohort.steps
        for why, number in step.leak.reasons
    ]


def _attempts(report: MonthReport) -> list[tuple]:
    return [(f"Attempts: {words}", number, "attempts", *(None,) * 7) for words, number in report.work.attempts]
