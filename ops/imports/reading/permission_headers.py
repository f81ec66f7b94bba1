"""What a column says about permission, status or death, by its header; and which headers must be asked about.

Systems write these headers in endless ways ("Opted out of email: Marketing Information"), and the columns must not be
dropped. So a header is understood when every word in it is one we know, in either direction; one that merely contains
such a word, and one whose words contradict each other, is asked about: a person says what it means, or that it says
nothing about contacting anybody.
"""

import re
from enum import Enum, auto
from functools import lru_cache

from ops.imports.reading.fields import Field


class _Word(Enum):
    REFUSE = auto()
    NEGATE = auto()
    """Refuses whatever it stands before."""
    PERMIT = auto()
    MAY = auto()
    """Permits something that has to be named with it."""
    SMS = auto()
    EMAIL = auto()
    CALL = auto()
    CONTACT = auto()
    PURPOSE = auto()
    METHOD = auto()
    DEATH = auto()
    STATUS = auto()
    DATE = auto()
    FILLER = auto()


_VOCABULARY = {
    _Word.REFUSE: (
        "optout optouts optedout optsout optingout unsubscribe unsubscribed unsubscribes dnc dnd dnt dne blocked "
        "blocklist blocklisted blacklist blacklisted suppress suppressed suppression"
    ),
    _Word.NEGATE: (
        "donot doesnot dont doesnt no not never stop exclude excluded excludefrom refuse refused refuses decline "
        "declined declines revoke revoked withdraw withdrawn block"
    ),
    _Word.PERMIT: "optin optedin optsin subscribed subscribes subscriber",
    _Word.MAY: (
        "consent consents consented permission permissions permit permits permitted allow allows allowed receive "
        "receives accept accepts accepted ok okay agree agrees agreed authorize authorized want wants send enable "
        "enabled may can subscription subscribe"
    ),
    _Word.SMS: "sms text texts texting txt txts txtmsg textmsg",
    _Word.EMAIL: "email emails emailing newsletter newsletters mail mails mailing mailings",
    _Word.CALL: "call calls calling phone phones phonecall phonecalls telephone voice voicemail voicemails",
    _Word.CONTACT: "contact contacts contacted disturb communication communications communicate reach",
    _Word.PURPOSE: (
        "marketing promo promos promotion promotions promotional reminder reminders notification notifications "
        "message messages messaging msg msgs solicitation solicitations offers alert alerts transactional"
    ),
    _Word.METHOD: "prefer prefers preferred preference preferences method",
    _Word.DEATH: "deceased dead death died passedaway",
    _Word.STATUS: "status standing",
    _Word.DATE: "date on at time since",
    _Word.FILLER: (
        "to of from for all any the is has have been by via in client patient customer guest person information info "
        "list flag indicator yn me us we our be with and or clients patients you"
    ),
}
_WORDS = {word: kind for kind, words in _VOCABULARY.items() for word in words.split()}
_LONGEST = max(map(len, _WORDS))
_MAX_HEADER = 90
_CHANNELS = (_Word.SMS, _Word.EMAIL, _Word.CALL)
_CHANNEL_ALONE = {*_CHANNELS, _Word.PURPOSE, _Word.FILLER}
"""A header of such words alone ("SMS", "Marketing?") is a number, an address or a permission."""
_TOPICS = {*_CHANNELS, _Word.CONTACT, _Word.PURPOSE}
_REFUSED = {_Word.SMS: Field.DO_NOT_TEXT, _Word.EMAIL: Field.DO_NOT_EMAIL, _Word.CALL: Field.DO_NOT_CALL}
_ALLOWED = {_Word.SMS: Field.TEXT_OK, _Word.EMAIL: Field.EMAIL_OK, _Word.CALL: Field.CALL_OK}

