"""The rules the code keeps so that it stays readable: layers, one commit, one clock, sizes, where flask may be."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = {
    "background",
    "clock",
    "config",
    "crypto",
    "db",
    "errors",
    "isolated",
    "languages",
    "logs",
    "migrate",
    "one_clock",
    "patience",
    "phrases",
    "sql",
    "web",
    "zones",
}
LAYERS: list[set[str]] = [
    # outermost first: a package imports only from lines below its own, and packages on one line ignore each other
    {"", "bench", "cli", "demo", "models", "runtime", "schedule"},
    {"coaching", "experiments", "metrics", "record"},
    {"floor"},
    {"desk"},
    {"concerns", "rhythm"},
    {"cadences"},
    {"queue"},
    {"referrals"},
    {"messages", "scripts"},
    {"contact", "imports"},
    {"agency"},
    {"practices"},
    {"accounts"},
    {"mail", "work"},
    BASE,
]
OUTERMOST = LAYERS[0]
FLASK = {"flask", "flask_wtf", "flask_limiter", "flask_bootstrap", "flask_login", "werkzeug", "wtforms"}
LONGEST_LINE = 160
"""Of what is no Python; for that the linter says 120."""
LONGEST_FUNCTION = 60
LONGEST_FILE = 400


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    """The dotted name of a module of ours: ops/web/errors.py -> ops.web.errors."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name(path) for path in sources("ops")}


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, "from ops import clock" as ops.clock."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


def package(module: str) -> str:
    """Which package of ours a module is in: ops.web.errors -> web, ops -> ""."""
    return module.split(".")[1] if "." in module else ""


def layer(module: str) -> int:
    found = [number for number, packages in enumerate(LAYERS) if package(module) in packages]
    assert found, f"{module} is in no layer: add it to docs/architecture.md and to LAYERS"
    return found[0]


def reaches_up(here: str, module: str) -> bool:
    """Whether the module `here` imports what lies in a layer above it, or beside it."""
    if module.split(".")[0] != "ops" or package(module) == package(here):
        return False
    if package(here) in OUTERMOST or (package(here) in BASE and package(module) in BASE):
        return False
    return layer(module) <= layer(here)


def test_a_package_imports_only_from_layers_below():
    pairs = [(name(path), module) for path in sources("ops") for module in imports(path)]
    assert [f"{here} imports {module}" for here, module in pairs if reaches_up(here, module)] == []


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """Every call in the file as ("datetime.now", line)."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_commit_is_called_in_one_place():
    found = [
        f"{name(path)}:{line}"
        for path in sources("ops")
        for called, line in calls(path)
        if called.split(".")[-1] == "commit" and path != ROOT / "ops/db.py"
    ]
    assert found == []


def test_flask_is_used_at_the_edges_only():
    def may(path: Path) -> bool:
        inside = path.relative_to(ROOT / "ops").parts
        edge = {"views", "forms", "access"}
        return (
            inside[0] == "web"
            or inside in {("__init__.py",), ("db.py",)}
            or path.stem == "cli"
            or any(part.removesuffix(".py").split("_")[0] in edge for part in inside[1:])
        )

    found = [
        f"{name(path)} imports {module}"
        for path in sources("ops")
        for module in imports(path)
        if module.split(".")[0] in FLASK and not may(path) and not is_given_the_application(path)
    ]
    assert found == []


def is_given_the_application(path: Path) -> bool:
    """A process of the runtime that says in a type that it is handed the application, and takes nothing else."""
    taken = {
        alias.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in FLASK
        for alias in node.names
    }
    return package(name(path)) == "runtime" and taken == {"Flask"}


def test_pandas_is_used_in_metrics_and_imports_only():
    found = [
        name(path)
        for path in sources("ops")
        if any(module.split(".")[0] in ("pandas", "numpy") for module in imports(path))
        and not name(path).startswith(("ops.metrics", "ops.imports.reading"))
    ]
    assert found == []


def test_there_is_one_clock():
    other = re.compile(
        r"(datetime|date|datetime\.datetime|datetime\.date)\.(now|utcnow|today)|(pd|pandas)\.Timestamp\.(now|today)|"
        r"(sa\.)?func\.(now|current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp)"
    )
    found = [
        f"{name(path)}:{line} {called}"
        for path in sources("ops")
        for called, line in calls(path)
        if other.fullmatch(called) and path != ROOT / "ops/clock.py"
    ]
    assert found == []


def test_no_statement_asks_the_database_for_the_time():
    """PostgreSQL's clock is not ours: it cannot be moved by the demo nor stopped by a test."""
    asks = re.compile(r"\b(now|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(timestamp|date)\b", re.I)
    statement = re.compile(r"\b(select|insert|update|delete|where|values)\b", re.I)
    found = []
    for path in sources("ops"):
        prose = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                text = node.value
                if asks.search(text) and statement.search(text) and "pg_stat" not in text:
                    found.append(f"{name(path)}:{node.lineno}")
    assert found == []
    clocks = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)|\bcurrent_(timestamp|date)\b"
    )
    files = [path for path in ROOT.glob("ops/**/*.sql") if clocks.search(re.sub(r"--.*", "", path.read_text()))]
    assert files == [ROOT / "ops/sql/audit.sql"], "only where nobody said when they act (acted_at)"


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a file, and its lines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_files_and_functions_stay_readable():
    paths = sources("ops", "tests", "dev")
    files = [(path, len(path.read_text().splitlines())) for path in paths]
    assert [f"{path}: {lines} lines" for path, lines in files if lines > LONGEST_FILE] == []
    lengths = [(path, *each) for path in paths for each in functions(path)]
    assert [f"{path}: {name}, {lines} lines" for path, name, lines in lengths if lines > LONGEST_FUNCTION] == []


