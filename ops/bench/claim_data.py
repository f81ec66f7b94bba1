"""The data a claim is measured on: practices, patients and one waiting task each, written set by set.

Foreign keys and triggers are off while it is written (`session_replication_role`); lanes and ledger are made by the
product's own functions. Numbers are of the invented 555-01xx kind, so many patients share one as written; the keys they
are told apart by are distinct, so that nobody is being called already.

A task of a practice lies in one of its four lanes (one place, four kinds). Which practices have the tasks, and where
they are, is the scenario's matter (`Scenario`).
"""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from ops.bench.scratch import plain

OPEN = datetime(2026, 12, 9, 18, tzinfo=UTC)
"""A Wednesday: 13:00 in New York, 10:00 in Los Angeles, every place open."""
MORNING = datetime(2026, 12, 9, 13, tzinfo=UTC)
"""08:00 in New York: only Eastern places are open."""
PLACES = (
    ("NY", "America/New_York", "212"),
    ("IL", "America/Chicago", "312"),
    ("CO", "America/Denver", "303"),
    ("CA", "America/Los_Angeles", "415"),
)
KINDS = ("ask", "follow_up", "review_request", "loop_closing")
MINUTES = (6, 5, 3, 4)
"""Estimated for each kind."""
AGED = 200_000
"""Claims and outcomes that lie behind the tables of the scenario `aged`; fewer when it has few tasks."""
NEEDS_NO_INDEX = ("tasks", "patients")


@dataclass(frozen=True)
class Scenario:
    """`now`: what the clock says. `eastern_every`: each how many-th practice is in New York, the others elsewhere."""

    now: datetime = OPEN
    eastern_every: int = 4
    certified: str = "all"
    """Each agent may work: all practices, a hundredth of them, or the first one."""
    working: float = 1.0
    """The share of practices that have tasks waiting."""


SCENARIOS = {
    "open": Scenario(),
    "morning": Scenario(now=MORNING, eastern_every=20),
    "narrow": Scenario(certified="hundredth"),
    "aged": Scenario(working=0.1),
    "hot": Scenario(certified="first"),
    "burst": Scenario(),
}


def fill(url: str, scenario: str, tasks: int, practices: int, agents: int) -> None:
    """Write everything into the migrated, empty database of `url`; minutes for a million tasks."""
    plan = SCENARIOS[scenario]
    aged = min(AGED, 2 * tasks) if scenario == "aged" else 0
    lanes = _lanes_and_scripts(plan)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        _practices(connection, plan, practices)
        _agents(connection, plan, agents, practices)
        working = max(1, round(practices * plan.working))
        _tasks(connection, plan, lanes, practices, working, tasks, aged, hot=scenario == "hot")
        connection.execute("ANALYZE")
    _ledger(plan)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("SET session_replication_role = replica")
        if aged:
            _age(connection, plan, aged, agents)
            _drain(connection)
        connection.execute("CHECKPOINT")


def _lanes_and_scripts(plan: Scenario) -> list[list[int]]:
    """Numbers of the lanes, by place and kind."""
    from ops import clock
    from ops.contact.places import places_of
    from ops.db import transaction
    from ops.queue.actions.lanes import lane_of
    from ops.scripts.actions import ensure_defaults
    from ops.work.kinds import Kind

    with clock.moved_to(plan.now), transaction("bench"):
        ensure_defaults()
        return [
            [lane_of(places_of(state, None, f"+1{area}5550100"), "en", Kind(kind)) for kind in KINDS]
            for state, _, area in PLACES
        ]


def _ledger(plan: Scenario) -> None:
    """Which lanes each practice has work in, from the tasks; hours and open lanes by the product."""
    import sqlalchemy as sa

    from ops import clock
    from ops.db import db, transaction
    from ops.queue.actions import shares

    with clock.moved_to(plan.now), transaction("bench"):
        shares.refresh_shares()
        db.session.execute(
            sa.text(
                "UPDATE shares s SET lanes = of.lanes FROM (SELECT practice_id, array_agg(DISTINCT lane_id) AS lanes"
                " FROM tasks WHERE offered GROUP BY 1) of WHERE of.practice_id = s.practice_id"
            )
        )
        shares.refresh_open()


def _place_of(plan: Scenario) -> str:
    """The place of practice `i`, 0 to 3, as SQL."""
    every = plan.eastern_every
    return f"CASE WHEN mod(i, {every}) = mod(1, {every}) THEN 0 ELSE 1 + mod(i, 3) END"