_TOPIC = "(sms|text|txt|e?mail|call|contact|market|promo|messag|remind|notif|communic)"
_SUSPICIOUS = re.compile(
    r"opt(ed|s|ing)?(out|in(?!g|i|c))|opt$|unsub|subscribe|do(es)?not|dont|dnc|^dnd|dnd$|^dnt|dnt$|black?list|blocklist"
    r"|blocked|suppress(?!or)|consent|permission|permitted|contactable|deceas|death|died|^(is)?dead|passedaway|status"
    r"|tcpa|gdpr|hipaa|privacy|restrict|confidential|bounced|nollam|nocontact|fallecid|difunt|consentim"
    r"|litigat|legalhold|banned|discharged|dismissed|^(is)?(archived|deleted)$|revoked|stoplist|solicit"
    r"|no(calls?|texts?|sms|e?mails?|contact|marketing|reminders?)$"
    rf"|(receiv|accept|allow|authoriz|okto|mayw?e?|canw?e?|wants?to|agree){_TOPIC}"
    r"|(contact|comm|communication|marketing|reminder)s?(pref|method|setting)|prefer\w*(contact|comm|method|remind)(?!phone|number|name|email)"
)
_SPANISH = re.compile(
    r"autoriz|publicidad|fallec|muert[oae]|defuncion|finado|nomolest|noenviar|noescrib|nomensaj|nocorreo|^bajas?|baja$"
    r"|suscri|rechaz|revocad|bloquead|listanegra|privacidad|lopd|rgpd|^estado(?!civil|provincia|deresidencia)"
    r"|(acept|dese|quier|permit|recib)\w*(llamad|mensaj|sms|texto|correo|e?mail|promo|contact|comunic|notific|recorda)"
)
"""The same in Spanish; "Estado" is a state as well as a status, so it is asked about."""
_HARMLESS = re.compile(
    r"(marital|marriage|smok\w*|tobacco|alcohol|employ\w*|employer|work|job|pay\w*|paid|insur\w*|order|invoice|billing"
    r"|bill|claim|fulfil\w*|student|veteran|military|pregnan\w*|lab|form|loyalty|deposit|refund|tax|shipping|sync"
    r"|immigration|citizenship|residency|education|coverage|eligibility|balance|card)status(code|date|id)?"
)
"""Statuses that are of something else than the person, the visit or a permission."""

_VISIT = r"(?:is|was|has)?(?:appt|apt|appointment|visit|booking|session|service|treatment|procedure)?"
_OFF = r"(?:late|early)?(?:cancel|cancell?ed|cancell?ation|noshow(?:ed)?|didnot(?:show|arrive|attend|come)"
_OFF += r"|missed|void(?:ed)?)"
_OFF += r"(?:or(?:late)?(?:cancell?ed|noshow))?"
_TAIL = r"(?:appt|appointment|visit|booking|flag|yn|date|at|on|by|reason|time|type)*"
_VISIT_OFF = re.compile(
    rf"{_VISIT}{_OFF}(?:fees?(?:charged|amount|applied|waived|collected|paid|yn)*)?{_TAIL}"
    r"|(?:is|was)?(?:deleted|rescheduled|broken|(?:on)?wait(?:ing)?list(?:ed)?)(?:flag|yn)?"
)
_VISIT_DONE = re.compile(
    rf"{_VISIT}(?:complete|completed|attended|kept|showed|showedup|fulfilled|checkedout)(?:flag|yn)?"
)
_VISIT_STATUS = re.compile(
    r"(?:appt|apt|appointment|visit|booking|session|service|treatment|procedure|encounter|reservation|attendance|show)"
    r"s?(?:status|outcome|state|disposition)|attendance|outcome"
)
_ABOUT_A_VISIT = re.compile(
    r"cancel|noshow|resched|attendance|outcome|disposition|(^|is|was)void|checked(in|out)|^arrived|status"
    r"|asisti|asistencia|acudi|cancelad|anulad|reprogram|ausen(te|cia)|realizad"
)
_COUNTED = re.compile(r"(noshows|cancell?ations|visits?)$|count|total|rate|policy|numberof|percent")


