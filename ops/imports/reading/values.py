"""The other cells: names and addresses. Each returns the value, None when there is none, or raises Unclear."""

import re
import unicodedata
from functools import lru_cache

from ops.imports.reading.records import Unclear, halfwidth
from ops.practices.us import ELSEWHERE, OVERSEAS, STATES

_STATES = {key.casefold(): code for code, name in STATES.items() for key in (code, name)}
_ELSEWHERE = {"ab", "bc", "mb", "nb", "nl", "nt", "ns", "nu", "on", "pe", "qc", "sk", "yt", "alberta"}
_ELSEWHERE |= {"british columbia", "manitoba", "new brunswick", "nova scotia", "ontario", "quebec", "saskatchewan"}
_ELSEWHERE |= {"other", "foreign", "outside us", "international", ELSEWHERE}
_OVERSEAS = {code.casefold(): code for code in OVERSEAS}
_HERE = {"us", "usa", "united states", "united states of america", "america"}
_OUR_CODE = {"ca", "can", "canada"}
_ZERO_ZIPS = {None, "CT", "MA", "ME", "NH", "NJ", "NY", "PR", "RI", "VT", "VI"}
_ZIP = re.compile(r"(\d{3,5})(?:\.0+)?|(\d{5})[- ]?\d{4}")
"""A spreadsheet takes ZIPs for numbers: it eats zeros in front, and may put some behind a point."""
_FOREIGN_ZIP = re.compile(r"[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d|[A-Za-z]{1,2}\d[\dA-Za-z]? ?\d[A-Za-z]{2}")
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
SHEET_ERROR = re.compile(r"#(?:N/?A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|ERROR!|GETTING_DATA)", re.I)
"""What a spreadsheet shows where it could not compute: never a value."""
_NO_NAME = re.compile(
    SHEET_ERROR.pattern
    + r"|.*[@?\x0e\x0f\x1b].*|.*~\{.*|.*\+A[M-P][A-Za-z0-9/](?![A-Za-z0-9/]).*|"  # ISO-2022, HZ, UTF-7
    r"[\d\s()+./:-]{5,}|\d{4}-\d\d-\d\d.*|https?:.*",
    re.S,
)
_NO_EMAIL = {"no", "n", "false", "f", "0", "off", "", "opted out", "opt out", "null", "none"}
_NO_EMAIL |= {"n/a", "na", "-", "unknown", "declined"}
_LANGUAGES = {
    name: code
    for code, names in {
        "en": "english eng", "es": "spanish español espanol spa castilian", "zh": "chinese mandarin cantonese zho",
        "vi": "vietnamese", "tl": "tagalog filipino", "ko": "korean", "ru": "russian", "ar": "arabic", "fr": "french",
        "pt": "portuguese", "de": "german", "it": "italian", "ja": "japanese", "hi": "hindi", "pl": "polish",
        "ht": "haitian creole", "fa": "persian farsi", "he": "hebrew", "hy": "armenian", "uk": "ukrainian",
    }.items()
    for name in names.split()
}  # fmt: skip
MAX_NAME = 100
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_TITLES = frozenset("mr mrs ms miss mx dr prof rev".split())
_GENERATIONS = frozenset("jr sr ii iii iv".split())
_SUFFIXES = _GENERATIONS | frozenset("md phd dds dmd rn esq fnp dnp lpn cpa dvm bsn msn pa-c aprn".split())
_DEGREES = frozenset("do pa np ma mba ms bs ba jd od pharmd psyd rph cna lcsw mph faad facs v".split())
"""Behind a comma only: "Anh Do" and "Li Ma" are names."""
_PARTICLES = frozenset("de la las los del da das dos di du van von der den ter st san santa bin al el".split())


