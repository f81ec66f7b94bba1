"""What the cells say that decide whether somebody may be contacted, and lives.

The direction of the column and that of the word are read together: "Opted Out" refuses in a column "SMS Opt Out" as
well as in "SMS Opt In", while "No" refuses only in the second. What is understood neither way raises Unclear, and its
row is kept aside: nothing here is ever taken for a yes because nobody knew better.
"""

import re
from functools import lru_cache

from ops.imports.reading.fields import Field, plain
from ops.imports.reading.records import Unclear

REFUSALS = {
    Field.DO_NOT_CONTACT: "all",
    Field.DO_NOT_CALL: "call",
    Field.DO_NOT_TEXT: "sms",
    Field.DO_NOT_EMAIL: "email",
}
PERMISSIONS = {Field.CONTACT_OK: "all", Field.TEXT_OK: "sms", Field.EMAIL_OK: "email", Field.CALL_OK: "call"}
FLAGS = (*REFUSALS, *PERMISSIONS, Field.PREFERRED_CONTACT)
"""Columns that say by which channels somebody may be contacted; a file may have several of each."""

_YES = {"yes", "y", "true", "t", "1", "x", "on", "si", "sí", "checked", "✓", "✔", "☑", "☒"}
NO = {"no", "n", "false", "f", "0", "off", "", "null", "none", "unchecked", "-", "–", "—", "☐"}
_UNKNOWN = {"", "?", "unknown", "null", "n/a", "not asked", "not set", "-", "–", "—"}
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ t].*)?", re.I)
_DATED = re.compile(r"date|(on|at|time|since)$")
_NO_DATE = re.compile(r"0[01]*([-/.])0?[01]\1[01]*([ t][0:.]*)?", re.I)
_TOPIC = r"(contact|call|phone|text|sms|e ?mail|mail|message|disturb|send|solicit|market|communicat)\w*"
_SAYS_NO = re.compile(
    rf"\b((opt|opted|opting|opts) ?out|unsubscribed?|(do|does|did) ?not ?{_TOPIC}|don ?t ?{_TOPIC}|dn[cdt]"
    rf"|no ?(more ?)?(calls?|texts?|sms|e ?mails?|contact|messages?|marketing|communications?)"
    rf"|stop(ped)?|block(ed)?|blacklist(ed)?|suppress(ed)?|bounced|cleaned|complained"
    rf"|not (allowed|permitted|ok|okay|subscribed|opted ?in|consented|authorized))\b"
)
_DENIES = re.compile(r"\b(not|never|isn t|hasn t|wasn t)( yet)? (opt(ed)? ?out\b|un|block|suppress|dn)")
_SAYS_YES = re.compile(
    rf"(single |double |confirmed )?(opt|opted) ?in|(re)?subscribed|(ok|okay|may|can)( to| be)? {_TOPIC}"
    rf"|not (blocked|opted ?out|unsubscribed|suppressed|blacklisted)"
)
_REPLIES_NO = {
    "non-marketing contact",
    "never_subscribed",
    "never subscribed",
    "declined",
    "refused",
    "denied",
    "revoked",
    "withdrawn",
    "rejected",
    "never",
    "disabled",
    "inactive",
}
_REPLIES_NO |= {"disallowed", "2", *"rechazado rechazada negado negada revocado revocada denegado denegada".split()}
_REPLIES_YES = {
    "marketing contact",
    "accepted",
    "agreed",
    "granted",
    "approved",
    "consented",
    "consent given",
    "given",
    "allowed",
}
_REPLIES_YES |= {"permitted", "authorized", "ok", "okay", "enabled", "active"}
_REPLIES_YES |= {*"aceptado aceptada autorizado autorizada permitido permitida concedido otorgado".split()}
_CHANNEL_WORDS = {
    "call": re.compile(r"call|phone|voice"),
    "sms": re.compile(r"text|sms"),
    "email": re.compile(r"e ?mail"),
}
_ONLY = {
    "email": ("call", "sms"), "e mail": ("call", "sms"), "text": ("call", "email"), "texts": ("call", "email"),
    "sms": ("call", "email"), "phone": ("sms", "email"), "call": ("sms", "email"), "calls": ("sms", "email"),
    "mail": ("all",), "letter": ("all",), "post": ("all",),
}  # fmt: skip
_WAYS = re.compile(
    r"((e ?mail|mail|letter|post|(mobile|cell|home|work)? ?phone|calls?|mobile|cell|home|work|texts?|sms"
    r"|messages?|textmessages?|voice"
    r"|whatsapp|any|anything|either|all|both|no preference|hmphone|wkphone|wirelessph|wirelessphone|or|and|no)( |$))+"
)
_BY_NUMBER: dict[str, dict[str, bool | None]] = {"txtmsgok": {"0": None, "1": True, "2": False}}
_WAYS_BY_NUMBER = dict.fromkeys("0234578", ()) | {"1": ("call",)}
_NUMBERED_WAYS = {"preferconfirmmethod", "prefercontactmethod", "preferrecallmethod"}
"""Open Dental counts: 0 none, 1 do not call, 2 home, 3 work, 4 mobile, 5 email, 6 see notes, 7 mail, 8 text."""


