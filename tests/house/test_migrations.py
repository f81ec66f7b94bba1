"""The numbered migrations, up from empty, equal the models; and they go down again and up once more."""

import ast
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ops import migrate, models
from tests.databases import scratch

CATALOG = {
    "columns": """
        SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
               a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
          AND NOT a.attisdropped AND c.relname <> 'alembic_version'""",
    "constraints": """
        SELECT conrelid::regclass::text || '.' || conname, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
          AND conrelid::regclass::text <> 'alembic_version'""",
    "indexes": """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'""",
}
LEFTOVERS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm')
      AND relname <> 'alembic_version'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"""


@pytest.fixture
def empty(cluster: sa.Engine) -> Iterator[list[sa.Engine]]:
    """Two empty databases."""
    with scratch(cluster, "migrated") as migrated, scratch(cluster, "made") as made:
        yield [migrated, made]


def catalog(engine: sa.Engine) -> dict[str, dict[str, tuple]]:
    with engine.connect() as connection:
        return {
            kind: {row[0]: tuple(row[1:]) for row in connection.execute(sa.text(query))}
            for kind, query in CATALOG.items()
        }


def test_migrations_from_empty_equal_the_models(empty):
    migrated, made = empty
    migrate.upgrade(migrated)
    with made.begin() as connection:
        models.metadata.create_all(connection)
    ours, theirs = catalog(migrated), catalog(made)
    assert len(ours["columns"]) > 100
    for kind in CATALOG:
        different = {
            name: {"migrations": ours[kind].get(name), "models": theirs[kind].get(name)}
            for name in ours[kind].keys() | theirs[kind].keys()
            if ours[kind].get(name) != theirs[kind].get(name)
        }
        assert different == {}, kind


def test_migrations_go_down_to_nothing_and_up_again(empty):
    engine, _ = empty
    migrate.upgrade(engine)
    before = catalog(engine)
    migrate.downgrade(engine)
    with engine.connect() as connection:
        assert connection.scalars(sa.text(LEFTOVERS)).all() == []
    migrate.upgrade(engine)
    assert catalog(engine) == before


def test_two_processes_that_migrate_at_once_wait_for_each_other(empty):
    import threading

    engine, _ = empty
    problems: list[BaseException] = []

    def up() -> None:
        try:
            migrate.upgrade(engine)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with engine.connect() as connection:
        assert migrate.is_current(connection)


def test_migrations_know_nothing_of_the_code():
    """A file of the code that a migration reads is another one next year, and migrating from empty breaks."""
    for path in migrate.FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [str(getattr(node, "module", None) or node.names[0].name)]
                assert {name.split(".")[0] for name in names} <= {"alembic", "sqlalchemy"}, f"{path.name}: {names}"
            reaches = {"open", "__file__", "__import__"} & {getattr(node, "id", None)}
            assert not reaches, f"{path.name}:{node.lineno} {reaches}"


RUN = """
    INSERT INTO cadence_runs (practice_id, patient_id, cadence_id, milestone_id, trigger_id, state, position, opens_at,
                              peaks_at, closes_at, started_at, ended_at, end_reason)
    VALUES (1, 1, 1, :number, 1, CASE WHEN CAST(:why AS text) IS NULL THEN 'running' ELSE 'ended' END, 0, :at, :at, :at,
            :at, CASE WHEN CAST(:why AS text) IS NOT NULL THEN CAST(:at AS timestamptz) END, :why)
