"""Every table, imported once so that the metadata is whole (migrations, tests)."""

from ops import isolated
from ops.accounts import models as accounts
from ops.agency import models as agency
from ops.cadences import models as cadences
from ops.coaching import models as coaching
from ops.concerns import models as concerns
from ops.contact import models as contact
from ops.db import Base
from ops.desk import models as desk
from ops.imports import models as imports
from ops.mail import models as mail
from ops.messages import models as messages
from ops.practices import models as practices
from ops.queue import models as queue
from ops.record import models as record
from ops.referrals import models as referrals
from ops.rhythm import models as rhythm
from ops.runtime import models as runtime
from ops.scripts import models as scripts
from ops.sql import models as sql

metadata = Base.metadata
__all__ = [
    "accounts",
    "agency",
    "cadences",
    "coaching",
    "concerns",
    "contact",
    "desk",
    "imports",
    "isolated",
    "mail",
    "messages",
    "metadata",
    "practices",
    "queue",
    "record",
    "referrals",
    "rhythm",
    "runtime",
    "scripts",
    "sql",
]
