"""Invitations and password resets: links that work once, for a while.

The database keeps the hash of a link's token. A link that is to be emailed has no usable token until its email is
claimed (`ops/accounts/mailing.py`): so none ever lies in a queue, and at most one of a link works.
"""

from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts import actions
from ops.accounts.models import AccountLink, LinkPurpose, User
from ops.config import settings
from ops.crypto import new_token, token_hash
from ops.db import db
from ops.errors import Refused
from ops.mail import outbox
from ops.mail.models import MailKind, StaffMail

LIVES = {LinkPurpose.INVITE: timedelta(days=7), LinkPurpose.RESET: timedelta(hours=2)}
ASKED_AGAIN_AFTER = timedelta(minutes=5)
"""A second request within this time adds nothing: nobody's mailbox is to be filled by a stranger."""
MAIL_KINDS = {LinkPurpose.INVITE: MailKind.INVITATION, LinkPurpose.RESET: MailKind.RESET}


def make_link(user: User, purpose: LinkPurpose) -> str:
    """A link to pass on; its token, which is told this once. Earlier unused links of the kind stop working.

    Raises Refused for a closed account.
    """
    token = new_token()
    _replace(user, purpose, token)
    return token


def mail_link(user: User, purpose: LinkPurpose) -> AccountLink:
    """Email the person a link; earlier ones stop working. Raises Refused for a closed account."""
    return _mailed(user, _replace(user, purpose, new_token()))


def _mailed(user: User, link: AccountLink) -> AccountLink:
    outbox.queue(MAIL_KINDS[link.purpose], link.id, user.email, user.id)
    return link


def _replace(user: User, purpose: LinkPurpose, token: str) -> AccountLink:
    if not user.active:
        raise Refused("This account is not active. Reactivate it first.")
    void = db.session.scalars(
        sa.update(AccountLink)
        .where(AccountLink.user_id == user.id, AccountLink.purpose == purpose, AccountLink.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(AccountLink.id)
    ).all()
    outbox.withdraw((MAIL_KINDS[purpose],), list(void), "a newer link")
    return _add(user.id, purpose, token)


def ask_for_link(email: str) -> AccountLink | None:
    """Somebody who may be anybody asked for a link. None when there is no such open account, or it asked just now."""
    user = db.session.scalar(sa.select(User).where(User.email == email.strip().lower(), User.active))
    if user is None or _asked_lately(user.id):
        return None
    return _mailed(user, _add(user.id, _purpose_for(user), new_token()))


def _purpose_for(user: User) -> LinkPurpose:
    return LinkPurpose.RESET if user.password_hash else LinkPurpose.INVITE


def _asked_lately(user_id: int) -> bool:
    asked = sa.exists().where(
        StaffMail.user_id == user_id,
        StaffMail.kind.in_(MAIL_KINDS.values()),
        StaffMail.about_id == AccountLink.id,
        AccountLink.used_at.is_(None),
        AccountLink.created_at > clock.now() - ASKED_AGAIN_AFTER,
    )
    return bool(db.session.scalar(sa.select(asked)))


def _add(user_id: int, purpose: LinkPurpose, token: str) -> AccountLink:
    now = clock.now()
    link = AccountLink(
        user_id=user_id,
        purpose=purpose,
        token_hash=token_hash(token),
        created_at=now,
        expires_at=now + LIVES[purpose],
    )
    db.session.add(link)
    db.session.flush()
    return link


def address(token: str) -> str:
    """The whole address to pass on."""
    return f"{settings().address}/link/{token}"


def holder(token: str) -> User | None:
    """Whose usable link this is; None for one that was used, has run out or never was."""
    return db.session.scalar(sa.select(User).join(AccountLink, AccountLink.user_id == User.id).where(*_usable(token)))


def use(token: str, password: str) -> User:
    """Set the password by a link. Of two at the same moment one is first. Raises Refused: bad link, or bad password
    (the caller's rollback then leaves the link usable).
    """
    used = sa.update(AccountLink).where(*_usable(token)).values(used_at=clock.now()).returning(AccountLink.user_id)
    user_id = db.session.scalar(used)
    user = db.session.get(User, user_id, with_for_update=True) if user_id else None
    if user is None or not user.active:
        raise Refused("This link was used before, or has run out. Ask for a new one.")
    actions.set_password(user, password)
    return user


def _usable(token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        AccountLink.token_hash == token_hash(token),
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > clock.now(),
    )


def make_token(link_id: int) -> tuple[User, LinkPurpose, str] | None:
    """Whose link it is, what for, and a fresh token for it: an earlier one of the same link stops working. None when it
    is of no use any more."""
    token = new_token()
    made = (
        sa.update(AccountLink)
        .where(AccountLink.id == link_id, AccountLink.used_at.is_(None), AccountLink.expires_at > clock.now())
        .values(token_hash=token_hash(token))
        .returning(AccountLink.user_id, AccountLink.purpose)
    )
    row = db.session.execute(made).one_or_none()
    user = db.session.get(User, row.user_id, populate_existing=True) if row else None
    return (user, row.purpose, token) if row and user and user.active else None
