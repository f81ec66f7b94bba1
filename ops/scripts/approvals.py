"""Whether a practice wants to approve what is said in its name, and whether it did; the links by which it does.

Each of its people has a link of their own, with a token that is made when the email to them is written and told nobody
else: whoever asks must not be able to answer. When it runs out is a matter of the request, by the one clock.
"""

import hashlib
from collections.abc import Collection
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.accounts.models import Membership, Role, User
from ops.config import settings
from ops.crypto import new_token, token_hash
from ops.db import db
from ops.scripts.models import ApprovalAnswer, ApprovalLink, ApprovalRule, ScriptApproval, ScriptVersion, VersionState


class LinkState(StrEnum):
    """What can be done with a link."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CHANGED = "changed"
    """The draft was edited, set aside or published since: there is nothing to answer to."""


def text_hash(version: ScriptVersion) -> bytes:
    """What stands for the text of a version: an answer counts for this text and no other."""
    return hashlib.sha256(f"{version.subject}\0{version.body}".encode()).digest()


def is_needed(practice_id: int) -> bool:
    """Whether this practice's own scripts are used only after it approved them."""
    return db.session.get(ApprovalRule, practice_id) is not None


def is_approved(version: ScriptVersion) -> bool:
    """Whether the practice's last answer to exactly this text was a yes."""
    answer = db.session.scalar(
        sa.select(ScriptApproval.answer)
        .where(
            ScriptApproval.version_id == version.id,
            ScriptApproval.text_hash == text_hash(version),
            ScriptApproval.answer.is_not(None),
        )
        .order_by(ScriptApproval.answered_at.desc(), ScriptApproval.id.desc())
        .limit(1)
    )
    return answer is ApprovalAnswer.APPROVED


def of_version(version: ScriptVersion) -> list[ScriptApproval]:
    """Every time the practice was asked about this version, latest first."""
    which = sa.select(ScriptApproval).where(ScriptApproval.version_id == version.id)
    return list(db.session.scalars(which.order_by(ScriptApproval.id.desc())))


def standing_of(approval: ScriptApproval, version: ScriptVersion) -> LinkState:
    """Whether this request can still be answered, and if not, why."""
    if approval.answer is not None:
        return LinkState.ANSWERED
    if version.state is not VersionState.DRAFT or approval.text_hash != text_hash(version):
        return LinkState.CHANGED
    return LinkState.EXPIRED if approval.expires_at <= clock.now() else LinkState.OPEN


def make_link(approval: ScriptApproval, user: User) -> str:
    """A fresh link to answer by, for this person; its address, which is told this once. An earlier one of theirs stops
    working."""
    token = new_token()
    made = {"email": user.email, "token_hash": token_hash(token), "sent_at": clock.now()}
    link = insert(ApprovalLink).values(
        practice_id=approval.practice_id, approval_id=approval.id, user_id=user.id, **made
    )
    db.session.execute(link.on_conflict_do_update(index_elements=["approval_id", "user_id"], set_=made))
    return f"{settings().address}/approve/{token}"


def by_token(token: str) -> ApprovalLink | None:
    """The link this is the token of; None for one that is not ours or was replaced."""
    return db.session.scalar(sa.select(ApprovalLink).where(ApprovalLink.token_hash == token_hash(token)))


def links_of(approval_ids: Collection[int]) -> dict[int, list[ApprovalLink]]:
    """The links of each of these requests, first made first."""
    found: dict[int, list[ApprovalLink]] = {number: [] for number in approval_ids}
    which = sa.select(ApprovalLink).where(ApprovalLink.approval_id.in_(approval_ids))
    for link in db.session.scalars(which.order_by(ApprovalLink.id)):
        found[link.approval_id].append(link)
    return found


def is_of_practice(user: User, practice_id: int) -> bool:
    """Whether this is one of the practice's people, who may answer."""
    return user.role is Role.MEMBER and any(each.id == user.id for each in members_to_mail(practice_id))


def members_to_mail(practice_id: int) -> list[User]:
    """The practice's people, who may answer."""
    which = sa.select(User).join(Membership).where(Membership.practice_id == practice_id, User.active)
    return list(db.session.scalars(which.order_by(User.id)))
