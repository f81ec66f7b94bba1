"""What a script must keep to be stored and to be used, what the parts of a text are, and what changed between two."""

import time

import pytest

from ops.contact import segments
from ops.scripts import diff, rules, values
from ops.scripts.defaults import DEFAULTS
from ops.scripts.diff import DiffKind
from ops.scripts.models import Medium
from ops.scripts.outline import Part, outline
from ops.scripts.preview import jumps, preview
from ops.scripts.render import VARIABLES, ScriptError, render
from ops.scripts.rules import Text, publish_problems, save_problems
from ops.scripts.words import WORK
from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, rules_for

KNOWN = {name: VARIABLES[name] for name in values.OF_PRACTICE}
OPENING = (
    "Hello {{ patient_first_name }}, this is {{ agent_first_name }} {{ agent_last_name }}, calling on behalf of "
    "{{ practice_spoken_name }}. Call back at {{ callback_number }}.\n"
)
SMS = "Hi {{ patient_first_name }}, it's {{ practice_name }}. {{ website }} Reply STOP to opt out."


def call(body, kind="ask"):
    return Text(kind, Medium.CALL, "", body)


def sms(body, kind="ask"):
    return Text(kind, Medium.SMS, "", body)


def saving(text):
    return " ".join(save_problems(text, [outcome.value for outcome in Outcome]))


def publishing(text, known=KNOWN, **more):
    assert saving(text) == ""
    return " ".join(publish_problems(text, known, **more))


@pytest.mark.parametrize("default", DEFAULTS, ids=lambda each: f"{each.kind}-{each.medium}")
def test_each_default_may_be_published_and_leads_to_outcomes_of_its_kind(default):
    text = Text(default.kind, default.medium, default.subject, default.body)
    assert save_problems(text, list(WORK[default.kind].outcomes)) == []
    assert publish_problems(text, KNOWN) == []


@pytest.mark.parametrize("kind", Kind, ids=str)
def test_every_kind_of_work_has_a_call_with_a_voicemail_that_says_little(kind):
    [default] = [each for each in DEFAULTS if (each.kind, each.medium) == (kind, Medium.CALL)]
    [left] = [part.text for part in outline(default.body) if part.part is Part.VOICEMAIL]
    assert set(rules.render.variables_in(left)) == {"agent_first_name", "practice_spoken_name", "callback_number"}


def test_the_ask_answers_what_people_say():
    [default] = [each for each in DEFAULTS if (each.kind, each.medium) == ("ask", Medium.CALL)]
    said = {part.title: part.outcome for part in outline(default.body) if part.part is Part.ANSWER}
    assert said["I'd have to think"] == "thinking"
    assert said["Not now"] == "not_now"
    assert said["I already told a friend"] == "already_told"
    assert said["I was not happy"] == "not_happy"
    assert {"How did you get my number?", "I don't like selling to friends", "Who do you work for?"} <= set(said)


def test_every_text_and_email_that_is_sent_from_a_card_has_a_default():
    have = {(each.kind, each.medium) for each in DEFAULTS}
    for kind in ("ask", "follow_up", "friend_follow_up", "loop_closing", "reply", "review_request", "recall"):
        assert {(kind, Medium.SMS), (kind, Medium.EMAIL)} <= have


def test_outcomes_that_scripts_may_name_are_those_the_queue_offers():
    for kind, work in WORK.items():
        assert list(work.outcomes) == [rule.outcome.value for rule in rules_for(Kind(kind))]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "empty"),
        ("   \n ", "empty"),
        ("{% if %}", "cannot be read"),
        ("{{ patient_first_name", "“{{” in line 1 is not closed"),
        ("{{ shoe_size }}", "Unknown variable: shoe_size"),
        ("{{ friend_first_name }}", "only known in a call, text or email to a friend"),
        ("## The ask\nHello", "The opening is missing"),
        ("Hello\n## \nwords", "no words"),
        ("Hello\n## The ask\n", "Nothing stands under “The ask”"),
        ('Hello\n## "Not now" -> maybe\nFine', "“maybe” is no outcome"),
        ("Hello\n## Not now -> not_now\nFine", "put what they say in quotation marks"),
        ('Hello\n## "Not now"\nFine\n## "not now"\nFine', "stands there twice"),
        ("Hello\n## Voicemail\nA\n## Voicemail\nB", "two parts called Voicemail"),
        ("Hello" + "\n## A\nb" * 61, "62 parts"),
        ("a" * 20_001, "too long"),
        ("{% for i in (1..1000) %}{{ i }}{% endfor %}", "unexpected tag 'for'"),
        ("{{ 'x' | date: 5, 6, 7 }}", "cannot be said"),
        ("{% comment %}Hello{% endcomment %}", "Nothing is left"),
        ("Hello {% comment %}\n## The ask\nWho?\n{% endcomment %}", "In the opening: The script cannot be read"),
        # what only some patients hear was read by nobody before it was published: not even the STOP line
        ("Hi{% if patient_first_name == 'Ada' %} Reply STOP to opt out.{% endif %}", "unexpected tag 'if'"),
        ("{% unless patient_first_name == 'Ada' %}Hello{% endunless %}", "unexpected tag 'unless'"),
        ("{% case practice_name %}{% when 'A' %}Hello{% endcase %}", "unexpected tag 'case'"),
        ("Hello {% assign x = 'y' %}\n## The ask\nWho is {{ x }}?", "what only another part says"),
    ],
)
def test_a_call_that_cannot_be_said_is_not_stored_and_the_reason_is_a_sentence(body, why):
    assert why in saving(call(body))