_FLAG = re.compile(
    r"[\s(*\[,;/-]{0,20}\b(?:(?P<dead>deceased|passed away|fallecid[oa]|difunt[oa])"
    r"|(?P<all>dnc|dnd|opt(?:ed)?[ -]?out|unsubscribed|blacklisted|no (?:llamar|contactar|molestar))"
    r"|(?:do[ -]not|don'?t|no)[ -]?(?P<what>contact|disturb|call|phone|text|sms|e-?mail)s?)\b[\s)*\].!;,]*",
    re.I,
)
_MARK = re.compile(r"†|✝|(?:[(\[*]|\s[-–/]\s)\s*(?:r\.?i\.?p|dead|died|muert[oa]|minor|child|menor|banned)\b", re.I)
"""What a front desk puts behind a name, and what may be a name where it stands alone (Rip, Minor): asked about."""
_FLAG_CHANNELS = {"call": "call", "phone": "call", "text": "sms", "sms": "sms", "email": "email"}


@lru_cache(maxsize=1 << 14)
def split_flags(name: str) -> tuple[str, bool, tuple[str, ...]]:
    """A name without what front desks write into it for want of a column, whether it says they died, and the channels
    it refuses."""
    found = list(_FLAG.finditer(name))
    if not found:
        return name, False, ()
    what = [(flag["what"] or "").lower().replace("-", "") for flag in found if not flag["dead"]]
    refused = tuple(dict.fromkeys(_FLAG_CHANNELS.get(word, "all") for word in what))
    return _FLAG.sub(" ", name).strip(), any(flag["dead"] for flag in found), refused


@lru_cache(maxsize=1 << 14)
def read_name(text: str) -> str:
    """A name with its spaces tidied; digits and accents stay.

    Raises Unclear for addresses, numbers and dates, and for a question mark, which stands where a letter was lost.
    """
    name = " ".join(text.split())
    if name.isalpha() and (name.isascii() or not _encoded_twice(name)):
        return name if len(name) <= MAX_NAME else _no_name(name)
    if name and (len(name) > MAX_NAME or _NO_NAME.fullmatch(name) or not any(c.isalpha() for c in name)):
        return _no_name(name)
    if _FLAG.search(name) or _MARK.search(name):
        raise Unclear(f"{name[:60]!r} holds a flag, not only a name")
    if name and not name.isascii() and _encoded_twice(name):
        raise Unclear(f"{text[:60]!r} looks like letters read in a wrong encoding")
    if not name.isprintable():
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in name):
            return _no_name(name)
        name = "".join(character for character in name if character.isprintable())  # zero-width spaces and the like
    return unicodedata.normalize("NFC", name)


def _encoded_twice(name: str) -> bool:
    """Whether it is UTF-8 that somebody took for Windows-1252: "JosÃ©". No name's own letters are."""
    for codec in ("cp1252", "latin-1"):
        try:
            return len(name.encode(codec).decode()) < len(name)
        except UnicodeError:
            continue
    return False


def _no_name(text: str) -> str:
    raise Unclear(f"{text[:60]!r} is not a name")


def split_name(text: str) -> tuple[str, str]:
    """First and last name of "Last, First" or "First Last"; a single word is a first name. Titles, suffixes, degrees
    and what stands in brackets are no part of either."""
    name = " ".join(_BRACKETS.sub(" ", read_name(text)).split())
    last, *others = [part.strip() for part in name.split(",") if part.strip()] or [""]
    if " " in last or len(others) > 1:
        others = [part for part in others if not all(map(_is_suffix, part.split()))]
    if others:
        return _bare(", ".join(others)), _bare(last)
    return _first_and_last(_bare(last).split())


def generation(text: str) -> str:
    """What tells a father from a son of one name ("jr", "iii"); empty where nothing does."""
    words = map(_plain_word, text.split())
    return next((word for word in words if word in _GENERATIONS), "")


def _is_suffix(word: str) -> bool:
    return _plain_word(word) in _SUFFIXES | _DEGREES


def _plain_word(word: str) -> str:
    return word.replace(".", "").rstrip(",").casefold()


