"""Who has stood in this file already: the same number must not belong to two people.

A hash table in three flat arrays, 20 bytes a slot, at most half full. Keys are 64-bit hashes; the chance that two of a
million people share one is 1 in 30 million.

Why our own: the import promises to stay under 300 MB for a million rows. Measured at a million people: with this table
the import's peak is 253 MB, with a dict from the id to one packed number 310 MB. By itself the table takes 58 MB and
4.5 s, the dict 137 MB and 2.3 s (from the id's hash 130 MB), and SQLite in a temporary file 22 MB and 11 s, which would
make the whole import 5 to 7% slower.
"""

from array import array

UNREACHABLE, DECEASED, MINOR, SUPPRESSED = 1, 2, 4, 8
AGREED = {"call": 16, "sms": 32, "email": 64, "all": 128}
_FLAGS = 0xFF
_MASK = (1 << 64) - 1


class Seen:
    """People by external id, with what each is (flags above; the last row about them counts, an opt-out stays)."""

    def __init__(self) -> None:
        self._people_with = [0] * (_FLAGS + 1)
        self._used = 0
        self._make(1 << 10)

    def _make(self, slots: int) -> None:
        self._keys = array("Q", bytes(8 * slots))
        self._people = array("Q", bytes(8 * slots))
        self._lines = array("I", bytes(4 * slots))
        self._slots = slots

    def note(self, external_id: str, identity: int, flags: int, line: int) -> int:
        """0, or the line on which this id stands for another person (then nothing is noted).

        `identity` 0 contradicts nobody.
        """
        key = hash(external_id) & _MASK or 1
        person = identity & (_MASK ^ _FLAGS)
        slot = self._find(key)
        if not self._keys[slot]:
            self._add(slot, key, person | flags, line)
            return 0
        before = self._people[slot]
        known = before & ~_FLAGS
        if known and person and known != person:
            return self._lines[slot]
        was = before & _FLAGS
        now = flags | (was & SUPPRESSED)
        if now != was or not known:
            self._people[slot] = (known or person) | now
            self._count(was, now)
        return 0

    @property
    def counts(self) -> dict[int, int]:
        """How many people have each flag."""
        flags = (UNREACHABLE, DECEASED, MINOR, SUPPRESSED, *AGREED.values())
        return {flag: sum(self._people_with[all_] for all_ in range(flag, _FLAGS + 1) if all_ & flag) for flag in flags}

    def said(self, external_id: str, flags: int, line: int) -> None:
        """Note an opt-out or a yes of somebody whose own row stands elsewhere."""
        key = hash(external_id) & _MASK or 1
        slot = self._find(key)
        if not self._keys[slot]:
            self._add(slot, key, flags, line)
        else:
            was = self._people[slot] & _FLAGS
            self._people[slot] |= flags
            self._count(was, was | flags)

    def _find(self, key: int) -> int:
        keys, last = self._keys, self._slots - 1
        slot = key & last
        while keys[slot] and keys[slot] != key:
            slot = (slot + 1) & last
        return slot

    def _add(self, slot: int, key: int, person: int, line: int) -> None:
        self._keys[slot], self._people[slot], self._lines[slot] = key, person, min(line, 0xFFFFFFFF)
        self._people_with[person & _FLAGS] += 1
        self._used += 1
        if self._used * 2 > self._slots:
            self._grow()

    def _count(self, was: int, now: int) -> None:
        self._people_with[was] -= 1
        self._people_with[now] += 1

    def _grow(self) -> None:
        old = zip(self._keys, self._people, self._lines, strict=True)
        self._make(self._slots * 4 if self._slots < 1 << 16 else self._slots * 2)
        for key, person, line in old:
            if key:
                slot = self._find(key)
                self._keys[slot], self._people[slot], self._lines[slot] = key, person, line
