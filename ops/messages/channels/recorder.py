"""The recorder: a provider that keeps what it is given, so that the whole loop can be tried with no account anywhere.

It plays somebody outside: a table of its own, written through a connection of its own, never in our transaction. It
takes each reference once; a second send of the same message is an error, and a row that cannot be there twice.
"""

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.messages.channels import Outgoing
from ops.messages.models import RecorderDelivery


class Recorder:
    name = "recorder"
    arrives = True
    carrier = False

    def name_for(self, reference: str, sender_email: str) -> str:
        return f"recorder:{reference}"

    def send(self, message: Outgoing) -> None:
        with db.engine.begin() as connection:
            connection.execute(
                sa.insert(RecorderDelivery).values(
                    message_id=message.reference,
                    to_address=message.to_address,
                    subject=message.subject,
                    body=message.body,
                    delivered_at=clock.now(),
                )
            )

    def lookup(self, reference: str) -> bool | None:
        with db.engine.connect() as connection:
            found = connection.scalar(
                sa.select(sa.func.count()).where(RecorderDelivery.message_id == sa.cast(reference, sa.Uuid))
            )
        return bool(found)
