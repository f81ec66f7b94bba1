"""What is kept of a resource of FHIR: the elements that are read, and nothing else."""

import json
from typing import Any

from ops.imports.reading.records import Unclear

Resource = dict[str, Any]
READ = {"resourceType", "id", "status", "name", "telecom", "birthDate", "deceasedDateTime", "deceasedBoolean"}
READ |= {
    "active",
    "link",
    "address",
    "communication",
    "subject",
    "period",
    "type",
    "code",
    "performedDateTime",
    "performedPeriod",
    "patient",
    "provision",
    "policyRule",
}
"""The elements we read; a wrong resource is quarantined with these alone, without its notes and its SSN."""
MAX_KEPT = 100_000
"""Characters of a wrong resource that are kept in quarantine."""


def kept_of(resource: Resource, stored: str = "") -> list[str]:
    """What we read of the resource, as one cell. Raises Unclear when `stored`, what we would store, is no text."""
    if "\0" in stored or any("\ud800" <= character <= "\udfff" for character in stored):
        raise Unclear("contains a character that is none (NUL or half a surrogate pair)")
    kept = READ if resource.get("id") else READ | {"identifier"}
    return [json.dumps({name: value for name, value in resource.items() if name in kept})[:MAX_KEPT]]
