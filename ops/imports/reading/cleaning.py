"""From one record to a patient, a milestone and opt-outs, or to the reasons why not.

The first look reads the cells in a straight line and is what almost every row costs. Only when a cell does not say
what its column promises does a second look go through all of them, to name everything that is wrong. Two such cells
mean that the row is shifted: its other cells may read well and still be somebody else's, so it is kept whole and
unread.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ops.imports.reading.answers import FLAGS
from ops.imports.reading.attendance import OUTCOMES, speaks_of_a_visit, took_place
from ops.imports.reading.dates import Order, birth_date, past_date
from ops.imports.reading.fields import PHONES, Field, plain
from ops.imports.reading.flags import STANDINGS, Flags, flagged
from ops.imports.reading.keys import MAX_ID, made_up_id
from ops.imports.reading.phones import read_phone
from ops.imports.reading.recognising import BOTH, VISITS, Profile
from ops.imports.reading.records import (
    BadRow,
    GoodRow,
    PatientRecord,
    Record,
    Unclear,
    Whom,
    reason_of,
)
from ops.imports.reading.unread import Unread
from ops.imports.reading.values import (
    SHEET_ERROR,
    generation,
    read_email,
    read_home,
    read_language,
    read_name,
    read_state,
    read_zip,
    same_name,
    shares_our_code,
    split_name,
)
from ops.imports.reading.visits import NO_VISIT, Visits
from ops.imports.reading.whom import Whose
from ops.practices.us import ELSEWHERE

SHIFTED = 2
"""So many cells that disagree with their columns mean a shifted row."""
MAX_DIGITS = 18
"""Of the number of a quarantined row: a longer one is none of ours, and no column of the database holds it."""
SURPLUS = "surplus"
"""Heads the columns of our list of wrong rows that hold what a row had too much."""
_OURS = {"line", "reasons"}
"""Further columns of our list of wrong rows."""
_DISARMED = re.compile(r"'[=+\-@\t\r]")
_SOFT = (Field.STATE, Field.ZIP)
"""One such cell that cannot be read is taken for an address that may be anywhere, instead of losing the whole row."""


class Cleaner:
    """Reads the records of one table. `today` is the practice's calendar day, `zone` its time zone.

    Called with a Record it returns a GoodRow or a BadRow; it never raises for what is in the file.
    """

    def __init__(self, columns: Sequence[str], profile: Profile, zone: str, today: date, from_excel: bool = False):
        self._profile = profile
        self._today = today
        self._excel = from_excel
        self._headers = list(columns)
        self._places = _places(columns, profile)
        self._spare = [(at[0], at[1:]) for field, at in self._places.items() if len(at) > 1 and _single(field)]
        self._phones = [place for field in PHONES for place in self._places.get(field, ())]
        self._has_patient = profile.kind != VISITS
        self._flags = Flags(columns, self._places, today, has_patient=self._has_patient, from_excel=from_excel)
        self._has_milestone = profile.kind in (VISITS, BOTH)
        happened = self._order(Field.HAPPENED)
        self._visits = Visits(columns, self._places, profile.milestone, happened, ZoneInfo(zone), today, from_excel)
        self._id, self._first, self._last, self._full = self._at(
            Field.EXTERNAL_ID, Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME
        )
        self._birth, self._death = self._at(Field.BIRTH_DATE, Field.DEATH_DATE)
        self._births = self._places.get(Field.BIRTH_DATE, ())[1:]
        self._email, self._state, self._zip, self._country, self._language = self._at(
            Field.EMAIL, Field.STATE, Field.ZIP, Field.COUNTRY, Field.LANGUAGE
        )
        self._whose = Whose(self._places, self._born)
        (self._corrects,) = self._at(Field.QUARANTINED_ROW)
        self._surplus = [place for place, header in enumerate(columns) if header.startswith(SURPLUS + " ")]
        self._unread = Unread(columns, profile, {*_OURS, *self._surplus}, today)

    def _at(self, *fields: Field) -> list[int]:
        return [self._places.get(field, (-1,))[0] for field in fields]

    def __call__(self, record: Record) -> GoodRow | BadRow:
        line, stated, problem = record
        if problem:
            return BadRow(line, stated, (problem,), self._whose_at_all(stated))
        if self._corrects >= 0:  # our own list of wrong rows, come back: formulas were disarmed there
            stated = [cell[1:] if _DISARMED.match(cell) else cell for cell in stated]
            if any(stated[place].strip() for place in self._surplus):
                return BadRow(line, stated, (f"still holds more cells than the file has columns ({SURPLUS})",))
        cells = [*stated, ""]  # so that the place -1 of a column that is not there reads as empty
        for place, others in self._spare:
            if not cells[place]:
                cells[place] = next((cells[other] for other in others if cells[other]), "")
        if aside := self._unread.problem(cells):
            holds = self._unread.about_a_person(cells) or self._flags.may_refuse(cells)
            return BadRow(line, stated, (aside,), self._whose.by_columns(cells) if holds else None)
        dead, refused = self._flags.taken_out_of_names(cells)
        try:
            row: GoodRow | BadRow = self._first_look(line, cells, stated)
        except Exception as error:  # whatever a cell makes us raise costs its own row, never the load
            row = self._second_look(record, cells, reason_of(error))
        if isinstance(row, BadRow):
            if not (dead or refused or self._flags.may_refuse(cells)):
                return row
            shifted = len(row.reasons) > SHIFTED
            return row._replace(about=self._whose.by_all(stated) if shifted else self._whose.by_columns(cells))
        return flagged(row, dead, refused) if dead or refused else row

    def _whose_at_all(self, stated: list[str]) -> Whom | None:
        """Whom a row is about that cannot be taken apart: any of its cells may be the one that says a no."""
        if len(stated) != len(self._headers):
            may_refuse = bool(self._flags.columns) or self._unread.refuses_anywhere(stated)
            return self._whose.by_all(stated) if may_refuse else None
        cells = [*stated, ""]
        told = self._unread.about_a_person(cells) or any(self._flags.taken_out_of_names(cells))
        return self._whose.by_columns(cells) if told or self._flags.may_refuse(cells) else None

    def _first_look(self, line: int, cells: list[str], stated: list[str]) -> GoodRow:
        dead, opt_outs, agreed = self._flags.read(cells)
        external_id = cells[self._id].strip()
        if external_id[:1] == "#" and SHEET_ERROR.fullmatch(external_id):
            raise Unclear(f"{external_id!r} stands where the patient's number should")
        if len(external_id) > MAX_ID:
            raise Unclear(f"the patient's number is longer than {MAX_ID} characters")
        patient, identity = None, 0
        if self._has_patient:
            patient, identity = self._patient(line, cells, external_id, dead)
            external_id = patient.external_id
        elif not external_id:
            raise Unclear("no patient number: nobody to whom this visit belongs")
        milestone, left_out = NO_VISIT
        if self._has_milestone:
            milestone, left_out = self._visits.read(line, cells, external_id, patient)
        corrects = cells[self._corrects].strip()
        number = int(corrects) if corrects.isdecimal() and len(corrects) <= MAX_DIGITS else 0
        return GoodRow(line, external_id, patient, milestone, opt_outs, identity, stated, number, left_out, agreed)

    def _patient(self, line: int, cells: list[str], external_id: str, dead: bool) -> tuple[PatientRecord, int]:
        first, last = read_name(cells[self._first]), read_name(cells[self._last])
        if not first and not last:
            first, last = split_name(cells[self._full])
            if not first and not last:
                raise Unclear("no name")
        born, died = self._born(cells[self._birth]), self._died(cells[self._death])
        for other in self._births:
            if cells[other] and self._born(cells[other]) != born:
                raise Unclear("two columns with different birth dates")
        if died and born and died < born:
            raise Unclear(f"died ({died}) before being born ({born})")
        phone, raw = self._phone(cells)
        email = read_email(cells[self._email])
        state, zip_ = read_home(cells[self._state], cells[self._zip], cells[self._country])
        whole = cells[self._full]
        person = f"{same_name(last)}{generation(whole) if whole else ''}|{same_name(first)}|{born or ''}"
        identity = hash(person)
        if not external_id:
            external_id = made_up_id(person, born, phone or email or raw)
            identity = hash(phone or email) if phone or email else 0
        dead = dead or died is not None
        language = read_language(cells[self._language])
        return PatientRecord(
            line, external_id, first, last, born, died, dead, phone, raw, email, state, zip_, language
        ), identity  # fmt: skip

    def _born(self, text: str) -> date | None:
        return birth_date(text, self._today, self._excel, self._order(Field.BIRTH_DATE))

    def _died(self, text: str) -> date | None:
        return past_date(text, self._today, "died", self._excel, self._order(Field.DEATH_DATE))

    def _order(self, field: Field) -> Order:
        return self._profile.dates.get(field, Order.MONTH_FIRST)

    def _phone(self, cells: list[str]) -> tuple[str | None, str | None]:
        """The first number that can be dialled, and as it stood in the file (else the first number at all)."""
        chosen = raw = None
        ours = shares_our_code(cells[self._country])
        for place in self._phones:
            text = cells[place]
            if text:
                number = read_phone(text) if ours or text.strip().startswith("+") else None
                if number and not chosen:
                    chosen, raw = number, text
                elif not raw and any(character.isdigit() for character in text):
                    raw = text
        return chosen, raw.strip() if raw else None

    def _status_of_visit(self, text: str) -> bool:
        """A column "State" may hold what became of the visit."""
        return self._has_milestone and speaks_of_a_visit(text)

    def _second_look(self, record: Record, cells: list[str], first_reason: str) -> GoodRow | BadRow:
        wrong = [(field, place, reason) for field, place, reason in self._disagreements(cells)]
        if len(wrong) == 1 and wrong[0][0] in _SOFT and not self._status_of_visit(cells[wrong[0][1]]):
            cells[wrong[0][1]] = ELSEWHERE
            try:
                return self._first_look(record.line, cells, record.cells)
            except Exception as problem:
                return BadRow(record.line, record.cells, (reason_of(problem),))
        reasons = [f"{self._headers[place]}: {reason}" for _, place, reason in wrong] or [first_reason]
        if len(wrong) >= SHIFTED:
            reasons.append(f"{len(wrong)} cells do not hold what their columns promise: the row looks shifted")
        return BadRow(record.line, record.cells, tuple(reasons))

    def _disagreements(self, cells: list[str]) -> list[tuple[Field, int, str]]:
        found = []
        readers = self._readers()
        for field, places in self._places.items():
            read = readers.get(field)
            for place in places:
                try:
                    if (place, field) in self._flags.columns:
                        self._flags.says(place, field, cells[place])
                    elif (place, field) in self._visits.outcomes and self._has_milestone:
                        took_place(field, plain(self._headers[place]), cells[place])
                    elif read is not None:
                        read(cells[place])
                except Exception as problem:
                    found.append((field, place, reason_of(problem)))
        return found

    def _readers(self) -> dict[Field, Callable[[str], Any]]:
        readers: dict[Field, Callable[[str], Any]] = {}
        if self._has_milestone:
            readers[Field.HAPPENED] = self._visits.local_day
        if self._has_patient:
            readers |= {
                Field.FIRST_NAME: read_name,
                Field.LAST_NAME: read_name,
                Field.FULL_NAME: read_name,
                Field.BIRTH_DATE: self._born,
                Field.DEATH_DATE: self._died,
                Field.EMAIL: read_email,
                Field.STATE: read_state,
                Field.ZIP: lambda text: read_zip(text, None),
            }
            readers |= dict.fromkeys(PHONES, read_phone)
        return readers


def _single(field: Field) -> bool:
    return field not in (*PHONES, *FLAGS, *STANDINGS, *OUTCOMES)


def _places(columns: Sequence[str], profile: Profile) -> dict[Field, tuple[int, ...]]:
    places: dict[Field, tuple[int, ...]] = {}
    for place, header in enumerate(columns):
        field = profile.field_of(header)
        if field:
            places[field] = (*places.get(field, ()), place)
    return places
