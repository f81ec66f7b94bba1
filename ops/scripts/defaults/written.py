"""The texts and emails. Each text says how to get no more of them: any may be the first."""

from ops.scripts.defaults.shape import Default
from ops.scripts.models import Medium

HELLO = "Hi {{ patient_first_name }}, it's {{ practice_name }}. "
STOP = " Reply STOP to opt out."


def _text(kind: str, name: str, words: str, hello: str = HELLO) -> Default:
    return Default(kind, Medium.SMS, name, "", f"{hello}{words}{STOP}")


def _mail(kind: str, name: str, subject: str, words: str, hello: str = "{{ patient_first_name }}") -> Default:
    return Default(kind, Medium.EMAIL, name, subject, f"Hi {hello},\n\n{words}\n\n{{{{ practice_name }}}}\n")


WRITTEN = (
    _text(
        "ask",
        "The note to forward",
        "If a friend comes to mind, here is a note to pass on: {{ shareable }} {{ website }}",
    ),
    _mail(
        "ask",
        "The note to forward",
        "Something to pass on from {{ practice_name }}",
        "thank you for being with us. If a friend comes to mind, you are welcome to forward this:\n\n"
        "{{ shareable }}\n{{ website }}\n\nThere is no obligation, for you or for them.",
    ),
    _text("follow_up", "How are you?", "How are you doing? If you have a question, call us: {{ callback_number }}"),
    _mail(
        "follow_up",
        "How are you?",
        "A question from {{ practice_name }}",
        "how are you doing? If there is anything you would like to ask the team, answer this email or call "
        "{{ callback_number }}.",
    ),
    _text(
        "friend_follow_up",
        "Where to find us",
        "You asked to hear from us: {{ website }} or call {{ callback_number }}.",
        "Hi {{ friend_first_name }}, it's {{ practice_name }}. ",
    ),
    _mail(
        "friend_follow_up",
        "Where to find us",
        "You asked to hear from {{ practice_name }}",
        "you asked to hear from us. This is where to find us: {{ website }}. If you would rather talk, call "
        "{{ callback_number }}. The first step is a conversation, with no obligation.",
        "{{ friend_first_name }}",
    ),
    _text("loop_closing", "Thank you for thinking of us", "Thank you for thinking of us."),
    _mail(
        "loop_closing",
        "Thank you for thinking of us",
        "Thank you from {{ practice_name }}",
        "thank you for thinking of us. It means a lot.",
    ),
    _text("reply", "Answering a message", "Thank you for your message. Please call us: {{ callback_number }}."),
    _mail(
        "reply",
        "Answering a message",
        "Your message to {{ practice_name }}",
        "thank you for your message. So that we answer it well, please call us at {{ callback_number }}, or answer "
        "this email with a time that suits you.",
    ),
    _text(
        "review_request",
        "Asking for a review",
        "Would you share your experience in your own words? {{ review_links }}",
    ),
    _mail(
        "review_request",
        "Asking for a review",
        "Your words about {{ practice_name }}",
        "many people choose by what others write. Would you share your experience, whatever it was?\n\n"
        "{{ review_links }}",
    ),
    _text(
        "recall",
        "Time for the next visit",
        "It may be time for your next visit: {{ website }} or {{ callback_number }}.",
    ),
    _mail(
        "recall",
        "Time for the next visit",
        "Your next visit at {{ practice_name }}",
        "it may be time for your next visit. You can book at {{ website }} or call {{ callback_number }}.",
    ),
)
