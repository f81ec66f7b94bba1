"""The export files the demo's practices send, in the styles of four systems, with the faults such files have."""

import csv
import io
from collections.abc import Iterable
from datetime import date

from ops.demo.people import DemoPatient

Rows = list[list[str]]


def export(
    style: str, patients: Iterable[DemoPatient], since: date, until: date, shifted: bool = False
) -> list[tuple[str, bytes]]:
    """The files (name, content) with every patient and the visits of the days from `since` up to before `until`.
    `shifted`: in some of them a row slipped by a cell, and whom it speaks of waits until somebody put it right."""
    people = list(patients)
    visits = [(patient, day, what) for patient in people for day, what in patient.visits if since <= day < until]
    files = STYLES[style](people, visits)
    if shifted and style == "open-dental":  # somebody typed a comma into the address
        rows = files[0][1]
        rows += [_shifted(row) for row in rows[1:2]]
    return [(f"{name}-{until:%Y-%m-%d}.csv", _csv(rows)) for name, rows in files]


def _csv(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _us(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _open_dental(people: list[DemoPatient], visits: list) -> list[tuple[str, Rows]]:
    header = (
        "PatNum LName FName MiddleI Preferred PatStatus Gender Birthdate Address City State Zip HmPhone WkPhone "
        "WirelessPhone Email TxtMsgOk PreferConfirmMethod AptDateTime AptStatus ProcDescript"
    ).split()
    rows = []
    seen = set()
    for patient, day, what in visits:
        seen.add(patient.number)
        rows.append([*_dental_person(patient), f"{day:%Y-%m-%d} 10:30:00", "Complete", what])
    rows += [[*_dental_person(patient), "", "", ""] for patient in people if patient.number not in seen]
    return [("open-dental", [header, *rows])]


def _shifted(row: list[str]) -> list[str]:
    return [f"{row[0]}9", "", *row[1:-1]]


def _dental_person(patient: DemoPatient) -> list[str]:
    status = "Deceased" if patient.dead else "Patient"
    birth = _iso(patient.birth) or "0001-01-01"
    text_ok = "No" if patient.opted_out else "Yes"
    return [
        patient.number, patient.last, patient.first, "", "", status, "", birth, "1 Example Street", "", patient.state,
        patient.zip, "", "", patient.phone, patient.email, text_ok, "TextMessage",
    ]  # fmt: skip


def _fresha(people: list[DemoPatient], visits: list) -> list[tuple[str, Rows]]:
    header = "Client ID,First Name,Last Name,Email,Mobile Number,Telephone,Gender,Date of Birth,City,Note,Blocked,Added"
    rows = [
        [p.number, p.first, p.last, p.email, p.phone, "", "", _us(p.birth), "", "", "Yes" if p.opted_out else "No", ""]
        for p in people
        if not p.dead
    ]
    dated = [[f"V{p.number}{day:%y%m%d}", p.number, _us(day), what] for p, day, what in visits if not p.dead]
    return [
        ("fresha-clients", [header.split(","), *rows]),
        ("fresha-appointments", [["Appointment ID", "Client ID", "Appointment Date", "Service"], *dated]),
    ]


def _mindbody(people: list[DemoPatient], visits: list) -> list[tuple[str, Rows]]:
    header = (
        "client_id first_name last_name mobile_phone home_phone work_phone email birth_date referred_by is_prospect "
        "send_promotional_emails"
    ).split()
    rows = [
        [p.number, p.first, p.last, p.phone, "", "", p.email, _iso(p.birth), "", "false", str(not p.opted_out).lower()]
        for p in people
        if not p.dead
    ]
    dated = [[p.number, _iso(day), what] for p, day, what in visits if not p.dead]
    dated.append(["99999", _iso(visits[0][1]), "Consultation"]) if visits else None  # deleted in their system since
    return [
        ("mindbody-clients", [header, *rows]),
        ("mindbody-visits", [["client_id", "visit_date", "service"], *dated]),
    ]


def _med_spa(people: list[DemoPatient], visits: list) -> list[tuple[str, Rows]]:
    header = "client_id firstname lastname email homephone workphone cellphone phone birthdate column9 6635 562".split()
    rows = [
        [p.number, p.first, p.last, p.email, "", "", p.phone, "", _us(p.birth), "", "0", ""]
        for p in people
        if not p.dead
    ]
    if rows:
        rows[-1][6] = "see note"
    dated = [
        [p.number, _us(day), what, "Y" if p.opted_out else "N", "Y", "Y", "", "", "0.00"]
        for p, day, what in visits
        if not p.dead
    ]
    columns = "client_id appt_date appt_servic dnd sms_remind email_conf promo campaign balance".split()
    return [("clients", [header, *rows]), ("visits", [columns, *dated])]


STYLES = {"open-dental": _open_dental, "fresha": _fresha, "mindbody": _mindbody, "med-spa": _med_spa}
