"""Who refuses contact in a FHIR bundle. R4 has no element for it: servers write an extension, a Flag or a Consent.

Nothing of that is understood well enough to be kept as an opt-out: it is put aside for somebody to read, and until then
nobody contacts the patient. So is a Flag or a Consent of which nobody can tell whether it says a no.
"""

from collections.abc import Iterator
from typing import Any

from ops.imports.reading.answers import PERMISSIONS, REFUSALS
from ops.imports.reading.fields import SYNONYMS, Field, plain
from ops.imports.reading.flags import LONGEST_WORDS
from ops.imports.reading.notes import tells
from ops.imports.reading.permission_headers import by_words
from ops.imports.reading.records import Agreement

Resource = dict[str, Any]
WHY = "says that they refuse something, or what nobody understands of it"
_OVER = {"inactive", "entered-in-error", "draft", "proposed"}


def may_refuse(resource: Resource) -> bool:
    """Whether a Flag or a Consent says a no, or what nobody can tell."""
    kind, status = resource.get("resourceType"), resource.get("status")
    if kind not in ("Consent", "Flag") or (isinstance(status, str) and status in _OVER):
        return False
    if status != "active":
        return True
    if kind == "Consent":
        return not _permits(resource)
    texts = list(_texts(resource.get("code")))
    return not any(texts) or any(tells(text, False) for text in texts)


def reference_of(resource: Resource) -> str:
    """The reference to the patient whom a resource is about; empty when there is none."""
    return next(filter(None, (_reference(resource.get(name)) for name in ("patient", "subject"))), "")


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


def agreeing_extensions(resource: Resource) -> tuple[Agreement, ...]:
    """What extensions of the patient say of permissions: true is a yes, which is the word that is kept."""
    found = {}
    for extension in resource.get("extension") or []:
        name = str(extension.get("url") or "").rstrip("/").rpartition("/")[2]
        meaning = SYNONYMS.get(plain(name)) or by_words(plain(name))
        if meaning in PERMISSIONS:
            said = "true" if extension.get("valueBoolean") is True else ""
            found[name[:LONGEST_WORDS]] = Agreement(PERMISSIONS[meaning], name[:LONGEST_WORDS], said)
    return tuple(found.values())


def _is_no(meaning: Field | None, value: Any) -> bool:
    if meaning in PERMISSIONS:
        return value is False
    return (meaning in REFUSALS or meaning is Field.DECEASED) and value not in (False, None)


def _permits(resource: Resource) -> bool:
    """Whether a Consent permits, or says nothing: no denial in it, be it in an exception or in its rule."""
    provision = resource.get("provision")
    rules = [plain(text) for text in _texts(resource.get("policyRule"))]
    if any(rule.startswith("optout") for rule in rules) or not isinstance(provision, dict | None):
        return False
    return provision is None or (provision.get("type") in (None, "permit") and not provision.get("provision"))


def _reference(subject: Any) -> str:
    return str(subject.get("reference") or "") if isinstance(subject, dict) else ""


def _texts(concept: Any) -> Iterator[str]:
    if isinstance(concept, dict):
        yield str(concept.get("text") or "")
        codings = concept.get("coding")
        for coding in codings if isinstance(codings, list) else []:
            if isinstance(coding, dict):  # a Flag that is not built as R4 says must not end the bundle
                yield str(coding.get("display") or coding.get("code") or "")
