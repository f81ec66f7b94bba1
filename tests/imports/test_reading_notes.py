"""A note that refuses, tells of a death or a wrong number, however long; a guardian's name; a fee for not coming."""

from datetime import date

import pytest

from ops.imports.reading.answers import read_standing
from ops.imports.reading.attendance import took_place
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.notes import tells
from ops.imports.reading.permission_headers import of_a_visit
from ops.imports.reading.recognising import recognise
from ops.imports.reading.records import Unclear
from ops.imports.reading.unread import Unread

LONG = (
    "Prefers Dr. Kim, sensitive to lidocaine; last seen for a touch up of the forehead. {} Parks behind the building."
)
REFUSALS = [
    "Asked us on 3/4 not to call her anymore.",
    "Do not text before noon or at all",
    "She does not want to be contacted about promotions.",
    "Client wants no more emails from us",
    "Pt called to opt out of all messages",
    "please take her off our mailing list",
    "Removed from call list per request 2/11",
    "STOP CALLING - she was upset",
    "Requested we cease all communication via her attorney",
    "Her daughter called: patient passed away in March",
    "Pt is deceased.",
    "Wrong number, a Mr. Bell answered",
    "Doesn't want any calls at work or home",
    "Never contact this patient again",
    "No quiere que la llamen más",
    "Pidió que dejen de escribirle",
    "Solicitó darse de baja de los mensajes",
    "Falleció en 2024 según su hija",
]
INNOCENT = [
    "Call her when the new laser is here.",
    "Do not use latex gloves",
    "Her husband died in May, be gentle",
    "Does not like ice; never smoked",
    "Not a candidate for filler this year.",
    "Texted the aftercare sheet, she said thanks",
    "Do not book with Sam",
    "No contact sports for two weeks",
    "Email bounced once, corrected at the desk",
    "Stop retinol five days before",
    "Su madre falleció, enviar flores",
    "Prefers to be called Kit",
]


@pytest.mark.parametrize("note", REFUSALS)
def test_a_refusal_is_found_in_a_note_short_or_long(note):
    assert tells(note, False) and tells(LONG.format(note), False)


@pytest.mark.parametrize("note", INNOCENT)
def test_an_innocent_note_is_none(note):
    assert not tells(note, False) and not tells(LONG.format(note), False)


def aside(header: str, cell: str, born: str = "") -> bool:
    headers = ["Patient ID", "First Name", "DOB", header]
    unread = Unread(headers, recognise(headers), set(), date(2026, 6, 15))
    return unread.problem(["1", "Ada", born, cell, ""]) is not None


@pytest.mark.parametrize(
    "header", ["Parent/Guardian Name", "Guardian", "Mother's Name", "Legal Guardian", "Tutor legal"]
)
def test_somebody_with_a_guardian_and_no_birth_date_may_be_a_minor(header):
    assert aside(header, "Mary Lane")
    assert not aside(header, "Mary Lane", "1985-03-12") and not aside(header, "N/A") and not aside(header, "self")


@pytest.mark.parametrize("header", ["Mother's Maiden Name", "Emergency Contact Name", "Father's Occupation"])
def test_other_people_in_a_row_say_nothing_of_its_age(header):
    assert not aside(header, "Mary Lane")


@pytest.mark.parametrize(
    ("header", "cell", "held"),
    [("No Show Fee Charged", "Yes", False), ("No-Show Fee", "$50.00", False), ("Late Cancel Fee", "25", False),
     ("No Show Fee", "0.00", None), ("No Show Fee Charged", "", None), ("Cancellation Fee Waived", "yes", False)],
)  # fmt: skip
def test_whoever_is_charged_for_not_coming_did_not_come(header, cell, held):
    assert of_a_visit(plain(header)) is Field.VISIT_CANCELLED
    assert took_place(Field.VISIT_CANCELLED, plain(header), cell) is held


@pytest.mark.parametrize("header", ["Cancellation Policy", "Total No Shows", "No Show Rate"])
def test_what_counts_missed_visits_says_nothing_of_this_one(header):
    assert of_a_visit(plain(header)) is None


@pytest.mark.parametrize(
    ("word", "held"),
    [("Completada", True), ("Realizado", True), ("Atendida", True), ("Asistió", True), ("Finalizada", True),
     ("Cancelada", False), ("No asistió", False), ("Reprogramada", False), ("Anulada", False), ("Pendiente", False),
     ("Confirmada", False), ("Agendada", False), ("No realizada", False), ("No se presentó", False), ("Ausente", False),
     ("En espera", False), ("Cita cancelada por el paciente", False)],
)  # fmt: skip
def test_a_status_of_a_visit_is_understood_in_spanish(word, held):
    assert took_place(Field.VISIT_STATUS, "appointmentstatus", word) is held


def test_other_spanish_words_are_not_guessed():
    for word in ("Desconocida", "Revisada", "Nueva"):
        with pytest.raises(Unclear):
            took_place(Field.VISIT_STATUS, "status", word)
    assert read_standing("patientstatus", "Activa") == (False, ())
    assert read_standing("patientstatus", "Fallecido") == (True, ())
    assert read_standing("patientstatus", "Dado de baja") == (False, ("all",))


def test_the_reason_shows_the_beginning_of_a_long_note():
    headers = ["Patient ID", "First Name", "Notes"]
    unread = Unread(headers, recognise(headers), set(), date(2026, 6, 15))
    reason = unread.problem(["1", "Ada", LONG.format(REFUSALS[0]), ""])
    assert reason.startswith("Notes: 'Prefers Dr. Kim") and len(reason) < 200
