"""Typed settings, read from the environment once. A wrong value stops the program with the name of the setting."""

import re
import socket
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, with its default for one machine. Names in the environment are the upper-case names here."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str | None = None
    """PostgreSQL address (postgresql://…). None: an embedded server under `var_dir`."""
    redis_url: str | None = None
    """Redis or Valkey address. None: an embedded server under `var_dir`."""
    var_dir: Path = Field(default=Path("var"))
    """Where the embedded servers, the secret key and the logs live."""
    secret_key: SecretStr | None = None
    """Signs cookies and links. None: made once and kept in `var_dir` with mode 0600."""
    contact_pepper: SecretStr | None = None
    """Keys the hashes by which numbers and addresses are compared across practices. None: kept in `var_dir`."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str | None = None
    """The address people reach us by, for links in emails. None: http://host:port, for 0.0.0.0 with our own address."""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies in front are ours (their X-Forwarded-* is believed)."""
    web_threads: int = Field(default=16, ge=1, le=200)
    cookie_secure: bool | None = None
    """Send the session cookie over TLS only. None: when `public_url` is https."""

    agent_idle_minutes: int = Field(default=10, ge=1, le=240)
    """An agent with no task in progress is signed out after this many idle minutes (docs/rules.md A12)."""
    idle_minutes: int = Field(default=30, ge=1, le=240)
    """Everybody else is signed out after this many (164.312 asks it of every screen that shows patients)."""
    session_hours: int = Field(default=12, ge=1, le=24)
    """A sign-in ends after this many hours, whatever happens."""
    lease_minutes: int = Field(default=10, ge=1, le=120)
    """How long a claimed task is held without a sign of life."""
    undo_seconds: int = Field(default=60, ge=0, le=300)
    """How long an outcome can be taken back; what it sends waits as long."""
    attempts_per_day: int = Field(default=2, ge=1, le=3)
    """Calls and texts to one number in any 24 hours, over all practices (docs/rules.md decision 4: never above 3)."""
    attempts_per_person: int = Field(default=8, ge=1, le=30)
    """Calls to one patient of one practice in any 30 days, whatever their cadences still have in store."""
    import_max_mb: int = Field(default=200, ge=1, le=2000)
    """The largest file that can be uploaded in the browser, in MB."""

    agency_name: str = "Loopkeeper"
    """The agency's name, as agents say it."""
    agency_number: str = ""
    """Number to call back, E.164, for practices that gave none of their own."""

    postal_address: str = ""
    """The postal address in the footer of emails to patients. Without one they wait (CAN-SPAM)."""
    smtp_url: str | None = None
    """smtp://user:password@host:port or smtps://…, for emails to staff, practices and patients. With a user the
    connection is encrypted or nothing is sent. None: emails to patients go to the recorder, links are passed on."""
    mail_from: str = "Loopkeeper <no-reply@example.com>"
    log_level: str = "INFO"
    clock_offset_minutes: int = 0
    """Shifts the clock of the whole installation, to try things out of hours. Refused where a message could really
    leave."""

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, url: str | None) -> str | None:
        if not url:
            return None
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        if not url.startswith("postgresql+psycopg://"):
            raise ValueError("DATABASE_URL must be a postgresql:// address; no other database is supported")
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("REDIS_URL must be a redis://, rediss:// or unix:// address")
        return url or None

    @model_validator(mode="after")
    def _moved_clock_reaches_nobody(self) -> "Settings":
        if self.clock_offset_minutes and self.smtp_url:
            raise ValueError("CLOCK_OFFSET_MINUTES moves the clock and only goes with the recorder: unset SMTP_URL")
        return self

    @property
    def address(self) -> str:
        """The address of the first page, without a slash at the end: one that others can reach where we listen to
        others."""
        host = _own_address() if self.host in EVERY_ADDRESS else self.host
        return (self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}").rstrip("/")

    @property
    def is_private(self) -> bool:
        """Whether this machine alone reaches the pages."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return _is_here(self.host) and (public is None or _is_here(public))


EVERY_ADDRESS = {"", "0.0.0.0", "::", "*"}  # noqa: S104 (compared with, not listened on)


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d+){3}", host))


def _own_address() -> str:
    """This machine's address as others have it: the one it would send from. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(sock.getsockname()[0])


@cache
def settings() -> Settings:
    """The settings of this process. Tests call `settings.cache_clear()` after changing the environment."""
    return Settings()