ODD = [
    "{{",
    "{%",
    "{{ ",
    "{% raw %}",
    "{% comment %}",
    "{{ ((((",
    "{{ a" + "[" * 500,
    "{{ x }}",
    "{{ 'x' | upcase }}{%",
]
ODD += [
    "{{ practice_name " + "| upcase " * 900 + "}}",
    "{{ " + "(" * 9000 + "}}",
    "a.",
    "a-",
    "*_",
    "[",
    "##\n",
    "{{}}",
]


def test_however_odd_a_text_is_it_is_refused_or_read_at_once():
    for odd in ODD:
        for medium in Medium:
            body = ("Hello, it's {{ practice_name }}.\n" + odd * 20_000)[: rules.MAX_BODY]
            text = Text("ask", medium, "Hello" if medium is Medium.EMAIL else "", body)
            began = time.process_time()
            if not (found := save_problems(text, [])):
                found = publish_problems(text, KNOWN, private=["Toxin"])
            assert time.process_time() - began < 0.5, f"{odd[:40]} in {medium}"
            assert all(len(why) < 300 for why in found), f"{odd[:40]} in {medium}"


@pytest.mark.parametrize(
    "endless",
    [
        "{% assign a = 9 %}{% for i in (1..40) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
        '{% assign a = "x" %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a | size }}',
        '{{ "x"' + ' | replace: "x", "xxxxxxxxxx"' * 9 + " | size }}",
        '{{ (1..1000000000) | join: "" | size }}',
        '{{ "now" | date: "%1000000000d" | size }}',
        "{% capture a %}xx{% endcapture %}{% for i in (1..40) %}"
        "{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
        "{% tablerow i in (1..1000000000) cols:1 %}{{ i }}{% endtablerow %}",
    ],
)
def test_a_script_that_would_fill_the_memory_or_never_end_is_refused_at_once(endless):
    began = time.monotonic()
    assert "cannot be" in saving(call(f"Hello {endless}"))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "odd", ["😀" * 4000, "‮txet‬", "<script>alert(1)</script>", "{{ '}}' }} %} {%", "\u0000", "((((" * 3000]
)
def test_whatever_is_typed_is_judged_and_never_breaks(odd):
    for medium in Medium:
        save_problems(Text("ask", medium, "About us", odd), ["willing"])
        preview(Text("ask", medium, "About us", odd), KNOWN, values.PEOPLE)
    jumps(odd)


def test_a_script_for_a_friend_never_names_who_sent_them():
    for name in ("patient_first_name", "referrer_first_name"):
        assert "must not be named" in saving(call(f"Hello {{{{ {name} }}}}", "friend_follow_up"))


def test_texts_know_no_agent_and_no_treatment():
    assert "only known in calls" in saving(sms(SMS + "{{ agent_first_name }}"))
    assert "must not stand in texts" in saving(sms(SMS + "{{ treatment_category }}"))


def test_an_email_needs_a_subject_of_one_line():
    for subject, why in (("", "needs a subject"), ("a\nb", "one line"), ("x" * 201, "one line")):
        assert why in saving(Text("ask", Medium.EMAIL, subject, "Hello"))
    assert "Only emails" in saving(Text("ask", Medium.SMS, "Hello", SMS))


def test_a_text_of_more_than_ten_parts_is_not_stored():
    assert "too long" in saving(sms("{{ practice_name }} STOP " + "é" * 1600))


