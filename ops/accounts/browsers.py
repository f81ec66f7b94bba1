"""What to call a browser in a list of sign-ins: enough for its owner to recognize it."""

NAMES = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
MACHINES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str | None) -> str:
    """ "Firefox on Windows", or the first words of what it calls itself."""
    if not user_agent:
        return "Unknown browser"
    name = next((name for mark, name in NAMES if mark in user_agent), None)
    machine = next((name for mark, name in MACHINES if mark in user_agent), None)
    if name is None:
        return user_agent[:40]
    return f"{name} on {machine}" if machine else name
