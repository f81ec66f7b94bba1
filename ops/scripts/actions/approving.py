"""Asking a practice whether this may be said in its name, and keeping its answer."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.mail import outbox
from ops.mail.models import MailKind
from ops.scripts import approvals
from ops.scripts.actions.writing import Overtaken, Seen, lock, open_draft
from ops.scripts.approvals import LinkState
from ops.scripts.models import ApprovalAnswer, ApprovalLink, ApprovalRule, ScriptApproval, ScriptVersion

LIVES = timedelta(days=14)
MAX_NAME = 120
MAX_WORDS = 5_000


def ask_practice(script_id: int, seen: Seen, actor: str) -> ScriptApproval:
    """Ask the practice to approve the open draft: each of its people gets an email with a link of their own.

    Asked again for the same text while that is open, it is that one. Raises Refused for the agency's script, without a
    draft, or without anybody of the practice to ask; Overtaken when the draft is not the one that was seen.
    """
    script = lock(script_id)
    draft = open_draft(script_id)
    if script.practice_id is None:
        raise Refused("The agency’s scripts are not approved by a practice: start the practice’s own.")
    if draft is None:
        raise Refused("There is no draft to ask about. Change the text and save it first.")
    if (draft.id, draft.revision) != seen:
        raise Overtaken(draft)
    people = approvals.members_to_mail(script.practice_id)
    if not people:
        raise Refused("Nobody of the practice has an account. Invite one of its people: nobody else can approve it.")
    last = next(iter(approvals.of_version(draft)), None)
    if last and approvals.standing_of(last, draft) is LinkState.OPEN:
        return last
    now = clock.now()
    approval = ScriptApproval(
        practice_id=script.practice_id,
        version_id=draft.id,
        text_hash=approvals.text_hash(draft),
        asked_at=now,
        asked_by=actor,
        expires_at=now + LIVES,
        answer=None,
    )
    db.session.add(approval)
    db.session.flush()
    for person in people:
        outbox.queue(MailKind.APPROVAL, approval.id, person.email, person.id)
    return approval


@dataclass(frozen=True)
class Source:
    """From where somebody answers: the address and browser of the request."""

    address: str | None
    browser: str | None


def answer(link_id: int, given: ApprovalAnswer, name: str, words: str, source: Source) -> None:
    """Keep the practice's answer, and by which link it came. Of two at the same moment one is first; the same answer
    twice is kept once.

    Raises Refused, kindly, when it was answered before, has run out, or the text was changed since.
    """
    link = db.session.get_one(ApprovalLink, link_id, populate_existing=True)
    approval = db.session.get_one(ScriptApproval, link.approval_id, with_for_update=True, populate_existing=True)
    version = db.session.get_one(ScriptVersion, approval.version_id, with_for_update=True, populate_existing=True)
    name, words = name.strip(), words.strip()
    if not name:
        raise Refused("Please type your name, so that we know who answered.")
    if len(name) > MAX_NAME or len(words) > MAX_WORDS:
        raise Refused(f"Please write shorter: {MAX_NAME} characters for the name, {MAX_WORDS:,} for the rest.")
    if given is ApprovalAnswer.CHANGE and not words:
        raise Refused("Please say what should be different.")
    if (approval.answer, approval.answered_name) == (given, name):
        return
    if (state := approvals.standing_of(approval, version)) is not LinkState.OPEN:
        raise Refused(CLOSED[state])
    approval.answer, approval.answered_at = given, clock.now()
    approval.answered_name, approval.words = name, words
    link.used_at, link.address, link.browser = approval.answered_at, source.address, (source.browser or "")[:300]
    db.session.flush()


CLOSED = {
    LinkState.ANSWERED: "This was answered before. Thank you.",
    LinkState.EXPIRED: "This link has run out. Ask us for a new one, and we send it.",
    LinkState.CHANGED: "The text was changed since we asked you. You will get a new link for the new text.",
}


def require(practice_id: int, actor: str) -> None:
    """From now on this practice's own scripts are published only after it approved them."""
    rule = insert(ApprovalRule).values(practice_id=practice_id, since=clock.now(), set_by=actor)
    db.session.execute(rule.on_conflict_do_nothing())


def stop_requiring(practice_id: int) -> None:
    """The agency decides alone again."""
    db.session.execute(sa.delete(ApprovalRule).where(ApprovalRule.practice_id == practice_id))