def _words(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def _stated(text: str) -> bool | None:
    """What a word says by itself, in whatever column: True may, False refuses, None nothing. Raises Unclear."""
    words = _words(text)
    if _SAYS_YES.fullmatch(words):
        return True
    if _DENIES.search(words):
        raise _unclear(text)
    return False if _SAYS_NO.search(words) else None


def _unclear(text: str) -> Unclear:
    return Unclear(f"{text.strip()[:60]!r} is neither yes nor no")


@lru_cache(maxsize=1 << 10)
def read_yes(text: str) -> bool:
    """Whether a refusal is set. Raises Unclear for anything else: one that is not understood must not be lost."""
    word = text.strip().casefold()
    if word in NO:
        return False
    if word in _YES:
        return True
    may = _stated(text)
    if may is None:
        raise _unclear(text)
    return not may


@lru_cache(maxsize=1 << 10)
def read_permission(text: str) -> bool | None:
    """May we? None when the practice has not asked ("", "?", "unknown"). "2" is no where answers are numbered."""
    word = text.strip().casefold()
    if word in _UNKNOWN:
        return None
    if word in _REPLIES_YES or word in _YES:
        return True
    if word in _REPLIES_NO or (word in NO and word != "none"):
        return False
    may = _stated(text)
    if may is None:
        raise _unclear(text)
    return may


def refused_channels(field: Field, header: str, text: str) -> tuple[str, ...]:
    """The channels a cell under `header` forbids. Raises Unclear when it can be read neither way."""
    name = plain(header)
    if field is Field.PREFERRED_CONTACT:
        return _refused_ways(name, text)
    channel = channel_of(field)
    refused = _may(field, name, text) is False
    return (channel, *(other for other in _named(text) if channel not in ("all", other))) if refused else ()


def channel_of(field: Field) -> str:
    """Of which channel a column of REFUSALS or PERMISSIONS speaks."""
    return REFUSALS.get(field) or PERMISSIONS[field]


def says_yes(field: Field, header: str, text: str) -> bool:
    """Whether a cell of REFUSALS or PERMISSIONS says itself that they agreed. That nothing was refused ("Do not text:
    No", "not opted out") is no yes, nor is a preferred way. Raises Unclear."""
    return _may(field, plain(header), text) is True and not _words(text).startswith("not ")


def _may(field: Field, name: str, text: str) -> bool | None:
    """May we? None when the cell does not say."""
    if field in REFUSALS:
        return False if read_yes(_day_is_yes(text)) else _stated(text)
    known = _BY_NUMBER.get(name, {})
    return known[text.strip()] if text.strip() in known else read_permission(day_if_dated(name, text))


def day_if_dated(name: str, text: str) -> str:
    """A day in a column of days ("Unsubscribed at") is a yes, and a day that is none (0000-00-00) is empty."""
    return _day_is_yes(text) if _DATED.search(name) else text


def _day_is_yes(text: str) -> str:
    word = text.strip().casefold()
    return "" if _NO_DATE.fullmatch(word) else "yes" if _DATE.fullmatch(word) else text


def _named(text: str) -> tuple[str, ...]:
    """The channels that a refusal in words names."""
    words = _words(text)
    return tuple(channel for channel, pattern in _CHANNEL_WORDS.items() if pattern.search(words))


def _refused_ways(name: str, text: str) -> tuple[str, ...]:
    words = _words(text)
    if name in _NUMBERED_WAYS and words in _WAYS_BY_NUMBER:
        return _WAYS_BY_NUMBER[words]
    only = words.removesuffix(" only").removeprefix("only ")
    if only != words and only in _ONLY:
        return _ONLY[only]
    if _stated(text) is False:
        return _named(text) or ("all",)
    if not text.strip() or _WAYS.fullmatch(words) or (words == "none" and name.startswith("prefer")):
        return ()
    raise Unclear(f"{text.strip()[:60]!r} is no way of contact that is known")


_DEAD = re.compile(r"\b(deceased|dead|died|death|passed away|rip|fallecid[oa]|difunt[oa]|muert[oa])\b")
_LIVING = {"", "no", "n", "false", "f", "0", "alive", "living", "not deceased", "null", "none"}
_DENIED_DEATH = re.compile(r"\b(not|non|never|isn t|spouse|husband|wife|mother|father|parent)\b")
_GONE = re.compile(
    r"\b(deleted|removed|banned|dismissed|discharged|terminated|refused|declined|de baja|eliminad[oa]|vetad[oa])\b"
)
_STANDINGS = {
    *("", "patient", "active", "inactive", "nonpatient", "non patient", "prospective", "prospect", "lead", "new"),
    *("current", "existing", "client", "customer", "member", "vip", "regular", "established", "returning", "guest"),
    *("open", "enabled", "open deal", "in progress", "connected", "attempted to contact", "bad timing", "qualified"),
    *("unqualified", "lapsed", "dormant", "alive", "living", "active patient", "inactive patient", "new patient"),
    *"activo activa inactivo inactiva nuevo nueva paciente cliente prospecto frecuente regular vivo viva".split(),
}
_STANDING_BY_NUMBER = {"0": "patient", "1": "non patient", "2": "inactive", "4": "deleted", "5": "deceased"}
_STANDING_BY_NUMBER |= {"6": "prospective"}
"""Open Dental counts its statuses (3, archived, is asked about); elsewhere a number means nothing to us."""


@lru_cache(maxsize=1 << 10)
def read_deceased(text: str) -> bool:
    """Whether a cell says that somebody died: yes, a day, or the word. Raises Unclear."""
    words = _words(text)
    if words in _LIVING:
        return False
    if _DEAD.search(words) and not _DENIED_DEATH.search(words):
        return True
    return read_yes(text)


@lru_cache(maxsize=1 << 10)
def read_standing(name: str, text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a status (under the plain header `name`) says that somebody died, and the channels it forbids.

    Raises Unclear for a status that is not known.
    """
    words = _words(text)
    if name == "patstatus":
        words = _STANDING_BY_NUMBER.get(words, words)
    if _DEAD.search(words) and not _DENIED_DEATH.search(words):
        return True, ()
    if _GONE.search(words):
        return False, ("all",)
    if _stated(words) is False:
        return False, _named(words) or ("all",)
    if words in _STANDINGS:
        return False, ()
    raise Unclear(f"{text.strip()[:60]!r} is no status of a patient that is known")
