"""The visit a row tells of: when it was, whether it took place, and why it is not stored when it did not."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ops.imports.reading.attendance import OUTCOMES, names_no_treatment, took_place
from ops.imports.reading.dates import Order, Stamp, century_earlier, read_stamp
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.flags import Places, columns_of
from ops.imports.reading.keys import visit_key, visit_of
from ops.imports.reading.records import LeftOut, MilestoneRecord, PatientRecord, Unclear

FAR = timedelta(days=730)
"""An appointment further ahead than this is a wrong date."""
NO_VISIT = (None, None)
"""The row speaks of none: neither of a milestone, nor why it would be left out."""


class Visits:
    """The visits of one table, as milestones of this `kind`. `zone` and `today` are the practice's."""

    def __init__(
        self,
        headers: Sequence[str],
        places: Places,
        kind: str,
        order: Order,
        zone: ZoneInfo,
        today: date,
        from_excel: bool,
    ):
        self._headers = headers
        self._kind = kind
        self._order = order
        self._zone = zone
        self._today = today
        self._excel = from_excel
        self._id, self._happened, self._treatment = [places.get(field, (-1,))[0] for field in _VISIT]
        self.outcomes = columns_of(places, *OUTCOMES)
        self.local_day = lru_cache(maxsize=1 << 14)(self._day_in_zone)
        self._held = lru_cache(maxsize=1 << 10)(self._took_place)

    def read(
        self, line: int, cells: Sequence[str], external_id: str, patient: PatientRecord | None
    ) -> tuple[MilestoneRecord | None, LeftOut | None]:
        """The milestone of a row, and why it is left out. Raises Unclear."""
        moment = self.local_day(cells[self._happened])
        if moment is None:
            if patient is None:
                raise Unclear("no date of the visit")
            return NO_VISIT
        day, when = moment
        held = self._held(tuple([cells[place] for place, _ in self.outcomes])) if self.outcomes else None
        aside = left_out(day, held, self._today)
        if not aside and patient and patient.birth_date and day < patient.birth_date:
            raise Unclear(f"treated ({day}) before being born ({patient.birth_date})")
        treatment = " ".join(cells[self._treatment].split())
        if not aside and names_no_treatment(treatment):
            aside = LeftOut.NOT_HELD
        visit_id = cells[self._id].strip()
        key, visit = visit_key(visit_id, self._kind, when, treatment), visit_of(visit_id, self._kind)
        return MilestoneRecord(line, external_id, self._kind, day, treatment, key, visit), aside

    def _day_in_zone(self, text: str) -> tuple[date, str] | None:
        stamp = read_stamp(text, self._excel, self._order)
        return stamp and local_moment(stamp, self._zone, self._today)

    def _took_place(self, texts: tuple[str, ...]) -> bool | None:
        """Whether the visit was held, by all columns that speak of it: each of them can say no. None: none speaks."""
        said = [
            took_place(field, plain(self._headers[place]), text)
            for text, (place, field) in zip(texts, self.outcomes, strict=True)
        ]
        return False if False in said else True if True in said else None


_VISIT = (Field.VISIT_ID, Field.HAPPENED, Field.TREATMENT)


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
