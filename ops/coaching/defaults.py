"""The scorecard a new agency starts with. It is data from its first use on, and leads change it."""

from ops.coaching.models import Question

QUESTIONS = (
    # (question, weight, critical); the first two are the duties of docs/rules.md A6
    ("Said who calls, for which practice and why, with the number to call back, at the start", 8, True),
    ("Ended at once when they wanted to, and recorded every “do not call me”", 8, True),
    ("Asked the specific question: whom the practice helps best", 7, False),
    ("Listened: let them finish, and took up what they said", 6, False),
    ("Chose the outcome that fits what was said", 6, False),
    ("Promised only what the practice does, and kept the promise", 5, False),
    ("The note helps whoever calls next", 3, False),
)


def questions() -> list[Question]:
    """The default questions, not yet of any scorecard."""
    return [
        Question(position=position, words=words, weight=weight, critical=critical)
        for position, (words, weight, critical) in enumerate(QUESTIONS, 1)
    ]
