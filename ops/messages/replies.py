"""What a reply means for our right to write again (docs/rules.md A4). Pure.

A reply that is nothing but a stop word, or says so without a doubt (`refusals`), stops at once, by itself. Whatever
else they write, nobody contacts them until a person has read it; what contains such a word is marked as one that may
mean it. Measured on ordinary texts, 1.4% contain one of the words and none is exactly one.
"""

import re
import unicodedata
from enum import StrEnum

from ops.messages.refusals import is_refusal
from ops.messages.symptoms import symptoms

STOP = frozenset(
    {
        *("stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe"),
        *("remove", "remove me", "arret", "alto", "baja", "cancelar", "no mas", "parar"),
    }
)
COURTESY = re.compile(r"\b(please|pls|plz|thanks|thank you|por favor|gracias)\b")
MAYBE = re.compile(
    r"\b(stop\w*|quit|end|revoke|opt\s?out|opting out|cancel\w*|unsubscribe\w*|remove|alto|baja|no mas|parar|"
    r"(do not|dont|never|quit|no) (text|call|contact|message|write|e?mail|bother)\w*|leave me alone|take me off|"
    r"no more|not interested|lose my number|wrong (number|person)|numero equivocado|no me (llame|escrib|mand)\w*|"
    r"deje de|dejen de|spam|harass\w*|lawyer|attorney|sue|report you)\b"
)


CLAUSES = re.compile(r"[.,;:!?¡¿\n()]+| - |–|—")


class Meaning(StrEnum):
    STOP = "stop"
    MAYBE_STOP = "maybe_stop"
    OTHER = "other"


def meaning(body: str) -> Meaning:
    """What `body`, as the person wrote it, means. Case, accents, punctuation, quotes and courtesies do not matter."""
    own = _own(body)
    words = _words(own)
    clauses = [clause for each in CLAUSES.split(own) if (clause := _words(each))]
    if _bare(words) in STOP or is_refusal(clauses, unicodedata.normalize("NFC", own.casefold())):
        return Meaning.STOP
    return Meaning.MAYBE_STOP if MAYBE.search(words) else Meaning.OTHER


def symptoms_in(body: str) -> list[str]:
    """The words of `body`, as the person wrote it, that speak of a symptom."""
    return symptoms(_words(_own(body)))


def _own(body: str) -> str:
    """Without the message it answers, which email programs put below, and without the signature."""
    lines = []
    for line in body.splitlines():
        if re.match(r"\s*(-- ?$|_{5,}|-----|On .+ wrote:|El .+ escribi)", line):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line)
    return "\n".join(lines)


def _words(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(each for each in apart if not unicodedata.combining(each) and each not in "'’‘`")
    return " ".join(re.sub(r"[^\w]|_", " ", letters).split())


def _bare(words: str) -> str:
    return " ".join(COURTESY.sub(" ", words).split())