@pytest.mark.parametrize(
    ("taken_out", "why"),
    [
        ("{{ agent_last_name }}", "first and last name"),
        ("{{ agent_first_name }}", "first and last name"),
        ("on behalf of ", "on whose behalf"),
        ("{{ practice_spoken_name }}", "on whose behalf"),
        ("{{ callback_number }}", "number to call back"),
    ],
)
def test_an_opening_without_one_of_its_duties_is_not_published(taken_out, why):
    assert publishing(call(OPENING)) == ""
    assert why in publishing(call(OPENING.replace(taken_out, "") + "\n## More\n" + OPENING))


def test_a_practice_named_in_plain_words_or_equivalent_words_count_too():
    body = OPENING.replace("{{ practice_spoken_name }}", "Harbor Skin").replace(
        "on behalf of", "for the team, calling for"
    )
    assert publishing(call(body)) == ""
    assert "on whose behalf" in publishing(call(body.replace("Harbor Skin", "Lake Derm")))


def test_a_voicemail_tells_nothing_of_a_treatment_and_gives_the_number():
    def left(words):
        return publishing(call(f"{OPENING}\n## Voicemail\n{words}"), private=["Toxin"])

    assert left("It is {{ practice_name }}, call {{ callback_number }}.") == ""
    assert "treatment_category" in left("Your {{ treatment_category }}: call {{ callback_number }}.")
    assert "Toxin" in left("About your toxin: call {{ callback_number }}.")
    assert "number to call back" in left("It is {{ practice_name }}.")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (SMS.replace("Reply STOP to opt out.", ""), "how to get no more"),
        (SMS.replace("STOP", "stop"), "how to get no more"),
        (SMS.replace("{{ practice_name }}", "us"), "who writes"),
        (SMS + " Since 3 March 12th: March 12", "names a date"),
        (SMS + " Botox", "names a treatment"),
        (SMS + " Toxin", "names a treatment"),
    ],
)
def test_a_text_that_tells_too_much_or_offers_no_way_out_is_not_published(words, why):
    assert publishing(sms(SMS), private=["Toxin"]) == ""
    assert why in publishing(sms(words), private=["Toxin"])


def test_what_the_practice_has_not_told_is_an_error_and_not_a_blank():
    told = {name: value for name, value in KNOWN.items() if name != "shareable"}
    text = sms(SMS + " {{ shareable }}")
    assert publishing(text, told) == "The practice has not told us: shareable."
    assert rules.missing(text, told) == ["shareable"]
    assert preview(text, told, values.PEOPLE).unknown == ("shareable",)
    with pytest.raises(ScriptError):
        render(text.body, values.PEOPLE | told)


def test_a_preview_counts_parts_with_long_names_too():
    shown = preview(sms(SMS + "x" * 75), KNOWN, values.PEOPLE)
    assert shown.segments and shown.longest
    assert (shown.segments.parts, shown.longest.parts) == (1, 2)
    assert shown.segments == segments.count(shown.words)


def test_a_preview_shows_markup_of_values_as_text_and_runs_nothing():
    shown = preview(call("Hello {{ shareable }}"), {"shareable": "<img src=x onerror=alert(1)>"}, values.PEOPLE)
    assert "<img" not in shown.parts[0].html


def test_the_outline_says_where_each_part_begins():
    body = 'Hello\n\n## The ask\nWho?\n## "Not now" -> not_now\r\nFine\n## Voicemail\nBye'
    assert [(title, part, line) for _, title, part, line in jumps(body)] == [
        ("Opening", Part.OPENING, 0),
        ("The ask", Part.SAY, 2),
        ("Not now", Part.ANSWER, 4),
        ("Voicemail", Part.VOICEMAIL, 6),
    ]


def test_the_longest_of_every_practice_is_what_the_agencys_text_is_counted_with():
    found = values.longest([{"practice_name": "Lake"}, {"practice_name": "Riverside Dermatology"}])
    assert found["practice_name"] == "Riverside Dermatology"
    assert found["website"] == VARIABLES["website"]


def test_a_difference_is_told_by_line_with_the_words_marked():
    old, new = "Hello\nWho comes to mind?\nBye", "Hello\nWho comes to your mind?\nBye\nNow"
    told = diff.lines(old, new)
    assert [line.change for line in told] == [DiffKind.SAME, DiffKind.OUT, DiffKind.IN, DiffKind.SAME, DiffKind.IN]
    assert [words for words, marked in told[2].pieces if marked] == ["your "]
    assert "".join(words for words, _ in told[2].pieces) == "Who comes to your mind?"


def test_a_difference_keeps_every_word_and_takes_no_age():
    old, new = "a b " * 5000, "b a " * 5000
    told = diff.lines(old, new)
    assert "".join(words for words, _ in told[0].pieces) == old
    lines = "\n".join(["same"] * 3000 + ["x"])
    assert diff.lines(lines, "y\n" + lines)[0].change is DiffKind.IN
