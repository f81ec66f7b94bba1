"""The agency's own scripts, as a new installation starts with them. They are data from then on and can be edited.

The openings carry the duties of docs/rules.md A6: the agent's first and last name, the practice, on whose behalf, the
purpose and the callback number in the first ten seconds. Texts, emails and what is left on a machine name neither
treatment, date nor condition (docs/rules.md A12). A test publishes each of them by the rules that everybody else's are
held to.
"""

from ops.scripts.defaults.ask import ASK
from ops.scripts.defaults.calls import CALLS
from ops.scripts.defaults.shape import Default, flowing
from ops.scripts.defaults.written import WRITTEN

__all__ = ["DEFAULTS", "Default"]

DEFAULTS: tuple[Default, ...] = (*(call._replace(body=flowing(call.body)) for call in (ASK, *CALLS)), *WRITTEN)
