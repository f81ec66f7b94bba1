"""Input no database can hold is refused at the door, so that views need not think of it: 404 in an address, 400 in a
body.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from werkzeug.routing import IntegerConverter, ValidationError

View = TypeVar("View", bound=Callable[..., Any])

BIGGEST_ID = 2**63 - 1
BIGGEST_FORM = 2 * 1024 * 1024
"""Bytes of a form. Views marked `@takes_files` take more (MAX_CONTENT_LENGTH), and only as files, which go to disk."""


def takes_files(view: View) -> View:
    """Mark a view that takes uploads."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


class IdConverter(IntegerConverter):
    """`<int:…>` in an address: 0 up to the largest bigint. Anything else is no address of ours."""

    def to_python(self, value: str) -> int:
        if len(value) > 19 or not value.isascii():
            raise ValidationError
        number = int(super().to_python(value))
        if number > BIGGEST_ID:
            raise ValidationError
        return number


def prepare(app: Flask) -> None:
    """Install the converter and the check of addresses."""
    app.url_map.converters["int"] = IdConverter
    app.before_request(refuse_bad_address)


def refuse_bad_address() -> None:
    """404 for a path with bytes that are not text, 400 for such a query."""
    if not _storable(request.path):
        abort(404)
    if not all(_storable(part) for pair in request.args.items(multi=True) for part in pair):
        abort(400)


def limit_body() -> None:
    """Have the body refused (413) before it fills the memory: a form that is no upload is read whole."""
    view = current_app.view_functions.get(request.endpoint or "")
    if not (getattr(view, "takes_files", False) and request.mimetype == "multipart/form-data"):
        request.max_content_length = BIGGEST_FORM


def refuse_nul_in_body() -> None:
    """400 for a form field with a NUL or half a character. After the access check: strangers' bodies are not read."""
    if request.method in ("POST", "PUT", "PATCH", "DELETE") and not all(
        _storable(part) for pair in request.form.items(multi=True) for part in pair
    ):
        abort(400)


def _storable(text: str) -> bool:
    """Whether PostgreSQL can store it as text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
