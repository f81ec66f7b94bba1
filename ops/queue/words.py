"""The gate's reasons and the queue's own, in words."""

from collections.abc import Mapping

from ops.contact.words import REASON_WORDS as GATE_WORDS
from ops.work.kinds import Kind
from ops.work.reasons import REASON_WORDS as QUEUE_WORDS

REASON_WORDS: Mapping[str, str] = {**GATE_WORDS, **QUEUE_WORDS}


def reason_words(code: str) -> str:
    """One reason code in words; a code nobody wrote words for is shown as it is."""
    return REASON_WORDS.get(code, code.replace("_", " ").lower())


def reasons_words(codes: object) -> str:
    """A list of codes as one phrase; empty for none."""
    return ", ".join(dict.fromkeys(reason_words(str(code)) for code in codes)) if isinstance(codes, list) else ""


def promise_label(kind: Kind, tries: int) -> str:
    """What the promised moment of a task is that was tried so often."""
    if kind is Kind.REPLY and not tries:
        return "Read by"
    return "First call by" if kind is Kind.FRIEND_FOLLOW_UP and not tries else "Promised for"
