"""What a practice's details must look like. Pure; each check returns the tidied value or refuses with a sentence."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from ops import zones
from ops.errors import Refused
from ops.practices import us
from ops.practices.phones import e164

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EMAIL = re.compile(r"[^@\s<>\"(),;:\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def text(value: str, what: str, longest: int, needed: bool = False) -> str:
    """`value` on one or several lines, without space around it, at most `longest` characters."""
    tidy = value.replace("\r\n", "\n").strip()
    if _CONTROL.search(tidy):
        raise Refused(f"{what} contains a character that cannot be stored.")
    if len(tidy) > longest:
        raise Refused(f"{what} is longer than {longest} characters.")
    if needed and not tidy:
        raise Refused(f"{what} is missing.")
    return tidy


def slug(value: str) -> str:
    tidy = value.strip()
    if not _SLUG.fullmatch(tidy) or len(tidy) > 60:
        raise Refused(f"The short name {value!r} must be lower-case letters, digits and single hyphens, at most 60.")
    return tidy


def zone(value: str) -> str:
    tidy = value.strip()
    if tidy not in zones.places():
        raise Refused(f"{value!r} is no time zone; a name like America/Chicago is needed.")
    return tidy


def state(value: str) -> str:
    tidy = value.strip().upper()
    if tidy not in us.STATES:
        raise Refused(f"{value!r} is no US state; a two-letter code like TX is needed.")
    return tidy


def home_state(value: str) -> str:
    """Where a person gets their post: a state, an overseas post, or ELSEWHERE."""
    tidy = value.strip().upper()
    return tidy if tidy in us.OVERSEAS or tidy == us.ELSEWHERE else state(value)


def phone(value: str, what: str = "The phone number") -> str:
    """E.164, read as a US number unless it starts with + and a country code. Empty stays empty."""
    if not value.strip():
        return ""
    number = e164(value)
    if number is None:
        raise Refused(
            f"{what} {value.strip()[:30]!r} is no number that can be dialled: ten digits, or + and the country."
        )
    return number


def email(value: str, what: str = "The email address") -> str:
    tidy = value.strip()
    if tidy and (len(tidy) > 254 or not _EMAIL.fullmatch(tidy)):
        raise Refused(f"{what} {tidy[:80]!r} is no email address.")
    return tidy


def url(value: str, what: str = "The address") -> str:
    """An https address with a host and without a password in it. Empty stays empty."""
    tidy = value.strip()
    if not tidy:
        return ""
    try:
        parts = urlsplit(tidy)
    except ValueError:
        parts = urlsplit("")
    secure = parts.scheme == "https" and parts.hostname and "." in parts.hostname and not parts.username
    if not secure or len(tidy) > 500 or re.search(r"[\s<>\"]", tidy):
        raise Refused(f"{what} {tidy[:80]!r} must be a full address that begins with https://.")
    return tidy


def hours(value: Decimal | float | str) -> Decimal:
    """Contract hours per month: more than 0, at most 2,000, two decimals."""
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
        in_range = 0 < amount <= 2000
    except InvalidOperation:
        raise Refused(f"{value!r} is no number of hours.") from None
    if not in_range:
        raise Refused("The hours per month must be more than 0 and at most 2,000.")
    return amount


def day(value: date, what: str) -> date:
    if not 2000 <= value.year <= 2100:
        raise Refused(f"{what} must lie between the years 2000 and 2100.")
    return value


def language(value: str) -> str:
    tidy = value.strip()
    if not LANGUAGE.fullmatch(tidy):
        raise Refused(f"{value!r} is no language code; a code like en or es is needed.")
    return tidy
