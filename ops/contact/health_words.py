"""Whether words tell that somebody is a patient: a treatment, a date, a drug (docs/rules.md A7, A12). Pure.

Asked of a message before it may leave, and of a script before it may be published.
"""

import re
from collections.abc import Iterable

ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|(?<![\w.-])[\w.-]+\.(?:com|org|net|example)\S*", re.IGNORECASE)
DATE = re.compile(
    r"\b\d{1,2}[/.]\d{1,2}[/.](?:\d{2}){1,2}\b|\b\d{4}-\d\d-\d\d\b"
    r"|\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|(?-i:May)|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.? \d{1,2}(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)
DRUGS = (
    *("botox", "dysport", "xeomin", "jeuveau", "juvederm", "restylane", "sculptra", "kybella", "ozempic", "wegovy"),
    *("mounjaro", "zepbound", "semaglutide", "tirzepatide", "glp-1", "peptide", "peptides", "testosterone"),
    *("estradiol", "progesterone", "bpc-157", "sermorelin"),
)
"""Drugs carriers and the law single out; the practice's own treatments come with each check."""


def tells(text: str, private: Iterable[str], public: str = "") -> str | None:
    """What the text gives away, as a sentence, or None. `private`: names of treatments. `public`: the practice's own
    published words, in which such a word says nothing about a patient."""
    words = ADDRESS.sub(" ", text)
    if DATE.search(words):
        return "The message names a date. Texts and emails must not."
    for word in (*DRUGS, *private):
        if _holds(words, word) and not _holds(public, word):
            return f"The message names a treatment (“{word}”). Texts and emails must not."
    return None


def _holds(text: str, word: str) -> bool:
    return bool(word.strip()) and re.search(rf"(?<!\w){re.escape(word.strip())}(?!\w)", text, re.IGNORECASE) is not None