def _practices(connection: psycopg.Connection[Any], plan: Scenario, practices: int) -> None:
    place = {"states": [place[0] for place in PLACES], "zones": [place[1] for place in PLACES]}
    connection.execute(
        f"""
        INSERT INTO practices (id, slug, name, spoken_name, zone, state, status, baa_on, specialty, helps_best,
                               shareable, website, sender_name, sender_email, callback_number, created_at)
        SELECT i, 'bench-' || i, 'Practice ' || i, 'Practice ' || i, (%(zones)s::text[])[1 + place],
               (%(states)s::text[])[1 + place], 'active', '2026-01-02', '', '', '', '', '', '', '', %(now)s
        FROM (SELECT i, {_place_of(plan)} AS place FROM generate_series(1, %(practices)s) i) each
        """,  # noqa: S608 (our own words)
        place | {"now": plan.now, "practices": practices},
    )
    connection.execute(
        "INSERT INTO contracts (practice_id, hours_per_month, starts_on)"
        " SELECT i, 10 + mod(i * 37, 71), '2026-01-02' FROM generate_series(1, %s::bigint) i",
        [practices],
    )


def _agents(connection: psycopg.Connection[Any], plan: Scenario, agents: int, practices: int) -> None:
    connection.execute(
        "INSERT INTO users (id, email, name, role, active, created_at, single_keys)"
        " SELECT i, 'agent-' || i || '@example.com', 'Agent ' || i, 'agent', true, %s, true"
        " FROM generate_series(1, %s::bigint) i",
        [plan.now, agents],
    )
    if plan.certified == "all":
        return
    each = max(1, practices // 100) if plan.certified == "hundredth" else 1
    connection.execute(
        "INSERT INTO agent_profiles (user_id, languages, everywhere) SELECT id, '{en}', false FROM users",
    )
    first = "(u.id - 1) * %(each)s" if plan.certified == "hundredth" else "0"
    connection.execute(
        f"""
        INSERT INTO certifications (user_id, practice_id, certified_at, certified_by)
        SELECT DISTINCT u.id, 1 + mod({first} + step, %(practices)s), %(now)s::timestamptz, 'bench'
        FROM users u CROSS JOIN generate_series(0, %(each)s - 1) step
        """,  # noqa: S608 (our own words)
        {"each": each, "practices": practices, "now": plan.now},
    )


PATIENTS = """
INSERT INTO patients (id, practice_id, external_id, first_name, last_name, birth_date, deceased, phone, phone_raw,
                      phone_key, state, language, created_at, updated_at)
SELECT n, i, n::text, 'Ada', 'Bench', date '1960-01-01' + mod(n, 12000)::integer, false,
       '+1' || (%(areas)s::text[])[1 + place] || '55501' || lpad(mod(n, 100)::text, 2, '0'), '',
       sha256(n::text::bytea), CASE WHEN mod(n, 2) = 0 THEN (%(states)s::text[])[1 + place] END, 'en', %(now)s, %(now)s
FROM ({each}) each
"""
TASKS = """
INSERT INTO tasks (id, practice_id, patient_id, kind, state, reason, created_at, ready_at, lane_id, person_key,
                   offered, rank, ranked_at, estimate_minutes, tries, max_tries, fence)
SELECT n, i, n, (%(kinds)s::text[])[kind], 'waiting', 'The result of the treatment shows since Tuesday',
       %(now)s::timestamptz - interval '2 days', %(now)s::timestamptz - interval '1 day',
       (%(lanes)s::integer[])[place * 4 + kind], sha256(n::text::bytea), true,
       CASE WHEN n <= %(aged)s THEN 900 ELSE 0 END + mod(n * 7919, 90000) / 1000.0, %(now)s,
       (%(minutes)s::integer[])[kind], 0, 3, 0
FROM ({each}) each
"""


def _tasks(
    connection: psycopg.Connection[Any],
    plan: Scenario,
    lanes: list[list[int]],
    practices: int,
    working: int,
    tasks: int,
    aged: int,
    *,
    hot: bool,
) -> None:
    """Patients and their tasks. Numbers up to `aged` are those that are worked off first: best ranks, all
    practices. The others are of the practices that have work; in `hot` every other one is of the first."""
    values = {
        "practices": practices, "working": working, "aged": aged, "all": aged + tasks, "now": plan.now,
        "lanes": [lane for kinds in lanes for lane in kinds], "kinds": list(KINDS), "minutes": list(MINUTES),
        "areas": [place[2] for place in PLACES], "states": [place[0] for place in PLACES],
    }  # fmt: skip
    spread = "CASE WHEN mod(n, 2) = 0 THEN 1 ELSE 1 + mod(n / 2, %(practices)s) END"
    each = f"""
        SELECT each.*, {_place_of(plan)} AS place FROM (
            SELECT n, CASE WHEN n <= %(aged)s THEN 1 + mod(n - 1, %(practices)s)
                           ELSE {spread if hot else "1 + mod(n - 1, %(working)s)"} END AS i,
                   1 + mod(n * 7 / %(practices)s + n, 4) AS kind
            FROM generate_series(1, %(all)s::bigint) n
        ) each
    """  # noqa: S608 (our own words)
    indexes = [index for table in NEEDS_NO_INDEX for index in _drop_indexes(connection, table)]
    cursor = psycopg.ClientCursor(connection)  # values as literals: the server need not guess their types
    cursor.execute(PATIENTS.format(each=each), values)
    cursor.execute(TASKS.format(each=each), values)
    for index in indexes:
        connection.execute(index.encode())


def _drop_indexes(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """Drop what is not a key; how each is made again. Half the time of the load."""
    rows = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisunique",
        [table],
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}".encode())
    return [definition for _, definition in rows]


CLAIM = """
WITH next AS (
    SELECT id, practice_id, estimate_minutes, row_number() OVER (ORDER BY id) AS agent FROM tasks
    WHERE id > %(after)s ORDER BY id LIMIT %(agents)s
), taken AS (
    UPDATE tasks SET state = 'claimed', offered = false, held_by = next.agent, claimed_at = %(now)s,
        lease_until = %(now)s::timestamptz + interval '10 minutes', fence = fence + 1, script_version_id = 1
    FROM next WHERE tasks.id = next.id
), charged AS (
    UPDATE shares SET minutes_charged = minutes_charged + n.minutes, served_at = %(now)s,
        virtual_time = virtual_time + n.minutes / hours::float
    FROM (SELECT practice_id, sum(estimate_minutes) AS minutes FROM next GROUP BY 1) n
    WHERE shares.practice_id = n.practice_id
), told AS (
    INSERT INTO task_events (practice_id, task_id, kind, at, actor, facts)
    SELECT practice_id, id, 'claimed', %(now)s, 'user:' || agent, %(facts)s FROM next
)
INSERT INTO gate_decisions (at, practice_id, subject, allow, reasons, facts, rules_version)
SELECT %(now)s, practice_id, 'task:' || id, true, '[]', %(facts)s, 'bench' FROM next
"""
OUTCOME = """
WITH done AS (
    UPDATE tasks SET state = 'done', finished_at = %(now)s, held_by = NULL, lease_until = NULL, tries = 1
    WHERE state = 'claimed' RETURNING id, practice_id, patient_id, fence
), tried AS (
    INSERT INTO attempts (practice_id, patient_id, task_id, fence, agent_id, channel, outcome, note, minutes, at)
    SELECT practice_id, patient_id, id, fence, 1, 'call', 'willing', '', 4, %(now)s FROM done
)
INSERT INTO task_events (practice_id, task_id, kind, at, actor, facts)
SELECT practice_id, id, 'done', %(now)s, 'bench', %(facts)s FROM done
"""


def _age(connection: psycopg.Connection[Any], plan: Scenario, aged: int, agents: int) -> None:
    """Claims and outcomes of the first `aged` tasks, a round of all agents at a time, each round two commits: the dead
    rows, index entries and histories that so much work leaves behind."""
    facts = json.dumps({"chosen": {"band": 2, "rank": 912.5, "virtual_time": 41.25}, "places": [["NY", "x", "y"]]})
    values = {"now": plan.now, "agents": agents, "facts": facts}
    for after in range(0, aged, agents):
        connection.execute(CLAIM, values | {"after": after, "agents": min(agents, aged - after)})
        connection.execute(OUTCOME, values)


def _drain(connection: psycopg.Connection[Any]) -> None:
    """What the claims themselves have done by then: lanes that ran dry are off the ledger."""
    connection.execute("SELECT clear_lanes(practice_id, lanes) FROM shares WHERE has_work")
    connection.execute("ANALYZE")


def main() -> None:
    """In a process of its own, with DATABASE_URL: the product's context must not stay in the caller's."""
    from ops import create_app
    from ops.config import settings

    given = json.loads(sys.argv[1])
    with create_app().app_context():
        fill(settings().database_url or "", **given)


if __name__ == "__main__":
    main()
