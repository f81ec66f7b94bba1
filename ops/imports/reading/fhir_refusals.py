"""Who refuses contact in a FHIR bundle. R4 has no element for it: servers write an extension, a Flag or a Consent.

Nothing of that is understood well enough to be kept as an opt-out: the patient's row is put aside for somebody to read.
"""

from collections.abc import Iterator
from typing import Any

from ops.imports.reading.answers import PERMISSIONS, REFUSALS, tells
from ops.imports.reading.fields import SYNONYMS, Field, plain
from ops.imports.reading.permission_headers import by_words

Resource = dict[str, Any]
_OVER = {"inactive", "rejected", "entered-in-error", "draft", "proposed"}


def refused_by(resource: Resource) -> str:
    """The reference to the patient whom a Flag or a Consent says no of; empty when it is none."""
    status = str(resource.get("status"))
    if resource.get("resourceType") == "Consent":
        denies = status == "rejected" or (status not in _OVER and _denies(resource))
        return _reference(resource.get("patient") or resource.get("subject")) if denies else ""
    if resource.get("resourceType") == "Flag" and status not in _OVER:
        refuses = any(tells(text, False) for text in _texts(resource.get("code")))
        return _reference(resource.get("subject")) if refuses else ""
    return ""


def refusing_extension(resource: Resource) -> str | None:
    """The last part of the address of an extension of the patient, or of a number, that says no."""
    points = resource.get("telecom") if isinstance(resource.get("telecom"), list) else []
    for owner in (resource, *(point for point in points or [] if isinstance(point, dict))):
        for extension in owner.get("extension") or []:
            name = str(extension.get("url") or "").rstrip("/").rpartition("/")[2]
            meaning = SYNONYMS.get(plain(name)) or by_words(plain(name))
            value = next((extension[key] for key in extension if key.startswith("value")), None)
            if _is_no(meaning, value):
                return name
    return None


def _is_no(meaning: Field | None, value: Any) -> bool:
    if meaning in PERMISSIONS:
        return value is False
    return (meaning in REFUSALS or meaning is Field.DECEASED) and value not in (False, None)


def _denies(resource: Resource) -> bool:
    provision = resource.get("provision")
    return isinstance(provision, dict) and provision.get("type") == "deny"


def _reference(subject: Any) -> str:
    return str(subject.get("reference") or "") if isinstance(subject, dict) else ""


def _texts(concept: Any) -> Iterator[str]:
    if isinstance(concept, dict):
        yield str(concept.get("text") or "")
        codings = concept.get("coding")
        for coding in codings if isinstance(codings, list) else []:
            if isinstance(coding, dict):  # a Flag that is not built as R4 says must not end the bundle
                yield str(coding.get("display") or coding.get("code") or "")
