"""What people read is written for people: a class that is called otherwise leaves the sentences alone."""

import ast
import re
from pathlib import Path

OPS = Path(__file__).resolve().parents[2] / "ops"
TREES = {path.relative_to(OPS).as_posix(): ast.parse(path.read_text()) for path in sorted(OPS.rglob("*.py"))}
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
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef) and TWO_WORDS.fullmatch(node.name)}
    assert "FriendSent" in classes
    for name, tree in TREES.items():
        ours = not_read(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in ours:
                said = classes & set(re.findall(r"[A-Za-z]+", node.value)) if " " in node.value else None
                assert not said or node.value in FOR_THE_MAPPER, f"{name}:{node.lineno} says {said}"
