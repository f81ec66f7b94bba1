"""The agency's own scripts, as a new installation starts with them. They are data from then on and can be edited.

The openings carry the duties of RULES A6: the agent's first and last name, the practice, on whose behalf, the purpose
and the call-back number in the first ten seconds. Texts and mails name neither treatment, date nor condition (RULES
A12).
"""

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


def _opening(purpose: str) -> str:
    return OPENING.replace("{{ PURPOSE }}", purpose)


CALLS = (
    Default(
        "ask",
        Medium.CALL,
        "The ask",
        "",
        _opening("I am calling to hear how you are doing, and with one question.")
        + """
## How are you?
How have you been feeling about your results?

> Not happy? Stop here: "Thank you for telling me. I will pass this on today, and they will call you." Choose **Not
happy**.

## The ask
I am glad to hear it. {{ practice_spoken_name }} is at its best with {{ helps_best }}.
Who comes to mind when you hear that?

## They know someone
Wonderful. The easiest way: I send you a short note you can forward, and your friend decides.
If your friend is with you and wants us to call, I can take their name now, **with their own yes**.

## They have to think
Of course. May I send you the note, so that it is at hand when it comes up? I will ask again in a week, no more.

## Not now
Thank you for being open with me. That is all I wanted to ask. Have a lovely day.

## Close
Thank you, {{ patient_first_name }}. It means a lot to everyone at {{ practice_spoken_name }}.
""",
    ),
    Default(
        "follow_up",
        Medium.CALL,
        "Follow-up call",
        "",
        _opening("I am calling to see how you are doing.")
        + """
## How are you?
Is everything as you hoped? Is there anything you would like to ask the team?

> Anything medical goes to the practice: take the question down, promise a call back, give no advice.

## Close
Thank you for your time, {{ patient_first_name }}.
""",
    ),
    Default(
        "friend_follow_up",
        Medium.CALL,
        "First call to a friend",
        "",
        """Hello {{ friend_first_name }}, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of {{
        practice_spoken_name }}. You asked us to call. If we get cut off, the number to call back is {{ callback_number
        }}. Is this a good moment?

## What brings you
What would you like to know, and what are you hoping for?

> Do not say who sent them unless they say it first, and never speak about anybody else's treatment.

## The first visit
The first step is a conversation, with no obligation. Which days suit you best?

## Close
Thank you, {{ friend_first_name }}. {{ practice_spoken_name }} will confirm by message.
""",
    ),
    Default(
        "loop_closing",
        Medium.CALL,
        "Closing the loop",
        "",
        _opening("I am calling to say thank you.")
        + """
## Thank you
Thank you for thinking of us. It reached us, and we are taking good care of it.

> Nothing about the friend: not whether they booked, not what for.
""",
    ),
    Default(
        "review_request",
        Medium.CALL,
        "Asking for a review",
        "",
        _opening("I am calling with a small request.")
        + """
## The request
Many people choose by what others write. Would you share your experience, whatever it was, in your own words?
I can send you the link. Every site is listed there: {{ review_links }}
""",
    ),
    Default(
        "recall",
        Medium.CALL,
        "Time for the next visit",
        "",
        _opening("I am calling because it may be time for your next visit.")
        + """
## The next visit
Would you like me to ask the team for a time that suits you?
""",
    ),
    Default(
        "reply",
        Medium.CALL,
        "Answering a message",
        "",
        _opening("You wrote to us, and I would like to answer.")
        + """
## Their message
Read their words back, answer what you may, and take down what only the practice can answer.
""",
    ),
    Default(
        "partner_touch",
        Medium.CALL,
        "A partner",
        "",
        """Hello, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of {{ practice_spoken_name }}.
        The number to call back is {{ callback_number }}.

## Why
We see many people who would be in good hands with you, and the other way round. May I send you one page about us?
""",
    ),
)
TEXTS = (
    Default(
        "ask",
        Medium.SMS,
        "The note to forward",
        "",
        "Hi {{ patient_first_name }}, it's {{ practice_name }}. If a friend comes to mind, here is a note to pass on: "
        "{{ shareable }} {{ website }} Reply STOP to opt out.",
    ),
    Default(
        "ask",
        Medium.EMAIL,
        "The note to forward",
        "Something to pass on from {{ practice_name }}",
        """Hi {{ patient_first_name }},

thank you for being with us. If a friend comes to mind, you are welcome to forward this:

{{ shareable }}
{{ website }}

There is no obligation, for you or for them.

{{ practice_name }}
""",
    ),
    Default(
        "loop_closing",
        Medium.SMS,
        "Thank you for thinking of us",
        "",
        "Hi {{ patient_first_name }}, it's {{ practice_name }}. Thank you for thinking of us. Reply STOP to opt out.",
    ),
    Default(
        "loop_closing",
        Medium.EMAIL,
        "Thank you for thinking of us",
        "Thank you from {{ practice_name }}",
        """Hi {{ patient_first_name }},

thank you for thinking of us. It means a lot.

{{ practice_name }}
""",
    ),
    Default(
        "review_request",
        Medium.SMS,
        "Asking for a review",
        "",
        "Hi {{ patient_first_name }}, it's {{ practice_name }}. Would you share your experience in your own words? "
        "{{ review_links }} Reply STOP to opt out.",
    ),
    Default(
        "review_request",
        Medium.EMAIL,
        "Asking for a review",
        "Your words about {{ practice_name }}",
        """Hi {{ patient_first_name }},

many people choose by what others write. Would you share your experience, whatever it was?

{{ review_links }}

{{ practice_name }}
""",
    ),
    Default(
        "recall",
        Medium.SMS,
        "Time for the next visit",
        "",
        "Hi {{ patient_first_name }}, it's {{ practice_name }}. It may be time for your next visit: {{ website }} "
        "or {{ callback_number }}. Reply STOP to opt out.",
    ),
    Default(
        "recall",
        Medium.EMAIL,
        "Time for the next visit",
        "Your next visit at {{ practice_name }}",
        """Hi {{ patient_first_name }},

it may be time for your next visit. You can book at {{ website }} or call {{ callback_number }}.

{{ practice_name }}
""",
    ),
)
DEFAULTS = CALLS + TEXTS
