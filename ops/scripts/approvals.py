"""Whether a practice wants to approve what is said in its name, and whether it did; the signed link by which it does.

The link carries the number of the request and a signature salted with its purpose, so that no other signed value of
ours fits. When it runs out is a matter of the row, by the one clock.
"""

import hashlib
from enum import StrEnum

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer

from ops import clock
from ops.accounts.models import Membership, User
from ops.config import settings
from ops.crypto import secret_key
from ops.db import db
from ops.scripts.models import ApprovalAnswer, ApprovalRule, ScriptApproval, ScriptVersion, VersionState

SALT = "script-approval"


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


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(secret_key(), salt=SALT)


def address(approval: ScriptApproval) -> str:
    """The whole address of the public page."""
    return f"{settings().address}/approve/{_signer().dumps(approval.id)}"


def by_token(token: str) -> ScriptApproval | None:
    """The request a link is for; None for a token that is not ours."""
    try:
        number = _signer().loads(token)
    except BadSignature:
        return None
    return db.session.get(ScriptApproval, number) if type(number) is int else None


def members_to_mail(practice_id: int) -> list[User]:
    """The practice's people, who may answer."""
    which = sa.select(User).join(Membership).where(Membership.practice_id == practice_id, User.active)
    return list(db.session.scalars(which.order_by(User.id)))
