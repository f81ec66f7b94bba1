"""Pages of accounts: the doors (`doors`), one's own account (`own`), everybody's (`people`), emails to them
(`mails`)."""

from typing import cast

from flask import Blueprint, Flask

from ops.accounts import access

bp = Blueprint("accounts", __name__)
bp.record_once(lambda state: access.install(cast(Flask, state.app)))

from ops.accounts.views import doors, mails, own, people  # noqa: E402,F401  (they add their routes to bp)
