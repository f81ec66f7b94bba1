"""The documents keep up with the code: what they name exists, and what has to be named is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.models import metadata

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
CODE = [
    path
    for folder in ("ops", "tests", "migrations", "dev")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".sql", ".csv", ".html", ".js", ".css", ".toml", ".mako"}
]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What a link into the page can point at: its headings, as they are addressed, and what is marked by hand."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", each)).strip().lower() for each in headings]
    return {each.replace(" ", "-") for each in plain} | set(re.findall(r'<a id="([\w-]+)"></a>', text))


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Every relative link of the page, as (path, anchor)."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    broken = []
    for path, anchor in links(page):
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(f"{path}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_and_folder_that_is_named_exists(page):
    mentioned = re.findall(r"(?<![\w/.])((?:ops|tests|migrations|dev|docs)/[\w./-]*\w)", page.read_text())
    assert [each for each in mentioned if not (ROOT / each).exists()] == []


def test_architecture_says_of_every_table_what_it_is():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", (DOCS / "architecture.md").read_text(), re.MULTILINE)
    assert sorted(table for table, _ in rows) == sorted(metadata.tables)


def test_architecture_names_every_package_and_module_of_the_base():
    text = (DOCS / "architecture.md").read_text()
    parts = [path for path in (ROOT / "ops").iterdir() if (path / "__init__.py").exists() or path.suffix == ".py"]
    missing = [named(path) for path in parts if not re.search(rf"`{re.escape(named(path))}`", text)]
    assert len(parts) > 20 and missing == []


def cited() -> Iterator[tuple[str, str]]:
    """Every anchor of the rules that code cites, with the file: "docs/rules.md A7, A12", "decision 9 and A11"."""
    one = r"(?:[AB]\d+|decision \d+)"
    for path in CODE:
        text = re.sub(r"\s*\n\s*(?:#|--|//|\*)?\s*", " ", path.read_text(errors="ignore"))
        for several in re.findall(rf"docs/rules\.md ({one}(?:(?:, | and |-){one})*)", text):
            yield from ((named(path), each) for each in re.findall(one, several))


def test_every_rule_that_code_cites_has_its_anchor():
    there = anchors(DOCS / "rules.md")
    found = set(cited())
    assert [each for each in sorted(found) if each[1].lower().replace(" ", "-") not in there] == []


def test_rules_keep_their_numbers():
    wanted = {f"a{n}" for n in range(1, 15)} | {"b2", "b6"} | {f"decision-{n}" for n in range(1, 11)}
    assert wanted <= anchors(DOCS / "rules.md")


def test_code_refers_to_documents_inside_the_repository():
    """A law, a word or a design is cited where a reader can open it."""
    outside = re.compile(r"\b(RULES|DESIGN|STYLE|DOMAIN|LIBRARIES)\b(?!\s*=|\s*\[|\()")
    found = []
    for path in CODE:
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1):
            found += [f"{named(path)}:{number} {word}" for word in outside.findall(line)]
    assert found == []


def test_a_document_named_in_code_exists():
    found = [
        f"{named(path)}: {page}"
        for path in CODE
        for page in re.findall(r"docs/[\w/-]+\.md", path.read_text(errors="ignore"))
        if not (ROOT / page).exists()
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_documents_are_written_as_americans_write(page):
    text = re.sub(r"`[^`]*`|\(http\S+\)", "", page.read_text())
    foreign = r"\d %|\b[Ee]-mails?\b|\b\w+(?:honour|colour|behaviour|favour)\w*|\b(?:colour|behaviour|favour|honour)\w*"
    assert re.findall(foreign, text) == []
