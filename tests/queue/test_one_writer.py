"""Only `ops.queue.actions.moves` writes what a task or a cadence run has come to: read from the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.queue.actions import moves

ROOT = Path(__file__).resolve().parent.parent.parent
WRITER = "ops/queue/actions/moves.py"
MADE_UP = {
    "ops/bench/claim_data.py": "a million tasks that nobody worked, in a database of its own: verbs would take a day",
    "ops/bench/claim_client.py": "ends what it has claimed there, out of the time that is measured",
    "ops/bench/peers.py": "fills the tables of other queues",
}
SETS_BY_NAME = {
    "ops/desk/actions/undoing.py": "sets what was pictured, but moves.COLUMNS",
    "ops/queue/actions/lanes.py": "sets the window of a lane",
    "ops/cadences/actions/editing.py": "sets what was edited of a step or a trigger",
}

TABLES = {"Task": "tasks", "CadenceRun": "cadence_runs", "TaskEvent": "task_events"}
COLUMNS = set().union(*moves.COLUMNS.values())
OF_TASKS_ONLY = {"held_by", "lease_until", "fence"}
"""No other table has a column of this name: wherever it is written, it is a task's."""
ADDS = re.compile(rf"\b(?:insert|merge)\s+into\s+(?:only\s+)?({'|'.join(TABLES.values())})\b", re.I)
CHANGES = re.compile(r"\bupdate\s+(?:only\s+)?(?:tasks|cadence_runs)\b(.*)", re.I | re.S)
SETS = re.compile(rf"(?:\bset\b|,)\s*(?:{'|'.join(sorted(COLUMNS))})\s*=|\bset\s*\(", re.I)
ANY_TABLE = re.compile(r"\b(?:update|insert\s+into)\s+(?:\{|%)", re.I)


def in_sql(text: str) -> Iterator[str]:
    """What a text, if it is SQL, writes of it."""
    if found := ADDS.search(text):
        yield f"adds to {found[1]}"
    if (found := CHANGES.search(text)) and SETS.search(found[1]):
        yield "sets " + SETS.search(found[1])[0]
    if ANY_TABLE.search(text):
        yield "writes whichever table"


def in_python(source: str) -> Iterator[tuple[int, str]]:
    """What a module writes of it, as (line, what)."""
    tree = ast.parse(source)
    known = {each.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for each in node.names}
    columns = COLUMNS if known & {"Task", "CadenceRun", "TaskState", "RunState"} else OF_TASKS_ONLY
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in columns:
            yield node.lineno, f"sets .{node.attr}"
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, each) for each in in_call(node, columns))
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            yield from ((node.lineno, each) for each in in_sql(text_of(node)))


def text_of(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(text_of(each) if isinstance(each, ast.Constant) else "{}" for each in node.values)


def in_call(node: ast.Call, columns: set[str]) -> Iterator[str]:
    called = ast.unparse(node.func)
    last = called.split(".")[-1]
    if last in TABLES:
        yield f"makes a {last}"
    if last == "insert" and node.args and ast.unparse(node.args[0]) in TABLES:
        yield f"adds to {ast.unparse(node.args[0])}"
    if last == "setattr" and columns == COLUMNS:
        name = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
        if name is None or name in columns:
            yield f"sets {name or 'whatever it is told'}"
    if last == "values" and re.search(r"update\((Task|CadenceRun)\)", called):
        given = {each.arg for each in node.keywords}
        given |= {ast.literal_eval(key) for each in node.args if isinstance(each, ast.Dict) for key in each.keys if key}
        if None in given or given & columns or any(not isinstance(each, ast.Dict) for each in node.args):
            yield f"sets {sorted(map(str, given & columns)) or 'whatever it is told'}"


def found_in(path: Path) -> list[str]:
    text = path.read_text()
    lines = in_python(text) if path.suffix == ".py" else ((0, each) for each in in_sql(text))
    return [f"{path.relative_to(ROOT)}:{line} {what}" for line, what in lines]


def test_nobody_else_writes_the_state_of_a_task_or_a_run():
    sources = [path for path in sorted((ROOT / "ops").rglob("*")) if path.suffix in {".py", ".sql"}]
    elsewhere = [path for path in sources if str(path.relative_to(ROOT)) not in {WRITER, *MADE_UP}]
    found = [each for path in elsewhere for each in found_in(path)]
    found = [each for each in found if not ("whatever it is told" in each and each.split(":")[0] in SETS_BY_NAME)]
    assert found == []


def test_who_is_excepted_still_has_to_be():
    assert all(found_in(ROOT / path) for path in {WRITER, *MADE_UP, *SETS_BY_NAME})


KNOWS = "from ops.queue.models import CadenceRun, Task\n"


@pytest.mark.parametrize(
    "planted",
    [
        KNOWS + "task.state = TaskState.DONE",
        KNOWS + "task.state, task.offered = TaskState.WAITING, False",
        KNOWS + "each.finished_at = now",
        KNOWS + "run.end_reason = why",
        KNOWS + "setattr(task, 'state', DONE)",
        KNOWS + "setattr(task, name, value)",
        KNOWS + "task = Task(state=TaskState.WAITING)",
        KNOWS + "sa.update(Task).where(Task.id == 1).values(state=TaskState.DONE)",
        KNOWS + "sa.update(Task).values({'held_by': None})",
        KNOWS + "sa.update(CadenceRun).values(**columns)",
        KNOWS + "sa.insert(Task).values(**columns)",
        KNOWS + "models.TaskEvent(kind=EventKind.DONE)",
        "task.fence += 1",
        "card.task.held_by = None",
        "sa.text('UPDATE tasks SET offered = false, held_by = NULL WHERE id = :id')",
        "sa.text('update tasks t set (state, offered) = (SELECT 1, 2)')",
        "f\"UPDATE tasks SET finished_at = {when} WHERE state = 'waiting'\"",
        "f'UPDATE {table} SET ({names}) = (SELECT 1)'",
        "'WITH x AS (SELECT 1) INSERT INTO task_events (kind) SELECT 1'",
        "\"UPDATE cadence_runs SET state = 'ended'\"",
    ],
)
def test_a_writer_elsewhere_is_seen(planted):
    assert list(in_python(planted)) != []


@pytest.mark.parametrize(
    "harmless",
    [
        KNOWS + "sa.select(Task).where(Task.state == TaskState.DONE)",
        KNOWS + "sa.update(Task).where(Task.state == TaskState.WAITING).values(offered=False)",
        "referral.state = ReferralState.LOST",
        "\"UPDATE tasks SET rank = 5 WHERE state = 'waiting' AND fence = 3\"",
        "'SELECT count(*) FROM tasks WHERE held_by = 3'",
    ],
)
def test_who_only_reads_is_not_accused(harmless):
    assert list(in_python(harmless)) == []