@lru_cache(maxsize=1 << 10)
def by_words(name: str) -> Field | None:
    """What the plain header `name` says about permission or death when every word in it is known, else None."""
    harmless = len(name) > _MAX_HEADER or _HARMLESS.fullmatch(name)  # "invoice status" is not "in voice status"
    words = None if harmless else _split(name)
    if not words:
        return None
    kinds = {kind for _, kind in words}
    if _Word.DEATH in kinds:
        about_it = kinds <= {_Word.DEATH, _Word.DATE, _Word.FILLER, _Word.STATUS}
        return (Field.DEATH_DATE if _Word.DATE in kinds else Field.DECEASED) if about_it else None
    return _permission([kind for _, kind in words], kinds)


def _permission(order: list[_Word], kinds: set[_Word]) -> Field | None:
    negated = _negates(order)
    refusing = _Word.REFUSE in kinds or negated
    permitting = _Word.PERMIT in kinds or (_Word.MAY in kinds and bool(kinds & _TOPICS))
    channels = [kind for kind in _CHANNELS if kind in kinds]
    if _Word.METHOD in kinds:
        asks_how = kinds & {_Word.CONTACT, _Word.PURPOSE} and not channels and not refusing
        return Field.PREFERRED_CONTACT if asks_how else None
    if refusing and permitting and not negated:
        return None
    if refusing:
        return _REFUSED[channels[0]] if len(channels) == 1 else Field.DO_NOT_CONTACT
    named = channels and kinds & {_Word.PURPOSE, _Word.STATUS} and not kinds & {_Word.DATE, _Word.NEGATE}
    if permitting or named or (_Word.PURPOSE in kinds and _Word.STATUS in kinds):
        return _ALLOWED[channels[0]] if len(channels) == 1 else Field.CONTACT_OK
    return None


def _negates(order: list[_Word]) -> bool:
    """Whether a "no" stands before what it denies: in "Phone No" it is short for number."""
    denied = _TOPICS | {_Word.MAY, _Word.PERMIT}
    after = [kind for at, kind in enumerate(order) if kind is _Word.NEGATE for kind in order[at + 1 :]]
    return bool(set(after) & denied)


def _split(name: str) -> list[tuple[str, _Word]] | None:
    """The header as words we know, longest first; None when something is left over."""
    if not name:
        return []
    for length in range(min(_LONGEST, len(name)), 0, -1):
        kind = _WORDS.get(name[:length])
        if kind is not None:
            rest = _split(name[length:])
            if rest is not None:
                return [(name[:length], kind), *rest]
    return None


def of_a_visit(name: str) -> Field | None:
    """What the plain header `name` says about whether a visit took place, in a table of dated rows."""
    if _COUNTED.search(name):
        return None
    for pattern, field in (
        (_VISIT_STATUS, Field.VISIT_STATUS),
        (_VISIT_OFF, Field.VISIT_CANCELLED),
        (_VISIT_DONE, Field.VISIT_DONE),
    ):
        if pattern.fullmatch(name):
            return field
    return None


def must_be_asked(name: str, dated: bool) -> bool:
    """Whether an unused column called `name` may hold a refusal, a permission, a status or a death, or (in a table of
    `dated` rows) what became of a visit."""
    if _HARMLESS.fullmatch(name):
        return False
    kinds = {kind for _, kind in (_split(name) or ())} if len(name) <= _MAX_HEADER else set()
    if kinds <= _CHANNEL_ALONE and (kinds & {*_CHANNELS} or name == "marketing"):
        return True
    about_a_visit = dated and _ABOUT_A_VISIT.search(name) and not _COUNTED.search(name)
    return bool(_SUSPICIOUS.search(name) or _SPANISH.search(name) or about_a_visit)
