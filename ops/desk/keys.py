"""The desk's keys: one per action, each agent's own if they like, none at all if they like that better. Pure.

WCAG 2.1.4: a key without a modifier can be switched off or given another letter. A modifier is never used: those belong
to the browser and to screen readers.
"""

from collections.abc import Mapping
from functools import lru_cache
from html import escape

from ops.work.kinds import Kind
from ops.work.outcomes import rules_for

ACTIONS: dict[str, tuple[str, str]] = {
    # action: (key, what it does)
    "next": ("j", "Next task"),
    "number": ("k", "Show the number and call"),
    "hang_up": ("d", "The call has ended"),
    "introduced": ("i", "Tick that the opening was said"),
    "note": ("m", "Write the note"),
    "friend": ("f", "Take down a friend who agreed"),
    "send": ("s", "Send a text or email"),
    "undo": ("z", "Take the last outcome back"),
    "later": ("l", "Snooze"),
    "skip": ("y", "Skip, with a reason"),
    "give_back": ("g", "Release"),
    "pause": ("u", "Take a break"),
    "palette": ("p", "Find an action by its name"),
    "help": ("?", "All keys"),
}
ANSWERS = "123456789"
"""The answers of a script, in their order; 0 is what to leave on a machine. They are not remapped."""
VOICEMAIL = "0"
OUTCOMES = {rule.outcome.value: (rule.key, rule.label) for kind in Kind for rule in rules_for(kind)}
NAMED = ACTIONS | OUTCOMES
"""Everything that has a key: the desk's actions and the outcomes of all kinds."""


class KeyTaken(ValueError):
    """Two actions that can meet on one card have the same key, or a key cannot be one."""


def keys(own: Mapping[str, str]) -> dict[str, str]:
    """The key of every action for somebody with these keys of their own."""
    return {name: own.get(name, key) for name, (key, _) in NAMED.items()}


@lru_cache(maxsize=1024)
def marks(own: tuple[tuple[str, str], ...], on: bool) -> tuple[dict[str, str], dict[str, str]]:
    """For every action the attributes that tell the desk's script (and, where single keys are on, a screen reader) its
    key, and the printed key itself, as HTML. Found once for everybody with the same keys."""
    every = {name: escape(key) for name, key in keys(dict(own)).items()}
    attributes = {
        name: f'data-action="{name}" data-key="{key}"' + (f' aria-keyshortcuts="{key}"' if on else "")
        for name, key in every.items()
    }
    return attributes, {name: f'<kbd aria-hidden="true">{key.upper()}</kbd>' for name, key in every.items()}


def checked(wanted: Mapping[str, str]) -> dict[str, str]:
    """Only what differs from the printed keys, of what somebody wants. Raises KeyTaken, with a sentence."""
    own = {}
    for name, key in wanted.items():
        if name not in NAMED:
            continue
        key = key.strip().lower()
        if len(key) != 1 or not key.isprintable() or key in ANSWERS + VOICEMAIL + " ":
            raise KeyTaken(f"“{NAMED[name][1]}” needs one key, and not a digit: those are the script's answers.")
        if key != NAMED[name][0]:
            own[name] = key
    _check_apart(keys(own))
    return own


def _check_apart(every: Mapping[str, str]) -> None:
    """Of all actions that can be on one card, no two may share a key."""
    for kind in Kind:
        seen: dict[str, str] = {}
        for name in (*ACTIONS, *(rule.outcome.value for rule in rules_for(kind))):
            other = seen.setdefault(every[name], name)
            if other != name:
                raise KeyTaken(
                    f"“{every[name].upper()}” cannot be the key of “{NAMED[other][1]}” and of “{NAMED[name][1]}”."
                )
