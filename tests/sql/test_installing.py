"""What a .sql file says reaches every database at the next start, from empty and from any state before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from ops import migrate
from ops.config import settings
from ops.runtime import health
from ops.sql import install, units
from tests.databases import scratch

NEAR = "CREATE OR REPLACE FUNCTION near_one(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT a + 1 $$;"
FAR = "CREATE OR REPLACE FUNCTION far_one(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT near_one(a) * 10 $$;"


@pytest.fixture
def connection(own_database: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction on a migrated database that is rolled back at the end."""
    engine = sa.create_engine(own_database.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the code's, to write .sql files into."""
    monkeypatch.setattr(install, "wanted", lambda: units.files(tmp_path))
    return tmp_path


def answer(connection: sa.Connection, question: str) -> object:
    return connection.scalar(sa.text(f"SELECT {question}"))


def test_a_database_just_migrated_has_all_of_it_in_place(connection):
    assert len(install.wanted()) >= 4
    assert install.differences(connection) == {}
    assert install.is_installed(connection)
    assert install.install(connection) == []


def test_an_edited_file_is_installed_at_the_next_migrating_and_no_other(connection, folder):
    (folder / "near.sql").write_text(NEAR)
    (folder / "far.sql").write_text(FAR)
    assert install.install(connection) == ["near.sql", "far.sql"]
    (folder / "near.sql").write_text(NEAR.replace("a + 1", "a + 2 % 7"))
    assert not install.is_installed(connection)
    assert install.differences(connection) == {"near.sql": "installed from another text"}
    assert install.install(connection) == ["near.sql"]
    assert answer(connection, "far_one(1)") == 30
    assert install.is_installed(connection)


def test_what_a_function_calls_goes_in_before_it_wherever_the_files_lie(connection, folder):
    for name, text in (("a/far.sql", FAR), ("z/near.sql", NEAR)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    assert install.install(connection) == ["z/near.sql", "a/far.sql"]


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("near_one(a integer, b integer DEFAULT 3) RETURNS integer", "near_one(1)"),
        ("near_one(a integer) RETURNS text", "near_one(1)"),
        ("near_one(other integer, a integer) RETURNS integer", "near_one(5, 1)"),
    ],
)
def test_a_function_with_another_signature_replaces_the_one_before(connection, folder, head, call):
    (folder / "near.sql").write_text(NEAR)
    install.install(connection)
    (folder / "near.sql").write_text(NEAR.replace("near_one(a integer) RETURNS integer", head))
    install.install(connection)
    assert str(answer(connection, call)) == "2"
    assert answer(connection, "count(*) FROM pg_proc WHERE proname = 'near_one'") == 1


def test_a_function_that_no_file_makes_any_more_is_gone_and_one_that_moved_is_not(connection, folder):
    (folder / "near.sql").write_text(NEAR + "\n" + FAR)
    install.install(connection)
    (folder / "near.sql").unlink()
    (folder / "moved.sql").write_text(FAR.replace("near_one(a)", "a"))
    assert install.differences(connection) == {"near.sql": "no longer in the code", "moved.sql": "not installed"}
    install.install(connection)
    assert answer(connection, "far_one(2)") == 20
    assert answer(connection, "to_regproc('near_one')") is None
    assert install.differences(connection) == {}


def test_a_view_whose_columns_change_is_made_again(connection, folder):
    view = "CREATE OR REPLACE VIEW numbers AS SELECT 1 AS one;"
    (folder / "view.sql").write_text(view)
    install.install(connection)
    (folder / "view.sql").write_text(view.replace("1 AS one", "2 AS two, 1 AS one"))
    install.install(connection)
    assert answer(connection, "two FROM numbers") == 2


def test_what_holds_on_to_a_view_that_changes_is_made_again_too(connection, folder):
    inner = "CREATE OR REPLACE VIEW numbers AS SELECT 1 AS one;"
    outer = "CREATE OR REPLACE VIEW beyond AS SELECT one + 1 AS more FROM numbers;"
    (folder / "inner.sql").write_text(inner)
    (folder / "outer.sql").write_text(outer)
    install.install(connection)
    (folder / "inner.sql").write_text(inner.replace("1 AS one", "2 AS two, 5 AS one"))
    assert install.install(connection) == ["inner.sql", "outer.sql"]
    assert answer(connection, "more FROM beyond") == 6
    assert install.differences(connection) == {}


