"""Invitations and password resets: links that work once, for a while.

The database keeps the hash of a link's token. A link that is to be mailed has no usable token until the job that mails
it makes one (`claim_letter`): so none ever lies in a queue, and a job that runs twice mails once.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ops import clock
from ops.accounts import actions
from ops.accounts.models import AccountLink, LinkPurpose, User
from ops.config import settings
from ops.crypto import new_token, token_hash
from ops.db import db
from ops.errors import Refused
from ops.isolated import awake

LIVES = {LinkPurpose.INVITE: timedelta(days=7), LinkPurpose.RESET: timedelta(hours=2)}
AT_ONCE = 100
ASKED_AGAIN_AFTER = timedelta(minutes=5)
"""A second request within this time adds nothing: nobody's mailbox is to be filled by a stranger."""


def make_link(user: User, purpose: LinkPurpose) -> str:
    """A link to hand over; its token, which is told this once. Earlier unused links of the kind stop working.

    Raises Refused for a closed account.
    """
    token = new_token()
    _replace(user, purpose, token, by_mail=False)
    return token


def mail_link(user: User, purpose: LinkPurpose) -> AccountLink:
    """A link that is to be mailed to the person; earlier ones stop working. Raises Refused for a closed account."""
    return _replace(user, purpose, new_token(), by_mail=True)


def _replace(user: User, purpose: LinkPurpose, token: str, *, by_mail: bool) -> AccountLink:
    if not user.active:
        raise Refused("This account is not active. Reactivate it first.")
    db.session.execute(
        sa.update(AccountLink)
        .where(AccountLink.user_id == user.id, AccountLink.purpose == purpose, AccountLink.used_at.is_(None))
        .values(used_at=clock.now())
    )
    return _add(user.id, purpose, token, by_mail=by_mail)


def ask_for_link(email: str) -> AccountLink | None:
    """Somebody who may be anybody asked for a link. None when there is no such open account, or it asked just now."""
    user = db.session.scalar(sa.select(User).where(User.email == email.strip().lower(), User.active))
    if user is None or _asked_lately(user.id):
        return None
    return _add(user.id, _purpose_for(user), new_token(), by_mail=True)


def _purpose_for(user: User) -> LinkPurpose:
    return LinkPurpose.RESET if user.password_hash else LinkPurpose.INVITE


def _asked_lately(user_id: int) -> bool:
    asked = sa.exists().where(
        AccountLink.user_id == user_id,
        AccountLink.by_mail,
        AccountLink.used_at.is_(None),
        AccountLink.created_at > clock.now() - ASKED_AGAIN_AFTER,
    )
    return bool(db.session.scalar(sa.select(asked)))


def _add(user_id: int, purpose: LinkPurpose, token: str, *, by_mail: bool) -> AccountLink:
    now = clock.now()
    link = AccountLink(
        user_id=user_id,
        purpose=purpose,
        token_hash=token_hash(token),
        created_at=now,
        expires_at=now + LIVES[purpose],
        by_mail=by_mail,
    )
    db.session.add(link)
    db.session.flush()
    return link


def address(token: str) -> str:
    """The whole address to hand over."""
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


@dataclass(frozen=True)
class Letter:
    """What a mail needs to know."""

    email: str
    name: str
    purpose: LinkPurpose
    address: str


def claim_letter(link_id: int) -> Letter | None:
    """Claim the mailing of a link and make its token; None when it was mailed before or is of no use any more."""
    token = new_token()
    now = clock.now()
    claimed = (
        sa.update(AccountLink)
        .where(AccountLink.id == link_id, AccountLink.by_mail, AccountLink.mailed_at.is_(None))
        .where(AccountLink.used_at.is_(None), AccountLink.expires_at > now)
        .values(token_hash=token_hash(token), mailed_at=now)
        .returning(AccountLink.user_id, AccountLink.purpose)
    )
    row = db.session.execute(claimed).one_or_none()
    user = db.session.get(User, row.user_id) if row else None
    if row is None or user is None or not user.active:
        return None
    return Letter(user.email, user.name, row.purpose, address(token))


def put_back(link_id: int, *, try_again: bool) -> None:
    """The mail could not be sent. `try_again`: later; otherwise an admin has to hand a link over."""
    link = db.session.get_one(AccountLink, link_id)
    link.mailed_at = None
    link.by_mail = try_again
    db.session.flush()


def unmailed() -> list[int]:
    """Links that should have been mailed by now: their doorbell was lost or the mail server was away."""
    now = clock.now()
    which = sa.select(AccountLink.id).where(
        AccountLink.by_mail,
        AccountLink.mailed_at.is_(None),
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > now,
        AccountLink.created_at < now - timedelta(minutes=1),
        awake("mail links", AccountLink.id),
    )
    return list(db.session.scalars(which.order_by(AccountLink.id).limit(AT_ONCE)))
