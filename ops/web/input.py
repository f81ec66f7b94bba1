"""Input no database can hold is refused at the door, so that views need not think of it: 404 in an address, 400 in a
body.
"""

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, ValidationError

BIGGEST_ID = 2**63 - 1


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


def refuse_nul_in_body() -> None:
    """400 for a form field with a NUL or half a character. After the access check: strangers' bodies are not read."""
    if request.method in ("POST", "PUT", "PATCH", "DELETE") and not all(
        _storable(part) for pair in request.form.items(multi=True) for part in pair
    ):
        abort(400)


def _storable(text: str) -> bool:
    """Whether PostgreSQL can store it as text: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
