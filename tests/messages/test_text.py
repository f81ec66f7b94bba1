"""The pure parts of messages: parts of a text, what may be in one, what a reply means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.contact import segments
from ops.messages import replies, wording
from ops.messages.models import MessageChannel
from ops.messages.replies import Meaning

SMS, EMAIL = MessageChannel.SMS, MessageChannel.EMAIL
TO = "+13055550142"


@pytest.mark.parametrize(
    ("text", "alphabet", "parts"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("ñ" * 160, "GSM-7", 1),
        ("ł" * 70, "UCS-2", 1),
        ("ł" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_a_text_is_cut_at_160_or_70(text, alphabet, parts):
    counted = segments.count(text)
    assert (counted.alphabet, counted.parts) == (alphabet, parts)


def test_a_character_of_two_units_is_never_cut_in_half():
    assert segments.count("a" * 152 + "€" + "a" * 152).parts == 3  # 306 units, but the sign moves to the second part
    assert segments.count("😀" * 66).parts == 2
    assert segments.count("😀" * 67).parts == 3  # 33 fit into 67 units


def test_typographic_marks_become_plain_and_cost_no_part():
    assert segments.plain("“It’s here” – see…\u00a0you") == '"It\'s here" - see... you'
    assert segments.count(segments.plain("’" * 100)).alphabet == "GSM-7"


@given(st.text(alphabet=st.characters(categories=["L", "M"]), max_size=40))
def test_no_letter_of_a_name_is_lost(name):
    import unicodedata

    letters = [each for each in unicodedata.normalize("NFC", name) if each not in "ʼ"]
    kept = [each for each in segments.plain(name) if each not in "'"]
    assert kept == letters


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("Hi {{ patient_first_name }}", "placeholder"),
        ("Hi {% if x %}", "placeholder"),
        ("a" * 1531, "too long: 11 parts"),
        ("Thank you for your visit on 03/14/2026", "date"),
        ("Thank you for your visit on March 14", "date"),
        ("How is your Botox?", "treatment"),
        ("How is your chemical peel?", "treatment"),
    ],
)
def test_what_may_not_be_in_a_text_is_named(body, why):
    assert why in wording.problem(SMS, TO, "", body, private=["Chemical peel"])


@pytest.mark.parametrize(
    "body",
    [
        "Hi Ana, it's Glow Studio. Thank you for thinking of us. Reply STOP to opt out.",
        "Appealing to peels? no: appeal",
        "Book at https://glow.example.com/2026-03-14/peel or glow.example.com/peel",
        "a" * 1530,
        "You may 1 day hear from us",
    ],
)
def test_an_ordinary_text_may_be_sent(body):
    assert wording.problem(SMS, TO, "", body, private=["peel"]) is None


def test_what_the_practice_says_of_itself_tells_nothing_about_the_patient():
    body = "it's The Peel Bar. A note to pass on: gentle peels."
    assert wording.problem(SMS, TO, "", body, private=["peel", "peels"], public="The Peel Bar: gentle peels") is None


@pytest.mark.parametrize("to", ["", "305-555-0142", "+1305555014a", "ana@example.com"])
def test_a_text_goes_to_a_number_only(to):
    assert "number" in wording.problem(SMS, to, "", "Hello")


@pytest.mark.parametrize("to", ["", TO, "ana@", "a b@example.com", "a@example.com\nBcc: b@example.com", "a@b"])
def test_an_email_goes_to_an_address_only(to):
    assert "address" in wording.problem(EMAIL, to, "Hello", "Hello")


@pytest.mark.parametrize("subject", ["", "two\nlines", "a" * 201])
def test_an_email_needs_a_subject_of_one_line(subject):
    assert "subject" in wording.problem(EMAIL, "ana@example.com", subject, "Hello")


@pytest.mark.parametrize(
    "body",
    [
        "stop",
        "STOP",
        " Stop. ",
        "“Stop!”",
        "stop please",
        "Please STOP",
        "opt out",
        "OPT-OUT",
        "Optout",
        "unsubscribe",
        "quit",
        "End",
        "revoke",
        "cancel",
        "STOPALL",
        "Alto",
        "BAJA",
        "Cancelar",
        "no más",
        "NO MAS!",
        "por favor, baja",
    ],
)
def test_a_stop_word_alone_is_a_stop(body):
    assert replies.meaning(body) is Meaning.STOP


@pytest.mark.parametrize(
    "body",
    [
        "Stop texting me so early",
        "can I please stop",
        "don't text me at work",
        "Do not contact me before noon",
        "take me off your list of Friday visits",
        "wrong number",
        "I want to cancel my appointment",
        "In the end I loved it",
        "ya no me escriban hoy",
    ],
)
def test_what_may_mean_stop_is_left_to_a_person(body):
    assert replies.meaning(body) is Meaning.MAYBE_STOP


@pytest.mark.parametrize(
    "body", ["Thank you!", "Nonstop fun this weekend", "yes, my sister", "", "👍", "Lo recomiendo"]
)
def test_an_ordinary_reply_is_neither(body):
    assert replies.meaning(body) is Meaning.OTHER


def test_the_message_an_email_answers_does_not_count_as_what_they_wrote():
    quoted = "Lovely, thanks\n\nOn Tue, Glow wrote:\n> Reply STOP to opt out"
    assert replies.meaning(quoted) is Meaning.OTHER
    assert replies.meaning("stop\n\nOn Tue, Glow wrote:\n> Hello") is Meaning.STOP
