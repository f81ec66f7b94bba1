"""From one record to a patient, a milestone and opt-outs, or to the reasons why not.

The first look reads the cells in a straight line and is what almost every row costs. Only when a cell does not say
what its column promises does a second look go through all of them, to name everything that is wrong. Two such cells
mean that the row is shifted: its other cells may read well and still be somebody else's, so it is kept whole and
unread.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ops.imports.reading.answers import (
    FLAGS,
    OUTCOMES,
    names_no_treatment,
    read_deceased,
    read_standing,
    refused_channels,
    speaks_of_a_visit,
    took_place,
)
from ops.imports.reading.dates import Order, Stamp, birth_date, century_earlier, past_date, read_stamp
from ops.imports.reading.delimited import DAMAGED
from ops.imports.reading.fields import PHONES, Field, plain
from ops.imports.reading.keys import MAX_ID, made_up_id, visit_key
from ops.imports.reading.phones import read_phone
from ops.imports.reading.recognising import BOTH, VISITS, Profile
from ops.imports.reading.records import (
    BadRow,
    GoodRow,
    LeftOut,
    MilestoneRecord,
    OptOut,
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
    split_flags,
    split_name,
)
from ops.imports.reading.whom import reached, whom_in
from ops.practices.us import ELSEWHERE

SHIFTED = 2
"""So many cells that disagree with their columns mean a shifted row."""
FAR = timedelta(days=730)
"""An appointment further ahead than this is a wrong date."""
MAX_DIGITS = 18
"""Of the number of a quarantined row: a longer one is none of ours, and no column of the database holds it."""
SURPLUS = "surplus"
"""Heads the columns of our list of wrong rows that hold what a row had too much."""
_OURS = {"line", "reasons"}
"""Further columns of our list of wrong rows."""
_DISARMED = re.compile(r"'[=+\-@\t\r]")
_STANDINGS = (Field.STATUS, Field.DECEASED)
NO_VISIT = (None, None)
"""The row speaks of none: neither of a milestone, nor why it would be left out."""
_SOFT = (Field.STATE, Field.ZIP)
"""One such cell that cannot be read is taken for an address that may be anywhere, instead of losing the whole row."""


class Cleaner:
    """Reads the records of one table. `today` is the practice's calendar day, `zone` its time zone.

    Called with a Record it returns a GoodRow or a BadRow; it never raises for what is in the file.
    """

    def __init__(self, columns: Sequence[str], profile: Profile, zone: str, today: date, from_excel: bool = False):
        self._profile = profile
        self._today = today
        self._zone = ZoneInfo(zone)
        self._excel = from_excel
        self._headers = list(columns)
        self._places = _places(columns, profile)
        self._spare = [(at[0], at[1:]) for field, at in self._places.items() if len(at) > 1 and _single(field)]
        self._phones = [place for field in PHONES for place in self._places.get(field, ())]
        self._emails = self._places.get(Field.EMAIL, ())
        self._has_patient = profile.kind != VISITS
        flags = (*FLAGS, *_STANDINGS) if self._has_patient else (*FLAGS, *_STANDINGS, Field.DEATH_DATE)
        self._flags = self._all(*flags)
        self._outcomes = self._all(*OUTCOMES)
        self._has_milestone = profile.kind in (VISITS, BOTH)
        self._id, self._first, self._last, self._full = self._at(
            Field.EXTERNAL_ID, Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME
        )
        self._birth, self._death = self._at(Field.BIRTH_DATE, Field.DEATH_DATE)
        self._births = self._places.get(Field.BIRTH_DATE, ())[1:]
        self._email, self._state, self._zip, self._country, self._language = self._at(
            Field.EMAIL, Field.STATE, Field.ZIP, Field.COUNTRY, Field.LANGUAGE
        )
        self._visit_id, self._happened, self._treatment = self._at(Field.VISIT_ID, Field.HAPPENED, Field.TREATMENT)
        (self._corrects,) = self._at(Field.QUARANTINED_ROW)
        self._surplus = [place for place, header in enumerate(columns) if header.startswith(SURPLUS + " ")]
        self._unread = Unread(columns, profile, {*_OURS, *self._surplus}, today)
        self._local_day = lru_cache(maxsize=1 << 14)(self._day_in_zone)
        self._said = lru_cache(maxsize=1 << 12)(self._standing)
        self._held = lru_cache(maxsize=1 << 10)(self._took_place)

    def _at(self, *fields: Field) -> list[int]:
        return [self._places.get(field, (-1,))[0] for field in fields]

    def _all(self, *fields: Field) -> list[tuple[int, Field]]:
        return [(place, field) for field in fields for place in self._places.get(field, ())]

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
            return BadRow(line, stated, (aside,), self._whose(cells))
        dead, refused = self._flags_in_names(cells)
        try:
            row: GoodRow | BadRow = self._first_look(line, cells, stated)
        except Exception as error:  # whatever a cell makes us raise costs its own row, never the load
            row = self._second_look(record, cells, reason_of(error))
        if isinstance(row, BadRow):
            if not (dead or refused or self._may_refuse(cells)):
                return row
            whose = self._whose(cells)
            shifted = len(row.reasons) > SHIFTED
            return row._replace(about=whom_in(stated, whose.number) if shifted else whose)
        return _flagged(row, dead, refused) if dead or refused else row

    def _whose(self, cells: list[str]) -> Whom:
        number = cells[self._id].strip()
        found = reached([cells[place] for place in self._phones], [cells[place] for place in self._emails])
        if number and len(number) <= MAX_ID and DAMAGED not in number and not SHEET_ERROR.fullmatch(number):
            return Whom(number, found)
        name, born = self._called(cells)
        return Whom("", found or whom_in(cells).reached, name, born)

    def _whose_at_all(self, stated: list[str]) -> Whom | None:
        """Whom a row is about that cannot be taken apart: any of its cells may be the one that says a no."""
        if len(stated) == len(self._headers):
            cells = [*stated, ""]
            told = self._unread.problem(cells) or any(self._flags_in_names(cells)) or self._may_refuse(cells)
            return self._whose(cells) if told else None
        if not self._flags and not self._unread.refuses_anywhere(stated):
            return None
        return whom_in(stated, stated[self._id].strip()[:MAX_ID] if 0 <= self._id < len(stated) > 1 else "")

    def _called(self, cells: list[str]) -> tuple[str, date | None]:
        """Name and birth date as far as they can be read."""
        first, last = (" ".join(split_flags(cells[place])[0].split()) for place in (self._first, self._last))
        born = None
        with suppress(Unclear):
            if not first and not last:
                first, last = split_name(split_flags(cells[self._full])[0])
        with suppress(Unclear):
            days = {self._born(cells[place]) for place in (self._birth, *self._births)}
            born = days.pop() if len(days) == 1 else None
        return f"{first}{last}"[:MAX_ID], born

    def _may_refuse(self, cells: list[str]) -> bool:
        """Whether a row that is put aside says no to something, or what nobody can tell from it."""
        try:
            dead, refused = self._standing(tuple([cells[place] for place, _ in self._flags]))
        except Exception:
            return True
        return dead or bool(refused)

    def _flags_in_names(self, cells: list[str]) -> tuple[bool, tuple[OptOut, ...]]:
        """Take "DO NOT TEXT" and the like out of the names: whether somebody died, and what they refused."""
        dead, refused = False, []
        for place in (self._first, self._last, self._full):
            name, died, channels = split_flags(cells[place])
            if died or channels:
                cells[place] = name
                dead = dead or died
                refused += [OptOut(channel, self._headers[place]) for channel in channels]
        return dead, tuple(refused)

    def _first_look(self, line: int, cells: list[str], stated: list[str]) -> GoodRow:
        dead, opt_outs = self._said(tuple([cells[place] for place, _ in self._flags])) if self._flags else (False, ())
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
        milestone, left_out = self._milestone(line, cells, external_id, patient) if self._has_milestone else NO_VISIT
        corrects = cells[self._corrects].strip()
        number = int(corrects) if corrects.isdecimal() and len(corrects) <= MAX_DIGITS else 0
        return GoodRow(line, external_id, patient, milestone, opt_outs, identity, stated, number, left_out)

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

    def _standing(self, texts: tuple[str, ...]) -> tuple[bool, tuple[OptOut, ...]]:
        """Whether somebody died, and what they refused, by all columns that speak of it.

        A visit has no patient of its own to be marked as dead: nobody contacts that number any more.
        """
        dead, found = False, []
        for text, (place, field) in zip(texts, self._flags, strict=True):
            died, channels = self._says(place, field, text)
            dead = dead or died
            if died and not self._has_patient:
                channels = ("all",)
            found += [OptOut(channel, self._headers[place]) for channel in channels]
        return dead, tuple(found)

    def _says(self, place: int, field: Field, text: str) -> tuple[bool, tuple[str, ...]]:
        header = self._headers[place]
        match field:
            case Field.STATUS:
                return read_standing(plain(header), text)
            case Field.DECEASED:
                return read_deceased(text), ()
            case Field.DEATH_DATE:
                return past_date(text, self._today, "died", self._excel) is not None, ()
            case _:
                return False, refused_channels(field, header, text)

    def _took_place(self, texts: tuple[str, ...]) -> bool | None:
        """Whether the visit was held, by all columns that speak of it: each of them can say no. None: none speaks."""
        said = [
            took_place(field, plain(self._headers[place]), text)
            for text, (place, field) in zip(texts, self._outcomes, strict=True)
        ]
        return False if False in said else True if True in said else None

    def _milestone(
        self, line: int, cells: list[str], external_id: str, patient: PatientRecord | None
    ) -> tuple[MilestoneRecord | None, LeftOut | None]:
        moment = self._local_day(cells[self._happened])
        if moment is None:
            if patient is None:
                raise Unclear("no date of the visit")
            return NO_VISIT
        day, when = moment
        held = self._held(tuple([cells[place] for place, _ in self._outcomes])) if self._outcomes else None
        aside = left_out(day, held, self._today)
        if not aside and patient and patient.birth_date and day < patient.birth_date:
            raise Unclear(f"treated ({day}) before being born ({patient.birth_date})")
        treatment = " ".join(cells[self._treatment].split())
        if not aside and names_no_treatment(treatment):
            aside = LeftOut.NOT_HELD
        kind = self._profile.milestone
        key = visit_key(cells[self._visit_id].strip(), kind, when, treatment)
        return MilestoneRecord(line, external_id, kind, day, treatment, key), aside

    def _day_in_zone(self, text: str) -> tuple[date, str] | None:
        stamp = read_stamp(text, self._excel, self._order(Field.HAPPENED))
        return stamp and local_moment(stamp, self._zone, self._today)

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
                    if (place, field) in self._flags:
                        self._says(place, field, cells[place])
                    elif (place, field) in self._outcomes and self._has_milestone:
                        took_place(field, plain(self._headers[place]), cells[place])
                    elif read is not None:
                        read(cells[place])
                except Exception as problem:
                    found.append((field, place, reason_of(problem)))
        return found

    def _readers(self) -> dict[Field, Callable[[str], Any]]:
        readers: dict[Field, Callable[[str], Any]] = {Field.HAPPENED: self._local_day} if self._has_milestone else {}
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


def _flagged(row: GoodRow, dead: bool, refused: tuple[OptOut, ...]) -> GoodRow:
    """The row with what its names said."""
    patient = row.patient and row.patient._replace(deceased=row.patient.deceased or dead)
    return row._replace(patient=patient, opt_outs=(*row.opt_outs, *refused))


def _single(field: Field) -> bool:
    return field not in (*PHONES, *FLAGS, *_STANDINGS, *OUTCOMES)


def _places(columns: Sequence[str], profile: Profile) -> dict[Field, tuple[int, ...]]:
    places: dict[Field, tuple[int, ...]] = {}
    for place, header in enumerate(columns):
        field = profile.field_of(header)
        if field:
            places[field] = (*places.get(field, ()), place)
    return places


def local_moment(stamp: Stamp, zone: ZoneInfo, today: date) -> tuple[date, str]:
    """The calendar day in the practice's zone, and the moment as one text however it was written (to recognize it by).

    A two-digit year is the last one that is not far ahead. Raises Unclear for a day far ahead or before 1900.
    """
    day, clock = stamp.day, stamp.clock
    if clock is not None and stamp.offset:
        moment = datetime.combine(day, clock, stamp.offset).astimezone(zone)
        day, clock = moment.date(), moment.time()
    if not stamp.century and day > today + FAR:
        day = century_earlier(day)
    if day > today + FAR:
        raise Unclear(f"{day} is more than two years ahead")
    if day.year < 1900:
        raise Unclear(f"{day} is before 1900")
    if clock == time.min:  # how spreadsheets and databases write a day that has no time
        clock = None
    return day, f"{day} {clock or ''}"


def left_out(day: date, held: bool | None, today: date) -> LeftOut | None:
    """Why a visit of `day` is not stored; `held` is what its status says, None when it has none.

    Raises Unclear for one that is called completed but lies ahead.
    """
    if day > today:
        if held:
            raise Unclear(f"completed in the future ({day})")
        return LeftOut.FUTURE
    return LeftOut.NOT_HELD if held is False else None
