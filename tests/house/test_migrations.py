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
