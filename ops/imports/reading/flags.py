"""Who refused, who agreed and who died, by all that a row says of it: the columns that speak of it, and words in the
names."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ops.imports.reading.answers import (
    FLAGS,
    PERMISSIONS,
    REFUSALS,
    channel_of,
    read_deceased,
    read_standing,
    refused_channels,
    says_yes,
)
from ops.imports.reading.dates import past_date
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.records import Agreement, GoodRow, OptOut
from ops.imports.reading.values import split_flags

STANDINGS = (Field.STATUS, Field.DECEASED)
LONGEST_WORDS = 200
"""Characters of a cell that are kept as somebody's yes, and of its header."""
Places = Mapping[Field, tuple[int, ...]]
"""Where the columns of each meaning stand."""


def columns_of(places: Places, *fields: Field) -> list[tuple[int, Field]]:
    """Every column of these meanings, in their order."""
    return [(place, field) for field in fields for place in places.get(field, ())]


class Said(NamedTuple):
    """Whether somebody died, what they refused, and what the columns say of permissions."""

    dead: bool
    refused: tuple[OptOut, ...]
    agreed: tuple[Agreement, ...]


NOTHING = Said(False, (), ())


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

    def read(self, cells: Sequence[str]) -> Said:
        """What all columns say that speak of it. Raises Unclear."""
        return self._said(tuple([cells[place] for place, _ in self.columns])) if self.columns else NOTHING

    def may_refuse(self, cells: Sequence[str]) -> bool:
        """Whether a row that is put aside says no to something, or what nobody can tell from it."""
        try:
            dead, refused, _ = self.read(cells)
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

    def _standing(self, texts: tuple[str, ...]) -> Said:
        """A visit has no patient of its own to be marked as dead: nobody contacts that number any more."""
        dead, found, agreed = False, [], []
        for text, (place, field) in zip(texts, self.columns, strict=True):
            died, channels = self.says(place, field, text)
            dead = dead or died
            if died and not self._has_patient:
                channels = ("all",)
            header = self._headers[place]
            found += [OptOut(channel, header) for channel in channels]
            if field in REFUSALS or field in PERMISSIONS:
                words = text.strip()[:LONGEST_WORDS] if says_yes(field, header, text) else ""
                agreed.append(Agreement(channel_of(field), header[:LONGEST_WORDS], words))
        return Said(dead, tuple(found), _not_refused(_once(agreed), found))


_NAMES = (Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME)


def flagged(row: GoodRow, dead: bool, refused: tuple[OptOut, ...]) -> GoodRow:
    """The row with what its names said."""
    patient = row.patient and row.patient._replace(deceased=row.patient.deceased or dead)
    agreed = _not_refused(row.agreed, refused)
    return row._replace(patient=patient, opt_outs=(*row.opt_outs, *refused), agreed=agreed)


def _once(agreed: Sequence[Agreement]) -> tuple[Agreement, ...]:
    """Each header once, though several columns have it: a yes in one of them is what it says."""
    found: dict[tuple[str, str], Agreement] = {}
    for one in agreed:
        if one.words or one[:2] not in found:
            found[one[:2]] = one
    return tuple(found.values())


def _not_refused(agreed: Sequence[Agreement], refused: Sequence[OptOut]) -> tuple[Agreement, ...]:
    """A row that says both yes and no of a channel says no."""
    channels = {one.channel for one in refused}
    if not channels:
        return tuple(agreed)
    return tuple(one._replace(words="") if channels & {one.channel, "all"} else one for one in agreed)
