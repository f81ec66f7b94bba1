"""Uploading files in the browser, in tests, and reading the page that answers."""

import io
import re

from ops.db import db
from ops.imports.models import Import


def text(answer) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)).split())


def upload(browser, *files: tuple[str, str | bytes], slug: str = "lake") -> str:
    """The address of the import that came of it."""
    parts = [(io.BytesIO(content.encode() if isinstance(content, str) else content), name) for name, content in files]
    answer = browser.post(f"/practices/{slug}/imports/upload", data={"files": parts}, expect=303)
    assert re.fullmatch(rf"/practices/{slug}/imports/\d+", answer.location)
    return answer.location


def number(address: str) -> int:
    return int(address.rpartition("/")[2])


def the_file(address: str) -> int:
    return db.session.get_one(Import, number(address)).files[0].id
