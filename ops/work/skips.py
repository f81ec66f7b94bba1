"""Why an agent skips a card, and what that means from then on. Pure."""

import re
from enum import StrEnum


class Skip(StrEnum):
    """A reason. `words` name it, `says` what follows for good, as the agent reads it before they choose."""

    words: str
    says: str

    def __new__(cls, code: str, words: str, says: str) -> "Skip":
        member = str.__new__(cls, code)
        member._value_, member.words, member.says = code, words, says
        return member

    KNOWS = "knows", "I know them personally", "nothing about them ever comes to me again"
    NOT_MINE = "not_mine", "Somebody else should do it", "this task never comes to me again"
    LATER = "later", "Not a good moment", "nobody is offered it for half an hour, or for two minutes if it is urgent"

    @property
    def for_others(self) -> bool:
        """Whether somebody else is offered it at once."""
        return self is not Skip.LATER


KNOWS = re.compile(
    r"\b(know|knows|knew|met|related|relatives?|relation|friends?|neighbou?rs?|family|cousin|sister|brother|mother|mom|"
    r"father|dad|aunt|uncle|daughter|son|wife|husband|boyfriend|girlfriend|roommate|coworker|my own|myself)\b",
    re.IGNORECASE,
)


def meant(words: str) -> Skip:
    """What somebody means who only wrote it: rather too much than that a person they know comes to them again."""
    return Skip.KNOWS if KNOWS.search(words) else Skip.NOT_MINE
