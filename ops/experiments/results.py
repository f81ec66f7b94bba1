"""What came of two versions of a script that are tried against each other, practice by practice.

A patient is told one version as long as the experiment runs, so patients are counted, not calls, nor records: one who
had to think and said yes a week later is one who answered, willing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ops import clock
from ops.db import db
from ops.messages.models import InboundMessage, Message, MessageState
from ops.messages.replies import Meaning
from ops.practices.humans import human_of, merged_at
from ops.practices.models import Practice
from ops.queue.models import Attempt
from ops.scripts import experiments
from ops.scripts.experiments import Both, Difference, Tally, Verdict
from ops.scripts.models import Medium, Script, ScriptExperiment
from ops.work.answers import Answer
from ops.work.kinds import Kind
from ops.work.outcomes import COMMON, TALKS, Outcome, rules_for

HARM = (Outcome.DO_NOT_CONTACT, Outcome.NOT_HAPPY)


@dataclass(frozen=True)
class Words:
    """What the columns mean for a medium."""

    attempts: str
    reached: str
    answered: str
    willing: str
    harmed: str


CALL_WORDS = Words("calls", "reached", "patients who answered", "willing", "“do not contact” or “not happy”")
WRITTEN_WORDS = Words("sent", "delivered", "patients it was delivered to", "wrote back", "asked us to stop")


@dataclass(frozen=True)
class Results:
    """An experiment as it stands. `days` since the start, or how long it ran."""

    experiment: ScriptExperiment
    both: Both
    practices: list[tuple[str, Both]]
    difference: Difference | None
    verdict: Verdict
    days: float
    words: Words

    @property
    def is_too_early(self) -> bool:
        """Whether nothing can be said yet of which text is better."""
        return self.verdict is Verdict.RUNNING


def results(script: Script, experiment: ScriptExperiment) -> Results:
    """Where the experiment stands now, or stood when it ended."""
    rows = _calls(script, experiment) if script.medium is Medium.CALL else _written(experiment)
    practices = _by_practice(experiment, rows)
    tallies = [both for _, both in practices]
    days = ((experiment.stopped_at or clock.now()) - experiment.started_at) / timedelta(days=1)
    return Results(
        experiment,
        experiments.total(tallies),
        practices,
        experiments.difference(tallies),
        experiments.verdict(tallies, experiment.planned_answers, days),
        days,
        CALL_WORDS if script.medium is Medium.CALL else WRITTEN_WORDS,
    )


def answers_of(kind: Kind) -> tuple[list[Outcome], list[Outcome]]:
    """The outcomes in which they answered what they were asked, and those of them that are a yes."""
    shared = {rule.outcome for rule in COMMON}  # by outcome: some kinds say otherwise what follows of one
    own = [rule for rule in rules_for(kind) if rule.outcome not in shared]
    yes = [rule for rule in own if rule.answer is Answer.WILLING] or own[:1]
    if own == yes:  # a kind with nothing but a yes: whoever answered otherwise is one of these, or all would be willing
        own = [*own, *(rule for rule in COMMON if rule.outcome in HARM)]
    return [rule.outcome for rule in own], [rule.outcome for rule in yes]


def _as_of(experiment: ScriptExperiment) -> datetime:
    """When the result was final, or now: who was merged since is still two in it."""
    return experiment.stopped_at or clock.now()


def _calls(script: Script, experiment: ScriptExperiment) -> Iterable[sa.Row]:
    answered, willing = answers_of(Kind(script.kind))
    merged = merged_at(_as_of(experiment))
    human = human_of(Attempt.patient_id, merged)
    return db.session.execute(
        sa.select(
            Practice.id,
            Practice.name,
            Attempt.script_version_id,
            sa.func.count(),
            sa.func.count().filter(Attempt.outcome.in_(TALKS)),
            _patients(human, Attempt.outcome.in_(answered)),
            _patients(human, Attempt.outcome.in_(willing)),
            _patients(human, Attempt.outcome.in_(HARM)),
        )
        .join(Practice, Practice.id == Attempt.practice_id)
        .outerjoin(merged, merged.c.patient_id == Attempt.patient_id)
        .where(
            Attempt.script_version_id.in_([experiment.a_version_id, experiment.b_version_id]),
            Attempt.at >= experiment.started_at,
            sa.true() if experiment.stopped_at is None else Attempt.at <= experiment.stopped_at,
        )
        .group_by(Practice.id, Practice.name, Attempt.script_version_id)
        .order_by(sa.func.lower(Practice.name), Practice.id)
    )


def _written(experiment: ScriptExperiment) -> Iterable[sa.Row]:
    delivered = Message.state == MessageState.DELIVERED
    reply = sa.exists().where(InboundMessage.in_reply_to == Message.id)
    stopped = reply.where(InboundMessage.meaning != Meaning.OTHER)
    merged = merged_at(_as_of(experiment))
    human = human_of(Message.patient_id, merged)
    return db.session.execute(
        sa.select(
            Practice.id,
            Practice.name,
            Message.script_version_id,
            sa.func.count(),
            sa.func.count().filter(delivered),
            _patients(human, delivered),
            _patients(human, sa.and_(delivered, reply.where(InboundMessage.meaning == Meaning.OTHER))),
            _patients(human, sa.and_(delivered, stopped)),
        )
        .join(Practice, Practice.id == Message.practice_id)
        .outerjoin(merged, merged.c.patient_id == Message.patient_id)
        .where(
            Message.script_version_id.in_([experiment.a_version_id, experiment.b_version_id]),
            Message.state.in_([MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.FAILED]),
            Message.created_at >= experiment.started_at,
            sa.true() if experiment.stopped_at is None else Message.created_at <= experiment.stopped_at,
        )
        .group_by(Practice.id, Practice.name, Message.script_version_id)
        .order_by(sa.func.lower(Practice.name), Practice.id)
    )


def _patients(human: sa.ColumnElement[int], which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count(sa.distinct(human)).filter(which)


def _by_practice(experiment: ScriptExperiment, rows: Iterable[sa.Row]) -> list[tuple[str, Both]]:
    found: dict[int, tuple[str, Both]] = {}  # by id: two practices may have the same name
    for practice_id, name, version_id, *counts in rows:
        (_, both), tally = found.get(practice_id, (name, Both())), Tally(*counts)
        is_a = version_id == experiment.a_version_id
        found[practice_id] = (name, Both(both.a + tally, both.b) if is_a else Both(both.a, both.b + tally))
    return list(found.values())
