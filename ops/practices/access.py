"""Whose practice it is. Every page below /practices/<slug> starts with `practice_or_404`."""

from flask import abort

from ops.accounts.access import me
from ops.accounts.models import Role
from ops.accounts.roles import STAFF
from ops.db import db, see_only
from ops.practices import queries
from ops.practices.models import Practice


def practice_or_404(slug: str) -> Practice:
    """The practice of this address, if the signed-in person may see it; else 404, as if it did not exist.

    Leads and admins see all; a member only their own, and the rest of their request is put under row-level security:
    what was loaded before is let go, so that nothing of it is read again under the narrower role. Agents see none.
    """
    user = me()
    practice = queries.by_slug(slug)
    if practice is None:
        abort(404)
    if user.role in STAFF:
        return practice
    if user.role is not Role.MEMBER or not queries.is_member(user, practice):
        abort(404)
    db.session.expunge_all()
    see_only(practice.id)
    return queries.by_slug(slug) or abort(404)
