"""Who may work what, and which hours are open, in the words a lead reads. Pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from ops.contact.rules import UNKNOWN
from ops.queue.models import WrapUp


class Lack(StrEnum):
    """What somebody would need for a task, and has not got."""

    PRACTICE = "practice"
    KIND = "kind"
    LANGUAGE = "language"


LANGUAGE_WORDS = {
    "am": "Amharic",
    "ar": "Arabic",
    "bn": "Bengali",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fr": "French",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "ht": "Haitian Creole",
    "hy": "Armenian",
    "it": "Italian",
    "ja": "Japanese",
    "km": "Khmer",
    "ko": "Korean",
    "ne": "Nepali",
    "nl": "Dutch",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "so": "Somali",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""The languages spoken most in the United States; others are shown by their code."""
LACK_WORDS = {Lack.PRACTICE: "this practice", Lack.KIND: "this kind of work", Lack.LANGUAGE: "this language"}
MOST_STATES = 6
WRAP_UP_WORDS = {
    WrapUp.OPEN: "As long as it takes",
    WrapUp.TIMED: "A number of seconds, then the card says they are over",
    WrapUp.NEXT: "No pause: the outcome brings the next card",
    WrapUp.ASK: "The desk asks before the next card",
}


def language_words(code: str) -> str:
    """ "Spanish" for es; a code without a word as it is."""
    return LANGUAGE_WORDS.get(code, code)


def base_language(code: str | None) -> str:
    """ "pt" of pt-BR: whoever speaks a language speaks to all who do; English where nothing is said."""
    return (code or "").strip().lower().replace("_", "-").partition("-")[0] or "en"


def listed(words: Iterable[str], joined: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    *before, last = list(words) or [""]
    return f"{', '.join(before)} {joined} {last}" if before else last


def lack_words(lacking: Iterable[str]) -> str:
    """ "this practice and this language": what somebody is not certified for; empty for nothing."""
    return listed(LACK_WORDS[Lack(one)] for one in lacking if one in set(Lack))


def group_words(window_group: str, places: Iterable[Sequence[str]]) -> str:
    """A name for the places that open and shut together: "Chicago time (IL, WI)". `places` are (state, zone, …) of the
    lanes of the group; others with the same hours belong to it too."""
    places = list(places)
    states = sorted({place[0] for place in places} - {UNKNOWN})
    if window_group == UNKNOWN or not states:
        return "Place not known"
    zones = list(dict.fromkeys(place[1].rpartition("/")[2].replace("_", " ") for place in places))
    shown = ", ".join(states[:MOST_STATES]) + (", …" if len(states) > MOST_STATES else "")
    return f"{listed(zones[:3])} time ({shown})"