def others(*suffixes: str) -> list[Path]:
    """Templates, styles, scripts and SQL of ours."""
    return sorted(path for path in (ROOT / "ops").rglob("*") if path.suffix in suffixes)


def test_what_is_no_python_stays_readable_too():
    files = {path: path.read_text().splitlines() for path in others(".html", ".css", ".js", ".sql")}
    assert [f"{path}: {len(lines)} lines" for path, lines in files.items() if len(lines) > LONGEST_FILE] == []
    long = [
        f"{path}:{n}" for path, lines in files.items() for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE
    ]
    assert long == []


RULED = "role|state|status|answer|meaning|verdict|outcome|standing|ending|then"
"""Columns over closed sets that rules are about."""
BRANCH = re.compile(r"\{%-?\s*(?:if|elif|for)\b(.*?)%\}", re.DOTALL)
LITERAL = rf"""\.(?:{RULED})(?:\.value)?\s*(?:==|!=|(?:not\s+)?in\b)\s*[(\[]?\s*['"]"""
TURNED = rf"""['"]\s*(?:==|!=)\s*\w+(?:\.\w+)*\.(?:{RULED})\b"""


def decided_in(template: str) -> list[str]:
    """The statements of a template that branch on which value of a closed set something has. What is there to be done,
    seen or said for it is a rule: a property with a name says it, where the closed set is typed. To choose a word or a
    class by it inside `{{ }}` is what templates are for."""
    return [
        " ".join(found.group().split())
        for found in BRANCH.finditer(template)
        if re.search(f"{LITERAL}|{TURNED}", found.group(1))
    ]


def test_no_template_decides_a_rule():
    assert decided_in("{% if user.role in ('agent', 'lead') %}") and decided_in("{% elif 'won' == x.state %}")
    assert not decided_in("{{ 'tag-bad' if x.state == 'lost' else '' }}{% if x.is_lost and sort == 'name' %}")
    found = {str(path.relative_to(ROOT)): decided_in(path.read_text()) for path in others(".html")}
    assert {path: statements for path, statements in found.items() if statements} == {}


def test_actions_do_not_know_the_request():
    found = [
        f"{name(path)} imports {module}"
        for path in sources("ops")
        if "actions" in path.relative_to(ROOT).with_suffix("").parts
        for module in imports(path)
        if module.split(".")[0] in FLASK or module.endswith(".access")
    ]
    assert found == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def test_nothing_is_left_for_later_and_nothing_names_the_machine_it_was_written_on():
    marks = [
        "TO" + "DO", "FIX" + "ME", "XX" + "X:", "pypi" + ".org", "python" + "hosted", "/ro" + "ot/", "/wo" + "rk/",
    ]  # fmt: skip
    found = []
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore")
        found += [
            f"{path.relative_to(ROOT)}: {mark}" for mark in marks if re.search(rf"(?<!\w){re.escape(mark)}", text)
        ]
    assert found == []


def test_tests_are_skipped_for_another_system_or_loudly_for_want_of_a_browser_and_never_in_ci():
    skip = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)")
    found = []
    for path in sources("tests"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and skip.fullmatch(ast.unparse(node.func)):
                words = ast.unparse(node)
                excused = "sys.platform" in words or ("NO BROWSER" in words and "'CI'" in words)
                found += [] if excused else [f"{name(path)}:{node.lineno}"]
    assert found == []


def test_pages_load_nothing_from_other_hosts():
    found = []
    for path in [*(ROOT / "ops/templates").rglob("*.html"), *(ROOT / "ops/static").rglob("*.*")]:
        text = path.read_text()
        loads = re.findall(r"""(?:src|href|url\(|import|from)\s*=?\s*["'(]?(?:https?:)?//[\w.]+""", text)
        found += [
            f"{path.relative_to(ROOT)}: {load}" for load in loads if "www.w3.org" not in load and "<a" not in load
        ]
    assert found == []