def _bare(name: str) -> str:
    """Without titles before and suffixes behind, if anything is left."""
    words = name.split()
    while len(words) > 1 and _plain_word(words[0]) in _TITLES:
        del words[0]
    while len(words) > 1 and _plain_word(words[-1]) in _SUFFIXES:
        del words[-1]
    return " ".join(words).rstrip(",")


def _first_and_last(words: list[str]) -> tuple[str, str]:
    """ "Maria de la Cruz" has the last name "de la Cruz"."""
    at = len(words) - 1
    while at > 1 and words[at - 1].casefold() in _PARTICLES:
        at -= 1
    return (" ".join(words[:at]), " ".join(words[at:])) if at > 0 else ("".join(words), "")


@lru_cache(maxsize=1 << 12)
def read_email(text: str) -> str | None:
    """An address, its domain in lower case; the first of several. Raises Unclear for anything that is not one."""
    text = text.strip()
    if text.lower() in _NO_EMAIL:
        return None
    first = re.split(r"[;,]\s*", text.removeprefix("mailto:"))[0].strip()
    if len(first) > 254 or not _EMAIL.fullmatch(first):
        raise Unclear(f"{text[:60]!r} is not an email address")
    local, _, domain = first.rpartition("@")
    return f"{local}@{domain.lower()}"


@lru_cache(maxsize=1 << 12)
def read_state(text: str) -> str | None:
    """The two letters of a state, or of an overseas post; ELSEWHERE for one abroad; None when empty."""
    name = " ".join(text.replace(".", "").split()).casefold()
    if not name or name in ("n/a", "none"):
        return None
    if name in _ELSEWHERE:
        return ELSEWHERE
    code = _STATES.get(name.removeprefix("us-")) or _OVERSEAS.get(name)
    if code is None:
        raise Unclear(f"{text[:60]!r} is not a state")
    return code


@lru_cache(maxsize=1 << 14)
def read_zip(text: str, state: str | None) -> str | None:
    """Five digits, ELSEWHERE for one abroad. Three or four are filled up where the state has ZIPs that begin with 0."""
    text = halfwidth(text.strip())
    if not text:
        return None
    if text == ELSEWHERE or _FOREIGN_ZIP.fullmatch(text):
        return ELSEWHERE
    found = _ZIP.fullmatch(text)
    digits = found and (found[1] or found[2])
    if digits and not digits.strip("0"):
        return None
    if digits and len(digits) == 5:
        return digits if digits != "99999" else None
    if digits and state in _ZERO_ZIPS:
        return digits.zfill(5)
    raise Unclear(f"{text[:60]!r} is not a ZIP")


def read_home(state: str, zip_code: str, country: str = "") -> tuple[str | None, str | None]:
    """State and ZIP of an address. Raises Unclear for a cell that cannot be read."""
    if abroad(country):
        return ELSEWHERE, ELSEWHERE if zip_code.strip() else None
    code = read_state(state)
    return code, read_zip(zip_code, code)


def abroad(country: str) -> bool:
    """Whether a country is named that is not ours."""
    name = " ".join(country.replace(".", "").split()).casefold()
    return name not in _HERE and name not in ("", "n/a", "none", "null", "unknown")


def shares_our_code(country: str) -> bool:
    """Whether a number written there without its country's code may begin with +1."""
    name = " ".join(country.replace(".", "").split()).casefold()
    return not abroad(country) or name in _OUR_CODE


@lru_cache(maxsize=1 << 10)
def read_language(text: str) -> str | None:
    """A two-letter language code; None when none is given or it is not known."""
    word = text.strip().casefold().split("(")[0].strip()
    if word in _LANGUAGES:
        return _LANGUAGES[word]
    code = re.split(r"[-_]", word)[0]
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


@lru_cache(maxsize=1 << 14)
def same_name(text: str) -> str:
    """A name reduced to what two spellings of one person share: no accents, case, spaces or punctuation."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in folded if character.isalnum())
