"""What the default calls have in common."""

from typing import NamedTuple

from ops.scripts.models import Medium


class Default(NamedTuple):
    kind: str
    medium: Medium
    name: str
    subject: str
    body: str


OPENING = (
    "Hello {{ patient_first_name }}, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of "
    "{{ practice_spoken_name }}. {{ PURPOSE }} If we get cut off, the number to call back is {{ callback_number }}. "
    "Is this a good moment?\n"
)
COMMON = """
## "Not a good moment" -> callback
Of course. When suits you better? I will call you then.

> Their time, not yours: say it back to them before you hang up.

## "How did you get my number?"
{{ practice_spoken_name }} has it from you, and I call for the team. If you would rather not be called, say so and I see
to it at once.

## "Who do you work for?"
I work for {{ agency_name }}. We make calls for {{ practice_spoken_name }}, with the team's knowledge, and what you tell
me goes to them and to nobody else.

## "Please do not call me again" -> remove_me
I am sorry for the trouble. I take you off the list now. Goodbye.

> End the call within ten seconds. Do not ask why.
"""
"""What anybody may answer to a call, whatever it is about."""
NOT_HAPPY = """
## "I was not happy" -> not_happy
Thank you for telling me. I am sorry to hear it. I pass this on today, and somebody from {{ practice_spoken_name }} will
call you. Is there anything they should know before?

> Listen, write it down in their words, promise nothing medical. Nothing else on this call.
"""
VOICEMAIL = """
## Voicemail
Hello, this is {{ agent_first_name }} from {{ practice_spoken_name }}. Please call us back at {{ callback_number }}.
That is {{ callback_number }}. Thank you.
"""


def flowing(text: str) -> str:
    """A paragraph as one line: the lines above are broken for who reads the code, the editor breaks its own."""
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        if lines and lines[-1] and line and not line.startswith("##") and not lines[-1].startswith("##"):
            lines[-1] += " " + line.removeprefix("> ")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def opening(purpose: str) -> str:
    """The first ten seconds, with what the call is about."""
    return OPENING.replace("{{ PURPOSE }}", purpose)
