"""The other calls."""

from ops.scripts.defaults.shape import COMMON, NOT_HAPPY, VOICEMAIL, Default, opening
from ops.scripts.models import Medium

FRIEND_COMMON = """
## "Not a good moment" -> callback
Of course. When suits you better? I will call you then.

## "How did you get my number?"
You gave it for {{ practice_spoken_name }} to call you. If that was not you, tell me and I delete it at once.

## "Who sent me?"
I would rather leave that to them. I am glad that you asked for the call.

> Never say who sent them, and never speak about anybody else's treatment.

## "Who do you work for?"
I work for {{ agency_name }}. We make first calls for {{ practice_spoken_name }}, and what you tell me goes to them and
to nobody else.

## "Please do not call me again" -> remove_me
I am sorry for the trouble. I take you off the list now. Goodbye.

> End the call within ten seconds. Do not ask why.
"""


def _call(kind: str, name: str, *parts: str) -> Default:
    return Default(kind, Medium.CALL, name, "", "".join((*parts, VOICEMAIL)))


CALLS = (
    _call(
        "follow_up",
        "Follow-up call",
        opening("I am calling to see how you are doing."),
        """
## How are you?
Is everything as you hoped? Is there anything you would like to ask the team?

> Anything medical goes to the practice: take the question down, promise a callback, give no advice.

## "All is well" -> all_well
I am glad. The team will be happy to hear it.

## "I have a question for them"
I write it down in your words, and {{ practice_spoken_name }} gets back to you. What would you like to ask?
""",
        NOT_HAPPY,
        COMMON,
        """
## Close
Thank you for your time, {{ patient_first_name }}.
""",
    ),
    _call(
        "friend_follow_up",
        "First call to a friend",
        """Hello {{ friend_first_name }}, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of
{{ practice_spoken_name }}. You asked us to call. If we get cut off, the number to call back is {{ callback_number }}.
Is this a good moment?

## What brings you
What would you like to know, and what are you hoping for?

> No advice and no price: the first visit is for that.

## The first visit
The first step is a conversation, with no obligation. Which days suit you best?

## "Yes, I would like a visit" -> friend_booked
Wonderful. I pass on the days, and {{ practice_spoken_name }} confirms the time with you.

## "I'd have to think" -> friend_connected
Of course. May I call once more in a few days? You have the number if you want to be faster.

## "I am not interested" -> friend_declined
Thank you for telling me. We will not call again about this.
""",
        FRIEND_COMMON,
        """
## Close
Thank you, {{ friend_first_name }}.
""",
    ),
    _call(
        "loop_closing",
        "Closing the loop",
        opening("I am calling to say thank you."),
        """
## Thank you
Thank you for thinking of us. It means a lot to the whole team.

> Nothing about the friend: not whether they called, not whether they booked, not what for.

## "Thank you for calling" -> told
It is we who thank you.

## "Did they come?"
That is theirs to tell. What I can say is that we are grateful that you thought of us.
""",
        NOT_HAPPY,
        COMMON,
    ),
    _call(
        "review_request",
        "Asking for a review",
        opening("I am calling with a small request."),
        """
## The request
Many people choose by what others write. Would you share your experience, whatever it was, in your own words?
I can send you the link. Every site is listed there: {{ review_links }}

> The same words to everybody. Never ask for stars, never offer anything, never write it for them.

## "Yes, gladly" -> review_promised
Thank you. I send you the link now.

## "Not now" -> not_now
That is fine. Thank you for your time.
""",
        NOT_HAPPY,
        COMMON,
    ),
    _call(
        "recall",
        "Time for the next visit",
        opening("I am calling because it may be time for your next visit."),
        """
## The next visit
Would you like me to ask the team for a time that suits you? Which days are good?

## "Yes, please" -> answered
I pass the days on, and {{ practice_spoken_name }} confirms the time with you.

## "Not now" -> not_now
Of course. You can book whenever it suits you, at {{ callback_number }}.

## "Is it too late already?"
That is for the team to say. I have them call you.
""",
        NOT_HAPPY,
        COMMON,
    ),
    _call(
        "reply",
        "Answering a message",
        opening("You wrote to us, and I would like to answer."),
        """
## Their message
Read their words back to them, answer what you may, and take down what only the practice can answer.

> Anything medical goes to the practice: no advice, and a promise to call back only with a time.

## "That answers it" -> answered
I am glad. Thank you for writing.
""",
        NOT_HAPPY,
        COMMON,
    ),
    _call(
        "partner_touch",
        "A partner",
        """Hello, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of {{ practice_spoken_name }},
about sending each other the right people. The number to call back is {{ callback_number }}. Is this a good moment?

## Why
We see many people who would be in good hands with you, and the other way round. We are at our best with
{{ helps_best }}. May I send you one page about us?

## "Yes, send it" -> answered
Thank you. To which address?

## "Do you pay for referrals?"
No, and we ask for nothing either. It is about the right hands for the right people.

## "Not a good moment" -> callback
Of course. When suits you better?

## "Who do you work for?"
I work for {{ agency_name }}. We make calls for {{ practice_spoken_name }}.

## "Please do not call me again" -> remove_me
I am sorry for the trouble. I take you off the list now. Goodbye.
""",
    ),
)
