"""The ask: the call everything else is for."""

from ops.scripts.defaults.shape import COMMON, NOT_HAPPY, VOICEMAIL, Default, opening
from ops.scripts.models import Medium

ASK = Default(
    "ask",
    Medium.CALL,
    "The ask",
    "",
    opening("I am calling to hear how you are doing, and with one question.")
    + """
## How are you?
How have you been feeling about your results?

> Wait for the answer. If it is not a glad one, go to “I was not happy”.

## The ask
I am glad to hear it. {{ practice_spoken_name }} is at its best with {{ helps_best }}.
Who comes to mind when you hear that?

> Then be silent. Most people need five seconds.

## "I know someone" -> willing
Wonderful. The easiest way: I send you a short note that you can forward, and your friend decides. Shall I?

> If the friend is with them and wants a call, take the name **with the friend's own yes**. Never on the patient's word
> alone.

## "I'd have to think" -> thinking
Of course. May I send you the note, so that it is at hand when it comes up? I will ask once more in a week, and no more.

## "Not now" -> not_now
Thank you for being open with me. That is all I wanted to ask.

## "I already told a friend" -> already_told
That means a lot to the team, thank you. Did they find their way? I can send you the note for them, in case it helps.

## "I don't want to be asked" -> never
Understood, and thank you for saying so. Nobody will ask you again.
"""
    + NOT_HAPPY
    + """
## "I don't like selling to friends"
I understand, and there is nothing to sell. You forward a note or you do not; whoever gets it decides alone, and you get
nothing for it either way.

## "What do I get for it?"
Nothing, and that is on purpose: your friends should know that you mean it.
"""
    + COMMON
    + """
## Close
Thank you, {{ patient_first_name }}. It means a lot to everyone at {{ practice_spoken_name }}. Have a lovely day.
"""
    + VOICEMAIL,
)
