"""Styles and scripts: asked for once, kept for a year under an address of their content, compressed.

Pages themselves are not compressed: they hold a form token beside what people typed, and the length of such a page,
compressed, can tell the one by the other (BREACH).
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_compress import Compress

ENDPOINTS = frozenset({"static", "bootstrap.static"})
A_YEAR_S = 31_536_000


def prepare(app: Flask) -> None:
    """Address static files by their content, and compress them. Before the headers, which come after."""
    app.config.update(
        COMPRESS_MIMETYPES=["text/css", "text/javascript", "application/javascript", "image/svg+xml"],
        COMPRESS_STREAMING_ENDPOINT_CONDITIONAL=sorted(ENDPOINTS),
    )
    app.get_send_file_max_age = _max_age  # type: ignore[method-assign]
    app.url_defaults(_with_version)
    app.jinja_env.globals["asset"] = asset
    Compress(app)


def _max_age(filename: str | None) -> int | None:
    return A_YEAR_S if "v" in request.args else None


def _with_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint not in ENDPOINTS or "v" in values:
        return
    owner = current_app if endpoint == "static" else current_app.blueprints["bootstrap"]
    version = _version(Path(owner.static_folder or "") / values["filename"])
    if version:
        values["v"] = version


def asset(name: str, owner: str = "static") -> str:
    """The address of a style or script, found once per process: each page has several."""
    known: dict[tuple[str, str], str] = current_app.extensions.setdefault("asset_addresses", {})
    if (owner, name) not in known:
        known[owner, name] = url_for(owner, filename=name)
    return known[owner, name]


@lru_cache(maxsize=256)
def _version(path: Path) -> str | None:
    """The first digits of the file's hash, found once per process; None when there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else None
