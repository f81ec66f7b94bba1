"""How often one address may try. Counted in Redis, shared by all web processes.

Only the doors for strangers are limited (sign-in, forgotten password, links, public pages). When Redis is down the
counting goes on in each process's memory: people must still be able to sign in, and the lock-out of an account is in
PostgreSQL.
"""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from ops.background import NO_WAITING
from ops.config import settings

limiter = Limiter(key_func=get_remote_address, strategy="moving-window", key_prefix="limits")


def prepare(app: Flask) -> None:
    """Connect the limiter to the Redis of the settings, or to memory when there is none."""
    url = settings().redis_url
    app.config.update(
        RATELIMIT_STORAGE_URI=_storage(url) if url else "memory://",
        RATELIMIT_STORAGE_OPTIONS=dict(NO_WAITING) if url else {},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_SWALLOW_ERRORS=True,
        RATELIMIT_HEADERS_ENABLED=False,
    )
    limiter.init_app(app)


def _storage(url: str) -> str:
    """The address as the `limits` library spells it: redis+unix:// for a socket."""
    return "redis+" + url if url.startswith("unix://") else url
