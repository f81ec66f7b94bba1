"""The columns that mean nothing to us: a cell may still say by itself that somebody refused, died or is a minor."""

from collections.abc import Collection, Sequence
from datetime import date

from ops.imports.reading.ages import says_minor, speaks_of_age
from ops.imports.reading.answers import LONGEST_TAGS, tells
from ops.imports.reading.fields import plain
from ops.imports.reading.recognising import BOTH, VISITS, Profile


class Unread:
    """All columns but those that are read, those of which a person said that they mean nothing, and the plain headers
    and places in `ours`. `today` is the practice's calendar day."""

    def __init__(self, headers: Sequence[str], profile: Profile, ours: Collection[str | int], today: date):
        settled = {*profile.columns, *profile.unused, *ours}
        self._headers = headers
        self._places = [
            place
            for place, header in enumerate(headers)
            if not profile.headerless and plain(header) not in settled and place not in settled
        ]
        self._ages = [(place, plain(headers[place])) for place in self._places if speaks_of_age(plain(headers[place]))]
        self._dated = profile.kind in (VISITS, BOTH)
        self._today = today

    def refuses_anywhere(self, cells: Sequence[str]) -> bool:
        """Whether any cell of a row that is not cut by its columns says so."""
        return any(len(cell) <= LONGEST_TAGS and tells(cell, self._dated) for cell in cells)

    def problem(self, cells: list[str]) -> str | None:
        """Why a row is kept aside for what stands in such a column."""
        for place in self._places:
            if cells[place] and len(cells[place]) <= LONGEST_TAGS and tells(cells[place], self._dated):
                return f"{self._headers[place]}: {cells[place].strip()!r} stands in a column that is not read"
        for place, name in self._ages:
            if cells[place] and says_minor(name, cells[place], self._today):
                return f"{self._headers[place]}: {cells[place].strip()[:60]!r} speaks of a minor"
        return None
