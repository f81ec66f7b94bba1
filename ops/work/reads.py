"""What of a patient somebody looked at: a closed set, each with what it is about. Pure."""

from enum import StrEnum


class ReadOf(StrEnum):
    SEARCH = "search"
    """Found by looking for a name, number or address."""
    PATIENT_PAGE = "patient_page"
    MESSAGES = "messages"
    CARD = "card"
    """Of a task, as are the next three."""
    NUMBER = "number"
    ADDRESS = "address"
    STORY = "story"
    CONCERN = "concern"
    FINISHED_CARD = "finished_card"
    """Of an attempt."""
    FRIEND = "friend"
    """Of a referral."""
    REPORT = "report"
    """Of a month."""
    LISTED = "listed"
    """A line about them in a list: a name, a few words. Nobody has looked at them because of it."""
    UPLOAD = "upload"
    """The first rows of an import's files, before it is loaded."""
    WRONG_ROW = "wrong_row"
    """A quarantined row."""
    WRONG_ROWS = "wrong_rows"
    """Every quarantined row of a file, as a list to take away."""


WITH_SUBJECT = (
    ReadOf.CARD,
    ReadOf.NUMBER,
    ReadOf.ADDRESS,
    ReadOf.STORY,
    ReadOf.CONCERN,
    ReadOf.FINISHED_CARD,
    ReadOf.FRIEND,
    ReadOf.UPLOAD,
    ReadOf.WRONG_ROW,
    ReadOf.WRONG_ROWS,
)
"""Those that are about one task, concern, attempt, referral, import, quarantined row or file."""
OF_FILES = (ReadOf.UPLOAD, ReadOf.WRONG_ROW, ReadOf.WRONG_ROWS)
"""What stands in a practice's files and belongs to no patient we know."""
