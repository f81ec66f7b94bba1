"""What is known about contacting one person."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from ops.contact.asking import Person
from ops.contact.models import ConsentEvent
from ops.db import Moment, db

CAP_WINDOW = timedelta(hours=24)
"""For how long a contact counts toward the cap (docs/rules.md A3; counted in known.sql)."""


def has_agreed(practice_id: int, contact_key: bytes) -> bool:
    """Whether whoever has this number or address last said yes, themself, to being contacted by this practice.

    Asked of friends alone: a referral's invitation is their own (docs/rules.md decision 6), and a file's yes, which is
    of its patient, is none.
    """
    theirs = (ConsentEvent.practice_id == practice_id, ConsentEvent.contact_key == contact_key)
    last = (
        sa.select(ConsentEvent.given).where(*theirs, ConsentEvent.themself()).order_by(ConsentEvent.id.desc()).limit(1)
    )
    return db.session.scalar(last) is True


def cap_frees(practice_id: int, person: Person, at: datetime, but_task: int | None = None) -> list[datetime]:
    """When each of what counts toward this person's cap from `at` on counts no more (`cap_uses`, known.sql)."""
    asked = {"practice": practice_id, "phone": person.phone_key, "email": person.email_key}
    return list(db.session.scalars(CAP_FREES, asked | {"at": at, "task": but_task})) if person.phone_key else []


CAP_FREES = sa.text(
    "SELECT counts_until FROM cap_uses("
    "ARRAY(SELECT c.phone_key FROM capped_numbers(:practice, :phone, :email) c), :at, :task)"
).bindparams(
    sa.bindparam("practice", type_=sa.BigInteger),
    sa.bindparam("phone", type_=sa.LargeBinary),
    sa.bindparam("email", type_=sa.LargeBinary),
    sa.bindparam("at", type_=Moment),
    sa.bindparam("task", type_=sa.BigInteger),
)


def counted_contacts(contact_key: bytes, at: datetime) -> list[datetime]:
    """When this number was contacted in the 24 hours up to `at`, earliest first: what the cap counts."""
    counted = (COUNTED.c.contact_key == contact_key, COUNTED.c.at > at - CAP_WINDOW, COUNTED.c.at <= at)
    return list(db.session.scalars(sa.select(COUNTED.c.at).where(*counted).order_by(COUNTED.c.at)))


COUNTED = sa.table("counted_contacts", sa.column("contact_key", sa.LargeBinary), sa.column("at", Moment))
