"""A rendered call script as safe HTML."""

import nh3
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False})
TAGS = {"p", "h2", "h3", "h4", "strong", "em", "ul", "ol", "li", "blockquote", "br", "hr"}


def to_html(text: str) -> str:
    """Markdown to HTML with a short list of tags and no attributes or links."""
    return nh3.clean(_markdown.render(text), tags=TAGS, attributes={})
