"""What people read is written for Americans, in the words of the field; a class that is called otherwise leaves the
sentences alone."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPS = ROOT / "ops"
TWO_WORDS = re.compile(r"(?:[A-Z][a-z]+){2,}")
FOR_THE_MAPPER = {
    "CadenceRun.id == foreign(Task.run_id)",
    "TreatmentType.id == foreign(Milestone.treatment_type_id)",
}


def not_read(tree: ast.AST) -> set[int]:
    """The strings of docstrings and annotations, by the id of their node."""
    bodies = (node.body for node in ast.walk(tree) if isinstance(getattr(node, "body", None), list))
    documents = {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}
    types = (getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns"))
    return documents | {id(part) for each in types if each for part in ast.walk(each)}


def test_no_sentence_names_a_class():
    """A rename over all files once made "Friend booked a visit" a "FriendSent booked a visit" in a practice's list."""
    trees = {path.relative_to(OPS).as_posix(): ast.parse(path.read_text()) for path in sorted(OPS.rglob("*.py"))}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef) and TWO_WORDS.fullmatch(node.name)}
    assert "FriendSent" in classes
    for name, tree in trees.items():
        ours = not_read(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in ours:
                said = classes & set(re.findall(r"[A-Za-z]+", node.value)) if " " in node.value else None
                assert not said or node.value in FOR_THE_MAPPER, f"{name}:{node.lineno} says {said}"


_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
RETIRED = {
    # what we say: what we say no more, in any case of letters
    "email": r"\be-mail|(?<![\w./`\"'{=_-])mail(s|ed)?\b(?![\w./`(=_])",
    "email, alone in quotes": r"[\"'>](?-i:[Ee]-mails?|Mails?|a mail)[\"'<]",
    "88%": r"\d %(?![}\w(])|\bper cent\b",
    "Oct 29, 2026": rf"\b\d{{1,2}} {_MONTH} 20\d\d\b|%-?d %[bB]\b",
    "9:05 AM": r"%H:%M %Z",
    "ZIP, color, center": r"\bpost ?codes?\b(?! post)|\b(colour|behaviour|centre|favour|organis|recognis)",
    "assign, reassign": r"\bhand(s|ed|ing)?([ -]\w+){0,2}[ -]over\b|\bhand(ed|s) to\b",
    "in progress, claimed": r"\bin (\w+'s |\w+ )?hands?\b|\bin hand\b",
    "release": r"\bpull(s|ed|ing)?( \w+){0,2} back\b",
    "snooze": r"\bput(s|ting)?( \w+){0,2} off\b",
    "pause": r"\bat rest\b|\blet (it|them) rest\b|\bresting\b|\bwork rest\b"
    r"|\b(it|kinds?|what|that|and) rests?\b(?! o[fn])",
    "assigned to": r"\bkept for (a colleague|them|somebody|anybody|one agent|an agent|who)\b",
    "callback": r"\bcall-backs?\b|\bagreed calls?\b",
    "Do not contact": r"\bremove me\b",
}
SAID_BY_OTHERS = {
    "overseas mail",  # the post
    "in good hands with you",  # what a partner hears
}
WRITTEN_BY_OTHERS = {
    "ops/imports/reading",  # the headers and cells of exports
    "ops/messages/replies.py",  # what patients write, as in the next
    "ops/messages/refusals.py",
}
"""Where each string may be one of theirs, so that our comments alone are looked at."""
READ = [
    *(path for end in ("*.py", "*.html", "*.sql", "*.js") for path in sorted(OPS.rglob(end))),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*.md")),
]


@cache
def written(path: Path) -> tuple[tuple[int, str], ...]:
    """What people read of a file, with its line: strings and comments of code, all of a page but its markup's code."""
    return tuple(_written(path))


def _written(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text()
    match path.suffix:
        case ".py":
            ours = {tokenize.COMMENT} if is_by_others(path) else {tokenize.COMMENT, tokenize.STRING}
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                if token.type in ours:
                    yield token.start[0], token.string
            return
        case ".sql":
            lines = (line.partition("--")[2] for line in text.split("\n"))
        case ".html":
            code = re.sub(r"\{[{%].*?[}%]\}|<[^>]*>", _strings, text, flags=re.DOTALL)
            lines = iter(code.split("\n"))
        case ".md":
            lines = iter(re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", text).split("\n"))
        case _:
            lines = iter(text.split("\n"))
    yield from enumerate(lines, 1)


def is_by_others(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return any(name == place or name.startswith(f"{place}/") for place in WRITTEN_BY_OTHERS)


def _strings(code: re.Match[str]) -> str:
    """The quoted sentences of a tag, on as many lines."""
    said = " ".join(re.findall(r"\"[^\"]* [^\"]*\"|'[^']* [^']*'|>[^<]+<", code[0]))
    return said + "\n" * (code[0].count("\n") - said.count("\n"))


@pytest.mark.parametrize("say", RETIRED)
def test_retired_words_stay_retired(say):
    retired, found = re.compile(RETIRED[say], re.IGNORECASE), []
    for path in READ:
        for number, text in written(path):
            for theirs in SAID_BY_OTHERS:
                text = text.replace(theirs, "")
            if hit := retired.search(text):
                found.append(f"{path.relative_to(ROOT)}:{number} says “{hit[0]}”, not: {say}")
    assert found == []


@pytest.mark.parametrize(
    ("say", "sentences"),
    [
        ("email", ["We have no e-mail address.", "Send a text or mail", "It is mailed to her", "Mails"]),
        ("email, alone in quotes", ["<th>E-mail</th>", '"Mail"', "'a mail'"]),
        ("88%", ["88 % (7 of 8)", "{rate.percent} 5 %, yardstick", "95 per cent"]),
        ("Oct 29, 2026", ["Thu 29 Oct 2026", "on 3 March 2026", "{day:%-d %B}"]),
        ("assign, reassign", ["Hand over…", "handed to Ann", "It was handed over", "a hand-over", "hand it over"]),
        ("in progress, claimed", ["In hands", "in the hands", "a card in hand", "in somebody's hands"]),
        ("release", ["Pull back…", "pulled back", "pull it back"]),
        ("snooze", ["Put it off", "put off by an agent"]),
        ("pause", ["At rest", "Let it rest", "this kind rests", "resting a kind", "have a kind of work rest"]),
        ("assigned to", ["kept for a colleague"]),
        ("callback", ["the call-back number", "an agreed call"]),
        ("Do not contact", ["Remove me"]),
    ],
)
def test_the_guard_knows_them_when_it_sees_them(say, sentences):
    assert [each for each in sentences if not re.search(RETIRED[say], each, re.IGNORECASE)] == []