"""
ENDED = {
    "answered: willing": ("answered", "willing", None),
    "answered: answered": ("answered", "answered", None),
    "asked not to be contacted": ("other_call", "remove_me", None),
    "Not happy, complaint": ("other_call", "not_happy", None),
    "Wrong person": ("other_call", "wrong_person", None),
    "all steps taken": ("steps_taken", None, None),
    "its days are over": ("days_over", None, None),
    "may not be contacted": ("may_not", None, None),
    "wrote back": ("wrote_back", None, None),
    "opted out": ("opted_out", None, None),
    "cancelled by a lead: moved: answered: never": ("by_lead", None, "moved: answered: never"),
    None: (None, None, None),
}
"""Every sentence a cadence has ever ended with, and what it is now."""


def put_in(engine: sa.Engine, statement: str, rows: list[dict]) -> None:
    """Rows of a table alone, without those they point at."""
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(statement), [row | {"at": "2026-03-10T18:00:00Z"} for row in rows])


def kept(engine: sa.Engine, query: str) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def test_why_cadences_ended_is_told_by_codes_and_on_the_way_back_by_the_same_sentences(empty):
    engine, _ = empty
    migrate.upgrade(engine, "0013")
    put_in(engine, RUN, [{"number": number, "why": why} for number, why in enumerate(ENDED)])
    migrate.upgrade(engine, "0015")
    codes = "SELECT end_reason, end_outcome, end_words FROM cadence_runs ORDER BY milestone_id"
    assert kept(engine, codes) == list(ENDED.values())
    assert kept(engine, "SELECT * FROM audit_log") == []
    migrate.downgrade(engine, "0013")
    assert [why for (why,) in kept(engine, "SELECT end_reason FROM cadence_runs ORDER BY milestone_id")] == list(ENDED)


def test_a_sentence_nobody_ever_wrote_stops_the_migration(empty):
    engine, _ = empty
    migrate.upgrade(engine, "0013")
    put_in(engine, RUN, [{"number": 1, "why": "because"}])
    with pytest.raises(sa.exc.IntegrityError, match="ck_cadence_runs_end_reason"):
        migrate.upgrade(engine, "0015")


READ = """
    INSERT INTO patient_reads (at, user_id, practice_id, patient_id, what) VALUES (:at, 1, 1, 1, :what)
"""
WAS_READ = {
    "task 7: card": ("card", 7, None),
    "task 8: number": ("number", 8, None),
    "task 9: address": ("address", 9, None),
    "task 10: its story": ("story", 10, None),
    "concern 11": ("concern", 11, None),
    "coaching 12": ("finished_card", 12, None),
    "report 2026-03": ("report", None, "2026-03-01"),
    "messages": ("messages", None, None),
    "found by search": ("search", None, None),
    "patient page": ("patient_page", None, None),
}


def test_what_was_read_is_told_by_codes_and_on_the_way_back_by_the_same_sentences(empty):
    engine, _ = empty
    migrate.upgrade(engine, "0015")
    put_in(engine, READ, [{"what": what} for what in WAS_READ])
    migrate.upgrade(engine, "0016")
    codes = "SELECT what, subject_id, month::text FROM patient_reads ORDER BY id"
    assert kept(engine, codes) == list(WAS_READ.values())
    with pytest.raises(sa.exc.IntegrityError, match="append only"), engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM patient_reads"))
    migrate.downgrade(engine, "0015")
    assert [what for (what,) in kept(engine, "SELECT what FROM patient_reads ORDER BY id")] == list(WAS_READ)


def test_rows_that_were_there_and_break_a_new_rule_stop_no_process_and_are_named(empty):
    engine, _ = empty
    migrate.upgrade(engine)
    put_in(engine, "INSERT INTO unread_keys (key, reply_id, practice_id) VALUES (:key, 7, 1)", [{"key": b"x"}])
    name, rule = "fk_unread_keys_practice_id_reply_id_inbound_messages", "pg_get_constraintdef(oid)"
    [(meant,)] = kept(engine, f"SELECT {rule} FROM pg_constraint WHERE conname = '{name}'")
    with engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE unread_keys DROP CONSTRAINT {name}"))
        connection.execute(sa.text(f"ALTER TABLE unread_keys ADD CONSTRAINT {name} {meant} NOT VALID"))
    migrate.upgrade(engine)
    with engine.begin() as connection:
        assert migrate.not_valid(connection) == [("unread_keys", name)]
        connection.execute(sa.text("DELETE FROM unread_keys"))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert migrate.not_valid(connection) == []
