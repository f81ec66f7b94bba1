"""Real PostgreSQL and Valkey for every test; a fresh clone of a migrated database for each test that asks for one.

Fixtures for a reader: `app` is the product on its own empty database, inside an app context; `client` a browser without
a sign-in; `sign_in(user)` a browser with one. `world` (tests/world.py) builds practices, people and patients through
the product's own actions.
"""

import gc
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import freezegun
import pandas  # noqa: F401 (its C code crashes when it is first imported under a frozen clock)
import pytest
import sqlalchemy as sa

import ops.models  # noqa: F401 (a frozen clock would give the columns its own date for a type)
from tests.emptying import emptier, empty, keep_connections
from tests.freezing import freeze_quickly

freezegun.configure(extend_ignore_list=["pandas", "numpy", "playwright", "pygments", "rich"])  # they never ask for it
freeze_quickly()

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes comes first, so that no worker is left alone with it in the end."""
    slow = ["browser", "kills"]
    items.sort(key=lambda item: next((slow.index(each) for each in slow if item.get_closest_marker(each)), len(slow)))


def pytest_collection_finish() -> None:
    """What is imported stays: the collector need not look through it again and again (a tenth of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One PostgreSQL and one Valkey for the whole run (shared by the xdist workers), or those of the environment."""
    base = Path(os.environ.get("TEST_VAR_DIR") or tempfile.gettempdir()) / f"loopkeeper-test-{os.getuid()}"
    os.environ["VAR_DIR"] = str(base)
    os.environ["EMBEDDED_FSYNC"] = "off"
    from ops.runtime.servers import ready

    with ready() as running:
        yield {"database_url": running.database_url, "redis_url": running.redis_url}


@pytest.fixture(scope="session")
def cluster(servers: dict[str, str]) -> Iterator[sa.Engine]:
    """An engine on the maintenance database, outside transactions."""
    engine = sa.create_engine(servers["database_url"], isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def template(cluster: sa.Engine) -> Iterator[str]:
    """The name of a migrated, empty database to clone from."""
    from ops.migrate import upgrade

    name = f"template_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    _sweep_stale(cluster)
    with cluster.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine = sa.create_engine(cluster.url.set(database=name))
    upgrade(engine)
    engine.dispose()
    yield name
    with cluster.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def _sweep_stale(cluster: sa.Engine) -> None:
    """Drop what a killed run left behind: databases whose name carries the number of a process that is gone."""
    with cluster.connect() as connection:
        names = connection.scalars(
            sa.text("SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' OR datname LIKE 'test\\_%'")
        ).all()
        for name in names:
            owner = name.split("_")[1]
            if owner.isdigit() and not Path(f"/proc/{owner}").exists():
                connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def own_database(cluster: sa.Engine, template: str) -> Iterator[sa.Engine]:
    """A database of this process, cloned from the template once."""
    name = f"test_{os.getpid()}"
    with cluster.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine = emptier(cluster.url.set(database=name))
    yield engine
    engine.dispose()
    with cluster.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
def database_url(own_database: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty database of the newest schema, set as DATABASE_URL. The same one for all tests of a
    process: nobody else may be connected to it when a test begins."""
    from ops.config import settings

    empty(own_database)
    url = own_database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    yield url
    settings.cache_clear()


@pytest.fixture
def redis_url(servers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of the shared Valkey that this xdist worker has for itself, set as REDIS_URL."""
    number = int(WORKER.removeprefix("gw")) + 1 if WORKER.startswith("gw") else 0
    url = servers["redis_url"] + f"?db={number}"
    monkeypatch.setenv("REDIS_URL", url)
    return url


@pytest.fixture(scope="session")
def product() -> dict:
    """The application, made once: putting a hundred routes together costs more than most tests."""
    return {}


@pytest.fixture
def app(database_url: str, redis_url: str, product: dict):
    """The product on its own empty database and an empty Valkey, inside an app context."""
    from ops import create_app
    from ops.agency import queries as agency
    from ops.background import connection
    from ops.db import db
    from tests import world

    connection(redis_url).flushdb()
    world.start_over()
    agency.forget()
    app = product.get(database_url)
    if app is None:
        app = product[database_url] = create_app()
        with app.app_context():
            keep_connections(db.engine)
    config = dict(app.config)
    app.config.update(TESTING=True)
    with app.app_context():
        yield app
        db.session.remove()
    app.config.clear()
    app.config.update(config)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real argon2id, but not made slow on purpose."""
    from argon2 import PasswordHasher

    from ops.accounts import passwords

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def client(app):
    """A browser without a sign-in (tests/browser.py)."""
    from tests.browser import Browser

    app.test_client_class = Browser
    return app.test_client()


@pytest.fixture
def sign_in(app):
    """`sign_in(user)`: a new browser that this person is signed in with."""
    from ops.accounts import access, sessions
    from ops.db import transaction
    from tests.browser import Browser

    def browser_of(user):
        app.test_client_class = Browser
        browser = app.test_client()
        with transaction(user.actor):
            token = sessions.begin(user, address="127.0.0.1", browser="a test")
        with browser.session_transaction() as session:
            session[access.TOKEN] = token
        return browser

    return browser_of
