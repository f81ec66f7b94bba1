"""Who refused, and who died, by all that a row says of it: the columns that speak of it, and words in the names."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from ops.imports.reading.answers import FLAGS, read_deceased, read_standing, refused_channels
from ops.imports.reading.dates import past_date
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.records import GoodRow, OptOut
from ops.imports.reading.values import split_flags

STANDINGS = (Field.STATUS, Field.DECEASED)
Places = Mapping[Field, tuple[int, ...]]
"""Where the columns of each meaning stand."""


def columns_of(places: Places, *fields: Field) -> list[tuple[int, Field]]:
    """Every column of these meanings, in their order."""
    return [(place, field) for field in fields for place in places.get(field, ())]


class Flags:
    """The flags of one table. `has_patient`: its rows are patients; `today` is the practice's calendar day."""

    def __init__(
        self, headers: Sequence[str], places: Places, today: date, *, has_patient: bool, from_excel: bool = False
    ):
        self._headers = headers
        self._today = today
        self._has_patient = has_patient
        self._excel = from_excel
        also = () if has_patient else (Field.DEATH_DATE,)
        self.columns = columns_of(places, *FLAGS, *STANDINGS, *also)
        self._names = [at[0] for field in _NAMES if (at := places.get(field))]
        self._said = lru_cache(maxsize=1 << 12)(self._standing)

    def read(self, cells: Sequence[str]) -> tuple[bool, tuple[OptOut, ...]]:
        """Whether somebody died, and what they refused, by all columns that speak of it. Raises Unclear."""
        return self._said(tuple([cells[place] for place, _ in self.columns])) if self.columns else (False, ())

    def may_refuse(self, cells: Sequence[str]) -> bool:
        """Whether a row that is put aside says no to something, or what nobody can tell from it."""
        try:
            dead, refused = self.read(cells)
        except Exception:
            return True
        return dead or bool(refused)

    def taken_out_of_names(self, cells: list[str]) -> tuple[bool, tuple[OptOut, ...]]:
        """Take "DO NOT TEXT" and the like out of the names: whether somebody died, and what they refused."""
        dead, refused = False, []
        for place in self._names:
            name, died, channels = split_flags(cells[place])
            if died or channels:
                cells[place] = name
                dead = dead or died
                refused += [OptOut(channel, self._headers[place]) for channel in channels]
        return dead, tuple(refused)

    def says(self, place: int, field: Field, text: str) -> tuple[bool, tuple[str, ...]]:
        """Whether a cell says that somebody died, and the channels it forbids. Raises Unclear."""
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

    def _standing(self, texts: tuple[str, ...]) -> tuple[bool, tuple[OptOut, ...]]:
        """A visit has no patient of its own to be marked as dead: nobody contacts that number any more."""
        dead, found = False, []
        for text, (place, field) in zip(texts, self.columns, strict=True):
            died, channels = self.says(place, field, text)
            dead = dead or died
            if died and not self._has_patient:
                channels = ("all",)
            found += [OptOut(channel, self._headers[place]) for channel in channels]
        return dead, tuple(found)


_NAMES = (Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME)


def flagged(row: GoodRow, dead: bool, refused: tuple[OptOut, ...]) -> GoodRow:
    """The row with what its names said."""
    patient = row.patient and row.patient._replace(deceased=row.patient.deceased or dead)
    return row._replace(patient=patient, opt_outs=(*row.opt_outs, *refused))
