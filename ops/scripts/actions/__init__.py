"""Writing, publishing, approving and trying what is said."""

from ops.scripts.actions.first import ensure_defaults

__all__ = ["ensure_defaults"]
