"""Which role looks after the accounts of which, and what roles are called on a page."""

from ops.accounts.models import Role

LOOKS_AFTER: dict[Role, frozenset[Role]] = {
    Role.ADMIN: frozenset(Role),
    Role.LEAD: frozenset({Role.AGENT, Role.MEMBER}),
    Role.AGENT: frozenset(),
    Role.MEMBER: frozenset(),
}
STAFF = (Role.LEAD, Role.ADMIN)
"""They look after the agency: practices, people, scripts, the floor."""
AT_WORK = (Role.AGENT, Role.LEAD)
"""They claim tasks and call."""
NAMES = {Role.AGENT: "Agent", Role.LEAD: "Lead", Role.ADMIN: "Admin", Role.MEMBER: "Practice member"}


def may_manage(who: Role, whom: Role) -> bool:
    """Whether someone of role `who` may add, invite, deactivate or sign out someone of role `whom`."""
    return whom in LOOKS_AFTER[who]
