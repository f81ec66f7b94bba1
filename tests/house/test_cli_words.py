"""What is wrong with a machine's settings or servers is told in one line, never as a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

pytestmark = pytest.mark.kills

OPS = Path(sys.executable).with_name("ops")


def ops(**env: str) -> subprocess.CompletedProcess[str]:
    """`ops practice list` with these settings."""
    return subprocess.run([OPS, "practice", "list"], env=os.environ | env, capture_output=True, text=True, timeout=120)


def told(**env: str) -> str:
    """The one line it fails with."""
    done = ops(**env)
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


@pytest.fixture
def poor_url(database_url: str):
    """An empty database of a role that may do nothing beside owning it."""
    engine = sa.create_engine(database_url, isolation_level="AUTOCOMMIT")
    name = f"poor_{os.getpid()}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(sa.text(f"CREATE DATABASE {name} OWNER {name}"))
        yield engine.url.set(username=name, database=name).render_as_string(hide_password=False), name, connection
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(sa.text(f"DROP ROLE {name}"))
    engine.dispose()


def test_an_address_of_no_redis_is_refused_by_name() -> None:
    assert "REDIS_URL must be a redis://" in told(REDIS_URL="localhost:6379")


def test_a_database_that_is_not_there_is_told_without_the_drivers_name() -> None:
    words = told(DATABASE_URL="postgresql://127.0.0.1:9/nowhere")
    assert "does not answer, so this was not finished" in words
    assert "psycopg" not in words


def test_another_hashing_key_than_the_databases_is_told(database_url: str, redis_url: str, tmp_path: Path) -> None:
    assert "CONTACT_PEPPER" in told(VAR_DIR=str(tmp_path), CONTACT_PEPPER="b" * 40)


def test_a_role_that_may_not_make_the_portals_role_is_told_what_it_needs(poor_url, redis_url: str) -> None:
    url, name, connection = poor_url
    assert "CREATEROLE" in told(DATABASE_URL=url)
    connection.execute(sa.text(f"GRANT loopkeeper_portal TO {name}"))  # made for it beforehand
    assert ops(DATABASE_URL=url).returncode == 0