def test_a_function_changed_by_hand_is_noticed_and_put_right_at_the_next_migrating(connection, folder):
    (folder / "near.sql").write_text(NEAR)
    install.install(connection)
    connection.execute(sa.text(NEAR.replace("a + 1", "a + 9")))
    assert install.is_installed(connection)  # the text it was given is that of the code: the product goes on
    assert install.differences(connection) == {"near.sql": "changed by hand"}
    install.install(connection)
    assert answer(connection, "near_one(1)") == 2


def test_two_files_that_make_the_same_or_name_each_other_are_refused(folder):
    (folder / "near.sql").write_text(NEAR)
    (folder / "again.sql").write_text(NEAR)
    with pytest.raises(ValueError, match="both make FUNCTION near_one"):
        install.wanted()
    (folder / "again.sql").write_text(NEAR.replace("near_one", "far_one").replace("a + 1", "near_one(a)"))
    (folder / "near.sql").write_text(NEAR.replace("a + 1", "far_one(a)"))
    with pytest.raises(ValueError, match="cycle"):
        install.wanted()
    with pytest.raises(ValueError, match="twice"):
        units.parse("one.sql", NEAR + "\n" + NEAR)


def test_the_doctor_names_what_differs_and_readiness_asks_for_the_text_alone(
    cluster, template, database_url, redis_url, monkeypatch: pytest.MonkeyPatch
):
    with scratch(cluster, "doctor", template) as engine:
        monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
        settings.cache_clear()
        assert health.examine(settings()).problems == []
        with engine.begin() as connection:
            connection.execute(sa.text("DROP POLICY own_practice ON messages"))
        found = health.examine(settings())
        assert found.sql == {"wall of messages": "changed by hand"}
        assert found.problems == ["SQL in the database differs from the code: wall of messages (changed by hand)"]
        with redis.Redis.from_url(redis_url) as server:
            assert health.ready(engine, server) == {}
            with engine.begin() as connection:
                connection.execute(sa.text("UPDATE installed_sql SET sha256 = '' WHERE name LIKE '%/claim.sql'"))
            assert health.ready(engine, server) == {"migrations": "not current"}
        migrate.upgrade(engine)
        assert health.examine(settings()).problems == []


OLD = """
CREATE FUNCTION next_task(bigint, text) RETURNS text LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION script_arm(text) RETURNS text LANGUAGE sql AS 'SELECT NULL';
CREATE FUNCTION desk_of(an_agent bigint, at_now timestamptz, undoable timestamptz) RETURNS json
LANGUAGE sql AS 'SELECT NULL::json';
"""


def test_a_database_whose_migrations_installed_older_functions_gets_those_of_today(cluster: sa.Engine):
    with scratch(cluster, "older") as engine:
        migrate.upgrade(engine, "0011")
        with engine.begin() as connection:
            connection.exec_driver_sql(OLD)
            assert not migrate.is_current(connection)
        migrate.upgrade(engine)
        with engine.connect() as connection:
            assert migrate.is_current(connection)
            assert install.differences(connection) == {}
            assert answer(connection, "count(*) FROM pg_proc WHERE proname IN ('next_task', 'script_arm')") == 2
            assert answer(connection, "desk_of(1, '2026-03-02', '2026-03-02') ->> 'card'") is None
            assert answer(connection, "desk_of(1, '2026-03-02', '2026-03-02') -> 'beside'") is not None


def test_a_database_below_the_newest_revision_is_brought_back(cluster: sa.Engine):
    with scratch(cluster, "left") as engine:
        migrate.upgrade(engine)
        migrate.downgrade(engine, "0011")
        with engine.connect() as connection:
            assert answer(connection, "to_regclass('installed_sql')") is None
            assert not migrate.is_current(connection)
        migrate.upgrade(engine)
        with engine.connect() as connection:
            assert migrate.is_current(connection)
