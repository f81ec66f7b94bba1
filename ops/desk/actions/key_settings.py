"""An agent's own keys."""

from collections.abc import Mapping

from ops.db import db
from ops.desk import keys
from ops.desk.models import DeskKeys
from ops.errors import Refused


def keys_of(user_id: int) -> DeskKeys:
    """This person's keys; as printed until they change them."""
    return db.session.get(DeskKeys, user_id) or DeskKeys(user_id=user_id, keys={}, dials=False)


def set_keys(user_id: int, wanted: Mapping[str, str], *, dials: bool) -> None:
    """Keep a person's own keys (action -> key). Raises Refused when two that can meet on a card are the same, or one
    is none."""
    try:
        own = keys.checked(wanted)
    except keys.KeyTaken as problem:
        raise Refused(str(problem)) from problem
    db.session.merge(DeskKeys(user_id=user_id, keys=own, dials=dials))
    db.session.flush()
