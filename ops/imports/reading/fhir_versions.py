"""Which version of FHIR a resource is built by; only R4 is read."""

import re
from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]
_OF_FHIR = re.compile(r"https?://hl7\.org/fhir/(?:\d\.\d/)?StructureDefinition/")
"""Profiles whose version is FHIR's own; others, like US Core's 5.0.1, count their versions themselves."""


def other_version(resource: Resource) -> str | None:
    """What shows that a resource is not R4, in words; None when nothing does."""
    kind = resource.get("resourceType")
    profiles = (resource.get("meta") or {}).get("profile") or [] if isinstance(resource.get("meta"), dict) else []
    for profile in profiles if isinstance(profiles, list) else []:
        for mark, version in (("5.", "R5"), ("3.", "STU3"), ("1.", "DSTU2")):
            if _OF_FHIR.match(str(profile)) and (f"/fhir/{mark}0" in profile or f"|{mark}" in profile):
                return f"this is FHIR {version} (its profile is {profile})"
    stated = resource.get("fhirVersion")
    if isinstance(stated, str) and not stated.startswith("4."):
        return f"this is FHIR {stated}"
    return next((f"this is FHIR {version} ({sign})" for sign, version in _signs(kind, resource)), None)


def _signs(kind: Any, resource: Resource) -> Iterator[tuple[str, str]]:
    """Elements that only other versions have, by the element histories of the FHIR specification."""
    if kind == "Encounter":
        yield from (("actualPeriod", "R5") for _ in "x" if "actualPeriod" in resource)
        yield from (("class is a list", "R5") for _ in "x" if isinstance(resource.get("class"), list))
        yield from (("class is a word", "DSTU2") for _ in "x" if isinstance(resource.get("class"), str))
        yield from (("patient instead of subject", "DSTU2") for _ in "x" if "patient" in resource)
    elif kind == "Procedure":
        yield from ((name, "R5") for name in ("occurrenceDateTime", "occurrencePeriod") if name in resource)
        yield from ((name, "STU3 or older") for name in ("context", "notDone", "notPerformed") if name in resource)
    elif kind == "Patient":
        names = resource.get("name")
        names = [name for name in names if isinstance(name, dict)] if isinstance(names, list) else []
        yield from (("name.family is a list", "DSTU2") for name in names if isinstance(name.get("family"), list))
        yield from ((name, "STU3 or older") for name in ("animal", "careProvider") if name in resource)
