"""The columns that mean nothing to us: a cell may still say by itself that somebody refused, died or is a minor."""

from collections.abc import Collection, Sequence
from datetime import date

from ops.imports.reading.ages import names_a_guardian, of_a_guardian, says_minor, speaks_of_age
from ops.imports.reading.fields import Field, plain
from ops.imports.reading.notes import tells
from ops.imports.reading.recognising import BOTH, VISITS, Profile

SHOWN = 120
"""Characters of a note that are shown as the reason."""


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
        self._guardians = [place for place in self._places if of_a_guardian(plain(headers[place]))]
        self._births = [place for place, header in enumerate(headers) if profile.field_of(header) is Field.BIRTH_DATE]
        self._dated = profile.kind in (VISITS, BOTH)
        self._today = today

    def refuses_anywhere(self, cells: Sequence[str]) -> bool:
        """Whether any cell of a row that is not cut by its columns says so."""
        return any(tells(cell, self._dated) for cell in cells)

    def problem(self, cells: list[str]) -> str | None:
        """Why a row is kept aside for what stands in such a column."""
        for place in self._places:
            if cells[place] and tells(cells[place], self._dated):
                return f"{self._headers[place]}: {_shown(cells[place])!r} stands in a column that is not read"
        return self._of_a_minor(cells)

    def about_a_person(self, cells: list[str]) -> bool:
        """Whether what keeps such a row aside is about the patient, and not only about a visit that was called off."""
        refuses = any(cells[place] and tells(cells[place], False) for place in self._places)
        return refuses or self._of_a_minor(cells) is not None

    def _of_a_minor(self, cells: list[str]) -> str | None:
        for place, name in self._ages:
            if cells[place] and says_minor(name, cells[place], self._today):
                return f"{self._headers[place]}: {cells[place].strip()[:60]!r} speaks of a minor"
        if self._guardians and not any(cells[place].strip() for place in self._births):
            for place in self._guardians:
                if names_a_guardian(cells[place]):
                    return f"{self._headers[place]}: somebody is named and there is no birth date: is this a minor?"
        return None


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
