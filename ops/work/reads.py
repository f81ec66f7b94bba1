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


WITH_SUBJECT = (
    ReadOf.CARD,
    ReadOf.NUMBER,
    ReadOf.ADDRESS,
    ReadOf.STORY,
    ReadOf.CONCERN,
    ReadOf.FINISHED_CARD,
    ReadOf.FRIEND,
)
"""Those that are about one task, concern, attempt or referral."""
