"""Taking a draft into use, and out of it. What is published is said from the next task on."""

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.errors import Refused
from ops.scripts import approvals, checking
from ops.scripts.actions.writing import Overtaken, Seen, lock, now_said, open_draft, standing
from ops.scripts.models import Script, ScriptVersion, Variant, VersionState
from ops.scripts.rules import NotGood


def publish(script_id: int, seen: Seen, actor: str) -> ScriptVersion:
    """Have the open draft said from the next task on; the one before it is retired.

    `seen`: the draft as it was read, so that nobody publishes what they have not seen (Overtaken). Publishing twice
    publishes once. Raises NotGood with what is wrong, Refused when the practice has not approved or two versions are
    being tried.
    """
    script = lock(script_id)
    now = now_said(script_id)
    if now and now.id == seen.version_id and now.revision == seen.revision:
        return now
    draft = ready_draft(script, seen)
    retire_published(script_id, Variant.A, actor)
    return take_into_use(draft, Variant.A, actor)


def ready_draft(script: Script, seen: Seen) -> ScriptVersion:
    """The open draft, when it may be said. Raises Overtaken, NotGood, Refused."""
    draft = open_draft(script.id)
    if draft is None or (draft.id, draft.revision) != seen:
        there = draft or standing(script.id)
        if there is None:
            raise Refused("There is no draft to publish.")
        raise Overtaken(there)
    if script.experiment_id is not None:
        raise Refused("Two versions of this script are being tried against each other. End the experiment first.")
    problems = checking.save_problems(script, draft.subject, draft.body)
    if problems := problems or checking.publish_problems(script, draft.subject, draft.body):
        raise NotGood(problems)
    if script.practice_id and approvals.is_needed(script.practice_id) and not approvals.is_approved(draft):
        raise Refused("This practice approves its own scripts before they are used. Ask it, by the button below.")
    return draft


def take_into_use(draft: ScriptVersion, variant: Variant, actor: str) -> ScriptVersion:
    """Make it a published version. What is published as this variant must have been retired before."""
    draft.state, draft.variant = VersionState.PUBLISHED, variant
    draft.published_at, draft.published_by = clock.now(), actor
    db.session.flush()
    return draft


def retire_published(script_id: int, variant: Variant, actor: str) -> None:
    """Have what is published as this variant said no more."""
    db.session.execute(
        sa.update(ScriptVersion)
        .where(
            ScriptVersion.script_id == script_id,
            ScriptVersion.state == VersionState.PUBLISHED,
            ScriptVersion.variant == variant,
        )
        .values(state=VersionState.RETIRED, retired_at=clock.now(), retired_by=actor)
    )


def retire(script_id: int, actor: str) -> None:
    """Stop using a practice's own script: the agency's is said again, from the next task on. Raises Refused."""
    script = lock(script_id)
    if script.practice_id is None:
        raise Refused("The agency’s script is not retired: publish a new version of it.")
    if script.experiment_id is not None:
        raise Refused("Two versions of this script are being tried against each other. End the experiment first.")
    if now_said(script_id) is None:
        raise Refused("It is not in use.")
    retire_published(script_id, Variant.A, actor)
