"""An admin sets what the agency is called, where it is and when it calls."""

import hashlib
from datetime import time

from ops.agency import images, queries
from ops.agency.models import AgencySettings
from ops.db import after_commit, db
from ops.errors import Refused
from ops.practices import checks

MIDDAY = (time(12), time(14))
"""Open in every state on every day on which it allows any contact."""
LONGEST_NAME = 120
LONGEST_ADDRESS = 300


def set_agency(
    *, name: str = "", number: str = "", postal_address: str = "", opens: time | None = None, closes: time | None = None
) -> AgencySettings:
    """All of it but the logo; an empty text is not set. Courtesy hours only narrow what the law allows: they are cut
    with it wherever somebody is called. Raises Refused."""
    if (opens is None) != (closes is None) or (opens and closes and opens >= closes):
        raise Refused("Courtesy hours need an hour to begin and a later one to end, or none of both.")
    if opens and closes and not (opens <= MIDDAY[0] and closes >= MIDDAY[1]):
        raise Refused("Courtesy hours must include noon to 2 PM, or people in some states could never be called.")
    row = _row()
    row.name = checks.text(name, "The name", LONGEST_NAME)
    row.number = checks.phone(number, "The number")
    row.postal_address = " ".join(checks.text(postal_address, "The postal address", LONGEST_ADDRESS).split())
    row.opens, row.closes = opens, closes
    return _kept(row)


def set_logo(content: bytes) -> AgencySettings:
    """The picture in the header of pages and reports. Raises Refused for what is no small PNG or JPEG."""
    row = _row()
    row.logo_type, row.logo = images.kind_of(content), content
    row.logo_hash = hashlib.sha256(content).hexdigest()[:16]
    return _kept(row)


def remove_logo() -> AgencySettings:
    row = _row()
    row.logo = row.logo_type = row.logo_hash = None
    return _kept(row)


def _row() -> AgencySettings:
    row = db.session.get(AgencySettings, 1, with_for_update=True)
    if row is None:
        row = AgencySettings(id=1, name="", number="", postal_address="")
        db.session.add(row)
    return row


def _kept(row: AgencySettings) -> AgencySettings:
    db.session.flush()
    after_commit(queries.forget)
    return row
