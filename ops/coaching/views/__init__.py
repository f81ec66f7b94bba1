"""Finished cards as a lead reads them, and what an agent is told about them."""

from flask import Blueprint, g, session

from ops.accounts.access import BADGES, Badge
from ops.accounts.models import Role, User
from ops.coaching.notices import Notice, notice_for

bp = Blueprint("coaching", __name__)

from ops.coaching.views import cards, finished, mine, scorecard  # noqa: E402,F401  (they add their routes to bp)


def _notice(user: User | None) -> Notice | None:
    """What is new for this agent, asked once in a request: for the navigation and for the line on the desk."""
    if user is None or user.role is not Role.AGENT:
        return None
    if "coaching_notice" not in g:
        g.coaching_notice = notice_for(user.id)
    return g.coaching_notice


def _line(user: User | None) -> Notice | None:
    """What is new and was not said to this browser yet: the line is shown once, the number in the navigation stays."""
    notice = _notice(user)
    if notice is None or session.get("coached") == notice.newest:
        return None
    session["coached"] = notice.newest
    return notice


def _badge(user: User) -> Badge | None:
    notice = _notice(user)
    return Badge(str(notice.calls), f"{notice.calls} new from {notice.who}", urgent=True) if notice else None


BADGES["coaching.mine"] = _badge
bp.app_context_processor(lambda: {"coaching_line": _line})
