"""What holds for every contact the product makes, for which it keeps no row: said once, out loud, with its reason.

Whoever builds the thing that is not there yet (campaigns paid by others, rewards, a registry's file) takes the line out
here and reads the fact from its row instead (docs/gate-facts.md).
"""

from datetime import date
from typing import Final

SCRUBBED_ON: Final[date | None] = None
"""No file of the national do-not-call registry is read in. Patients are called and texted on the practice's relation
with them, whose last day is read from the milestones; whose relation is too old is not called at all (docs/rules.md
A5)."""

STATED_STATE: Final[str | None] = None
"""Nobody notes a state that a person told us, only their zone (`stated_zone`)."""

BASIS: Final = "own_service"
"""Every kind of work is the practice's own: its care, its reviews, its friends. Nobody else pays for a message (there
is no field in which somebody could be named), so no authorization is needed (docs/rules.md A12)."""

LOOP_LEVEL: Final = 0
"""The referrer is thanked when the friend's name reaches us and never told more: `referrals.move_referral` tells of no
later step (docs/rules.md decision 7)."""

LOOP_CONSENT: Final = 0
"""No form asks the friend for more than to be contacted."""

INCENTIVE: Final = False
"""There is no reward to offer: no table, no page, no variable of a script (docs/rules.md decision 9)."""
