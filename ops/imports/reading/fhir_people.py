"""One Patient of FHIR R4 as a person, with the names, numbers and address that hold today."""

import re
from contextlib import suppress
from datetime import date
from typing import Any

from ops.imports.reading.dates import birth_date, past_date
from ops.imports.reading.fhir_kept import Resource, kept_of
from ops.imports.reading.fhir_refusals import agreeing_extensions, refusing_extension
from ops.imports.reading.phones import read_phone
from ops.imports.reading.records import GoodRow, PatientRecord, Unclear, Whom
from ops.imports.reading.values import read_email, read_home, read_language, read_name, same_name, split_name
from ops.imports.reading.whom import reached

PHONE_ORDER = ("mobile", "", "home", "work", "temp")
_PERIOD = re.compile(r"\d{4}(?:-\d\d(?:-\d\d.*)?)?", re.S)


def patient_id(resource: Resource, full_url: str) -> str:
    """The number by which the practice's system knows the patient: the resource's id, or its first identifier."""
    identifiers = [one.get("value") for one in resource.get("identifier") or [] if isinstance(one, dict)]
    return str(resource.get("id") or next(filter(None, identifiers), None) or full_url.removeprefix("urn:uuid:"))


def told_of(resource: Resource, full_url: str) -> Whom:
    """Whom a Patient is about that cannot be read."""
    with suppress(AttributeError, TypeError):
        points = [point for point in resource.get("telecom") or [] if isinstance(point, dict)]
        texts = [str(point.get("value") or "") for point in points]
        return Whom(patient_id(resource, full_url), reached(texts, texts))
    return Whom(str(resource.get("id") or ""))


def _current(things: Any, today: date) -> list[Resource]:
    """Those (names, numbers, addresses) whose period, where they have one, has begun and has not ended on `today`."""
    return [thing for thing in things or [] if _holds(thing.get("period") or {}, today)]


def _holds(period: Resource, today: date) -> bool:
    day = today.isoformat()
    start, end = (str(period.get(edge) or day)[:10] for edge in ("start", "end"))
    if not (_PERIOD.fullmatch(start) and _PERIOD.fullmatch(end)):
        raise Unclear("a period that is no dates")
    return start <= day[: len(start)] and day[: len(end)] <= end


def read_patient(resource: Resource, number: int, external_id: str, today: date) -> GoodRow:
    """The person of a Patient entry. `today` is the practice's day. Raises Unclear."""
    if not external_id:
        raise Unclear("no id: nobody whom a visit could name")
    if resource.get("active") is False:
        raise Unclear("the record is marked as not active")
    if extension := refusing_extension(resource):
        raise Unclear(f"the extension {extension!r} says that they refuse contact or died")
    first, last = _name(resource, today)
    if not first and not last:
        raise Unclear("no name")
    born = birth_date(str(resource.get("birthDate") or ""), today)
    died = past_date(str(resource.get("deceasedDateTime") or ""), today, "died")
    if born and died and died < born:
        raise Unclear(f"died ({died}) before being born ({born})")
    dead = died is not None or resource.get("deceasedBoolean") is True
    phone, raw, email = _telecom(resource, today)
    state, zip_ = _address(resource, today)
    patient = PatientRecord(
        number, external_id, first, last, born, died, dead, phone, raw, email, state, zip_, _language(resource)
    )
    identity = hash(f"{same_name(last)}|{same_name(first)}|{born or ''}")
    kept = kept_of(resource, f"{external_id}{first}{last}{raw}{email}")
    return GoodRow(number, external_id, patient, None, (), identity, kept, agreed=agreeing_extensions(resource))


def _name(resource: Resource, today: date) -> tuple[str, str]:
    names = [
        name for name in _current(resource.get("name"), today) if name.get("use") not in ("old", "maiden", "anonymous")
    ]
    names.sort(
        key=lambda name: ("official", "usual").index(name.get("use")) if name.get("use") in ("official", "usual") else 2
    )
    for name in names:
        given = " ".join(filter(None, name.get("given") or []))  # null where one of several is masked
        first, last = read_name(given), read_name(name.get("family") or "")
        if first or last:
            return first, last
        if name.get("text"):
            return split_name(name["text"])
    return "", ""


def _telecom(resource: Resource, today: date) -> tuple[str | None, str | None, str | None]:
    """Phone in E.164, the phone as written, email: the first that can be used, mobile before home before work."""
    points = [
        point for point in _current(resource.get("telecom"), today) if point.get("use") != "old" and point.get("value")
    ]
    phones = [point for point in points if point.get("system") in ("phone", "sms")]
    phones.sort(key=lambda point: PHONE_ORDER.index(point.get("use", "")) if point.get("use", "") in PHONE_ORDER else 9)
    numbers = [(read_phone(str(point["value"])), str(point["value"])) for point in phones]
    phone, raw = next((pair for pair in numbers if pair[0]), numbers[0] if numbers else (None, None))
    emails = [read_email(str(point["value"])) for point in points if point.get("system") == "email"]
    return phone, raw, next(filter(None, emails), None)


def _address(resource: Resource, today: date) -> tuple[str | None, str | None]:
    homes = [home for home in _current(resource.get("address"), today) if home.get("use") not in ("old", "billing")]
    if not homes:
        return None, None
    return read_home(*(str(homes[0].get(what) or "") for what in ("state", "postalCode", "country")))


def _language(resource: Resource) -> str | None:
    spoken = sorted(resource.get("communication") or [], key=lambda one: not one.get("preferred"))
    for language in (one.get("language") or {} for one in spoken):
        codes = [coding.get("code") for coding in language.get("coding") or []]
        return read_language(next(filter(None, codes), None) or language.get("text") or "")
    return None
