"""How an agent sets up their own desk: keys, and how it calls them."""

from collections.abc import Mapping

from ops.db import db
from ops.desk import keys
from ops.desk.models import DeskKeys, Ring
from ops.errors import Refused


def keys_of(user_id: int) -> DeskKeys:
    """This person's keys; as printed until they change them."""
    return db.session.get(DeskKeys, user_id) or DeskKeys(user_id=user_id, keys={}, dials=False, ring=Ring.SOUND)


def set_keys(user_id: int, wanted: Mapping[str, str], *, dials: bool) -> None:
    """Keep a person's own keys (action -> key). Raises Refused when two that can meet on a card are the same, or one
    is none."""
    try:
        own = keys.checked(wanted)
    except keys.KeyTaken as problem:
        raise Refused(str(problem)) from problem
    _keep(user_id, keys=own, dials=dials)


def set_ring(user_id: int, ring: Ring) -> None:
    """Whether this person's idle desk makes a sound, changes its title, or does nothing when there is work."""
    _keep(user_id, ring=ring)


def _keep(user_id: int, **set_up: object) -> None:
    """Keep this of a person's desk, and leave the rest of it as it is."""
    own = keys_of(user_id)
    for name, value in set_up.items():
        setattr(own, name, value)
    db.session.add(own)
    db.session.flush()
