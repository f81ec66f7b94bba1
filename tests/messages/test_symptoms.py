"""Words that speak of a symptom, in English and Spanish."""

import pytest

from ops.messages.replies import Meaning, meaning, symptoms_in

THEY_HURT = {
    "My face is still swollen and it hurts a lot": ["swollen", "hurts"],
    "It turned WHITE around the lip!!": ["turned white"],
    "I can’t see well out of one eye": ["cant see"],
    "my eyelid is drooping": ["drooping"],
    "trouble breathing since the shot": ["trouble breathing"],
    "Threw up all night, is it the medicine?": ["threw up"],
    "I think it is infected, there is pus": ["infected", "pus"],
    "should i go to the ER": ["the er"],
    "Me duele mucho y está hinchado": ["duele", "hinchado"],
    "tengo moretón y fiebre": ["moreton", "fiebre"],
    "No puedo respirar bien": ["no puedo respirar"],
    "veo borroso": ["borroso"],
    "Estoy muy mareada": ["mareada"],
    "me salieron ronchas": ["ronchas"],
    "me siento fatal, va peor": ["va peor"],
    "No pain at all, thank you": ["pain"],
}
"""Also what only names it: that costs a look."""
THEY_DO_NOT = [
    "Thank you so much, I love it!",
    "Call me back on Thursday",
    "I can't keep my appointment, can I move it?",
    "No puedo ir el jueves",
    "Gracias, todo bien",
    "yes my sister would love this",
    "This is the painter, wrong number",
    "",
    "👍",
]


@pytest.mark.parametrize(("body", "words"), THEY_HURT.items())
def test_what_speaks_of_a_symptom_is_found_with_its_words(body, words):
    assert symptoms_in(body) == words


def test_ordinary_replies_are_not_urgent():
    assert [body for body in THEY_DO_NOT if symptoms_in(body)] == []


def test_what_we_wrote_ourselves_and_they_quote_is_not_theirs():
    assert symptoms_in("fine, thanks\n> any pain or swelling?") == []


def test_a_stop_that_speaks_of_a_symptom_is_both():
    body = "Stop texting me, my face is swollen"
    assert (meaning(body), symptoms_in(body)) == (Meaning.STOP, ["swollen"])
