"""May we contact them, by which way and why: the gate's own answers, what stands against it, what they agreed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ops import clock
from ops.contact.facts import Channel, Decision
from ops.contact.models import ConsentEvent, Lifted, SuppressedChannel, Suppression
from ops.contact.said_yes import FileYes, files_yeses
from ops.contact.words import reasons_words
from ops.db import db
from ops.messages.permission import foresee
from ops.record.people import Human

CHANNEL_WORDS = {Channel.CALL: "Call", Channel.SMS: "Text", Channel.EMAIL: "Email"}
OVER_WORDS = {
    SuppressedChannel.ALL: "everything",
    SuppressedChannel.CALL: "calls",
    SuppressedChannel.SMS: "texts",
    SuppressedChannel.EMAIL: "emails",
}
LIFTED_WORDS = {Lifted.MISTAKE: "entered by mistake", Lifted.AGREED: "they agreed anew"}
NO_ADDRESS = {
    Channel.CALL: "there is no number to call",
    Channel.SMS: "there is no number to text",
    Channel.EMAIL: "there is no email address",
}


@dataclass(frozen=True)
class Way:
    """One way to contact them. `why_not`: the gate's reasons in its words, "" when it says yes; `until`: when what is
    open now shuts; `opens`: when the clock alone opens it again."""

    label: str
    to: str
    why_not: str
    until: datetime | None = None
    opens: datetime | None = None

    @property
    def may(self) -> bool:
        return not self.why_not


def ways(human: Human) -> list[Way]:
    """Call, text and email, as the gate answers now. Nothing is kept: nothing is to leave."""
    return [_way(human, channel) for channel in Channel]


def _way(human: Human, channel: Channel) -> Way:
    patient, practice, now = human.patient, human.practice, clock.now()
    to = patient.email if channel is Channel.EMAIL else patient.phone
    if not to:
        return Way(CHANNEL_WORDS[channel], "", NO_ADDRESS[channel])
    return _answered(channel, to, foresee(patient, practice, channel, now), now)


def _answered(channel: Channel, to: str, decision: Decision, now: datetime) -> Way:
    label, why_not = CHANNEL_WORDS[channel], reasons_words(map(str, decision.reasons))
    if decision.allow:
        return Way(label, to, "", until=decision.window[1] if decision.window else None)
    opens = decision.opens_at if decision.opens_at and decision.opens_at > now else None
    return Way(label, to, why_not or "the gate says no", opens=opens)


@dataclass(frozen=True)
class Against:
    """What was said against contacting them at one moment: over which ways, to which numbers and addresses, the gate's
    reason in words, where we have it from, and the person's own words."""

    at: datetime
    by: str
    source: str
    words: str | None
    over: str
    reason: str
    to: str
    everywhere: bool
    """For every practice of the agency."""
    occasion: str
    lifted_at: datetime | None
    lifted_by: str
    lifted: str
    """Why it does not stand any more; "" when it does."""

    @property
    def may_be_a_mistake(self) -> bool:
        """Whether one of us entered it, so that a lead can say it was wrong. What they said themself is no mistake."""
        return bool(self.occasion) and not self.lifted


def against(human: Human) -> list[Against]:
    """Everything that was said against contacting them, what stands first, then newest first."""
    said = sa.select(Suppression).where(
        Suppression.contact_key.in_(human.keys),
        sa.or_(Suppression.practice_id == human.practice.id, Suppression.practice_id.is_(None)),
    )
    rows = db.session.scalars(said.order_by(Suppression.created_at.desc(), Suppression.id)).all()
    together: dict[tuple, list[Suppression]] = {}
    for row in rows:
        occasion = row.occasion or (row.created_at, row.created_by, row.source)
        together.setdefault((occasion, row.practice_id, row.lifted_at), []).append(row)
    found = [_said(human, group) for group in together.values()]
    return sorted(found, key=lambda one: bool(one.lifted))


def _said(human: Human, rows: Sequence[Suppression]) -> Against:
    first = rows[-1]
    return Against(
        at=first.created_at,
        by=first.created_by,
        source=first.source,
        words=first.words,
        over=", ".join(words for over, words in OVER_WORDS.items() if any(row.channel is over for row in rows)),
        reason=reasons_words(dict.fromkeys(row.reason for row in rows)),
        to=", ".join(dict.fromkeys(human.keys[row.contact_key] for row in rows)),
        everywhere=first.practice_id is None,
        occasion=first.occasion,
        lifted_at=first.lifted_at,
        lifted_by=first.lifted_by or "",
        lifted=f"{LIFTED_WORDS[first.lifted_why]}: {first.lifted_words}" if first.lifted_why else "",
    )


@dataclass(frozen=True)
class Said:
    """What a file of the practice says that they agreed to, in words; `why_not`: why it is no yes any more, "" when it
    is one still."""

    id: int
    at: datetime
    by: str
    over: str
    header: str
    words: str
    file: str
    to: str
    why_not: str
    ended_by: str
    may_be_wrong: bool


def in_files(human: Human) -> list[Said]:
    """What files of the practice say that they agreed to, newest first, under any of their records."""
    return [_in_file(human, yes) for yes in files_yeses(human.practice.id, human.ids, human.keys)]


def _in_file(human: Human, yes: FileYes) -> Said:
    event = yes.event
    to = human.keys.get(event.contact_key, "a number or address of before") if event.contact_key else "no number then"
    over = OVER_WORDS[SuppressedChannel(event.channel)] if event.channel != "all" else "being contacted"
    why_not = ""
    if event.wrong_at:
        why_not = f"it was wrong: {event.ended_words}"
    elif event.ended_at:
        why_not = f"a later file, {event.ended_words}, does not say it any more"
    elif yes.refused:
        why_not = f"they refused {', '.join(OVER_WORDS[SuppressedChannel(each)] for each in yes.refused)}"
    return Said(
        event.id, event.at, event.actor, over, event.header or "", event.words, event.file or "", to, why_not,
        event.ended_by or "", event.ended_by is None,
    )  # fmt: skip


def consents(human: Human) -> Sequence[ConsentEvent]:
    """What they themself agreed to or took back, newest first: under any of their records, numbers and addresses."""
    people = [f"patient:{patient_id}" for patient_id in human.ids]
    theirs = sa.or_(ConsentEvent.contact_key.in_(human.keys), ConsentEvent.person.in_(people))
    kept = sa.select(ConsentEvent).where(ConsentEvent.practice_id == human.practice.id, theirs, ConsentEvent.themself())
    return db.session.scalars(kept.order_by(ConsentEvent.id.desc()).limit(50)).all()
