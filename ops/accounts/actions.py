"""What happens to accounts: added, given a role and practices, closed, let in."""

import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ops import clock, zones
from ops.accounts import passwords, sessions, tries
from ops.accounts.models import AccountLink, Membership, Role, User
from ops.db import db
from ops.errors import Refused

EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s.\x00-\x1f]+")
EMAIL_LENGTH = 254
NAME_LENGTH = 120


def add_user(email: str, *, name: str, role: Role, practice_ids: Iterable[int] = ()) -> User:
    """A new account, which nobody can use until its password is set. Raises Refused for an address that is taken or
    none.
    """
    user = User(email=address_of(email), name=_name(name, email), role=role, created_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError as problem:
        if "uq_users_email" not in str(problem.orig):
            raise
        raise Refused(f"{user.email} already has an account.") from None
    for practice_id in practice_ids:
        give_practice(user, practice_id)
    return user


def address_of(email: str) -> str:
    """The address as accounts keep it (no space around, lower case). Raises Refused when it is none."""
    plain = email.strip().lower()
    if len(plain) > EMAIL_LENGTH or not EMAIL.fullmatch(plain):
        raise Refused("That is not an email address.")
    return plain


def _name(name: str, email: str) -> str:
    return " ".join(name.split())[:NAME_LENGTH] or email.strip().partition("@")[0]


def give_practice(user: User, practice_id: int) -> None:
    """Let a practice member see a practice. Raises Refused for other roles and for a practice that does not exist."""
    if user.role != Role.MEMBER:
        raise Refused("Only practice members are given single practices; agents, leads and admins work for the agency.")
    if any(membership.practice_id == practice_id for membership in user.memberships):
        return
    try:
        with db.session.begin_nested():
            user.memberships.append(Membership(practice_id=practice_id, granted_at=clock.now()))
    except IntegrityError:
        db.session.expire(user, ["memberships"])
        raise Refused("There is no such practice.") from None


def take_practice(user: User, practice_id: int) -> None:
    """Stop a practice member from seeing a practice, from their next request on."""
    user.memberships[:] = [kept for kept in user.memberships if kept.practice_id != practice_id]
    db.session.flush()


def change_role(user: User, role: Role) -> None:
    """Give a person another role; their sign-ins end, memberships go with the member role. Raises Refused for the last
    admin.
    """
    if user.role == role:
        return
    _keep_an_admin(user)
    if role != Role.MEMBER:
        user.memberships.clear()
    user.role = role
    if not sessions.end_all(user.id, sessions.ROLE_CHANGED):
        sessions.tell_ended([user.id], sessions.ROLE_CHANGED)
    db.session.flush()


def deactivate(user: User) -> None:
    """Close an account: sign-ins end at once, links stop working. Raises Refused for the last admin."""
    _keep_an_admin(user)
    user.active = False
    if not sessions.end_all(user.id, sessions.DEACTIVATED):
        sessions.tell_ended([user.id], sessions.DEACTIVATED)
    close_links(user.id)
    db.session.flush()


def reactivate(user: User) -> None:
    """Open a closed account again, with the password it had."""
    user.active = True
    db.session.flush()


def _keep_an_admin(user: User) -> None:
    """Refuse to lose the last admin. Locks the admins, so that two cannot remove each other at the same moment."""
    if user.role != Role.ADMIN or not user.active:
        return
    which = sa.select(User.id).where(User.role == Role.ADMIN, User.active).order_by(User.id)
    if db.session.scalars(which.with_for_update()).all() == [user.id]:
        raise Refused("This is the only admin. Make somebody else an admin first.")


def set_password(user: User, password: str) -> None:
    """Change the password: every sign-in ends, the lock-out is lifted, other links stop working. Raises Refused for a
    bad one.
    """
    if objection := passwords.objection(password, user.email):
        raise Refused(objection)
    user.password_hash = passwords.hash_of(password)
    tries.forgive(user)
    sessions.end_all(user.id, sessions.PASSWORD_CHANGED)
    close_links(user.id)
    db.session.flush()


def close_links(user_id: int) -> None:
    """Make every link of a person that was not used useless."""
    db.session.execute(
        sa.update(AccountLink)
        .where(AccountLink.user_id == user_id, AccountLink.used_at.is_(None))
        .values(used_at=clock.now())
    )


def let_in(
    user: User,
    password: str,
    *,
    source: tries.Source,
    address: str | None,
    browser: str | None,
    zone: str | None = None,
) -> str:
    """The password was right: forget the failures from there and begin a sign-in; its token for the cookie. The `zone`
    of the first browser that says a place is theirs from then on."""
    tries.forgive(user, source)
    if user.zone is None and zone in zones.places():
        user.zone = zone
    if passwords.is_outdated(user.password_hash or ""):
        user.password_hash = passwords.hash_of(password)
    return sessions.begin(user, address=address, browser=browser)


def live_in(user_id: int, zone: str) -> None:
    """Show this person every moment in this time zone from now on. Raises Refused for what is none."""
    if zone not in zones.places():
        raise Refused("Choose a time zone from the list.")
    db.session.execute(sa.update(User).where(User.id == user_id).values(zone=zone))


def use_single_keys(user_id: int, on: bool) -> None:
    """Switch the one-key shortcuts of a person's desk."""
    db.session.execute(sa.update(User).where(User.id == user_id).values(single_keys=on))
