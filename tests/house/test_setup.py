"""Setting up from python3 alone: what is fetched is locked, it is done once, and what is missing is said."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pandas
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = (ROOT / "requirements.lock", ROOT / "dev" / "uv.lock.txt")


@pytest.fixture
def environment() -> ModuleType:
    """dev/environment.py, which is no package."""
    spec = spec_from_file_location("environment", ROOT / "dev" / "environment.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_everything_fetched_has_a_version_and_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "index" not in re.sub(r"#.*", "", text)
    requirements = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_the_lock_names_everything_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = set(re.findall(r"(?m)^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text()))
    names = {re.match(r"[A-Za-z0-9._-]+", one).group().lower() for one in asked}  # type: ignore[union-attr]
    assert names - locked == set()


def test_only_the_pythons_of_the_lock_are_accepted(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ((3, 11, 0), (3, 14, 2)):
        monkeypatch.setattr(sys, "version_info", version)
        environment.check_python()
    for version in ((3, 10, 9), (3, 15, 0)):
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(SystemExit, match=r"Python 3\.11 to 3\.14 is needed"):
            environment.check_python()


def test_make_says_which_python_is_needed_when_none_will_do(tmp_path: Path) -> None:
    for name in ("sh", "echo", "test", "grep", "sed"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] || exit 1\necho Python 3.9.2\n')
    old.chmod(0o755)
    make = shutil.which("make")
    assert make
    tried = subprocess.run([make, "setup"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert tried.returncode != 0
    assert "Python 3.11 to 3.14 is needed; python3 here is Python 3.9.2." in tried.stderr


def test_the_stamp_changes_with_all_that_the_environment_depends_on(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOCK", "UV_LOCK"):
        copy = tmp_path / name
        shutil.copy(getattr(environment, name), copy)
        monkeypatch.setattr(environment, name, copy)
    seen = {environment.fingerprint()}
    for name in ("LOCK", "UV_LOCK"):
        with (tmp_path / name).open("a") as lock:
            lock.write("# newer\n")
        seen.add(environment.fingerprint())
    monkeypatch.setattr(sys, "version", "3.12.0 (another)")
    seen.add(environment.fingerprint())
    assert len(seen) == 4


def test_libraries_are_compiled_at_set_up_where_python_would_not_keep_it(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PYTHON", sys.executable)
    monkeypatch.setattr(environment, "LOAD_EVERYTHING", "import sqlalchemy, ops.clock")  # all of it takes nine seconds
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))  # what is compiled goes here
    environment.keep_compiled()
    kept = {path.parent.name for path in tmp_path.rglob("__init__.*.pyc")}
    assert {"sqlalchemy", "ops"} <= kept
    set_up = Path(pandas.__file__).parent / "__pycache__"  # by the set-up of the environment we run in
    assert list(set_up.glob("__init__.*.pyc"))


def test_without_a_browser_ci_fails_and_people_are_told_loudly(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(environment, "has_browser", lambda: False)
    monkeypatch.setattr(environment, "apt_install", lambda *packages: installed.extend(packages))
    monkeypatch.setattr(environment, "is_root", lambda: False)
    monkeypatch.delenv("CI", raising=False)
    assert environment.browser() == 0
    assert "THE BROWSER TESTS WILL BE SKIPPED" in capsys.readouterr().out
    assert installed == []
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SystemExit, match="Browser tests need chromium"):
        environment.browser()


def test_root_gets_the_browser_installed(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "has_browser", lambda: len(installed) >= 2)
    monkeypatch.setattr(environment, "apt_install", lambda *packages: installed.append(packages))
    monkeypatch.setattr(environment, "is_root", lambda: True)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("CI", "true")
    assert environment.browser() == 0
    others = ("libatomic1", "fonts-dejavu-core")
    assert installed == [("chromium-headless-shell", *others), ("chromium", *others)], "the lighter one first"


def test_a_python_that_cannot_make_environments_is_told_the_package(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "try_venv", lambda: False)
    monkeypatch.setattr(environment, "is_root", lambda: False)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        environment.make_uv_environment()


def test_the_checks_run_make_test_without_a_keyboard() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    text = run.read_text()
    assert "make test" in text and "CI=true" in text and "</dev/null" in text


def test_make_run_hands_on_host_and_port() -> None:
    shown = subprocess.run(
        ["make", "-n", "run", "PORT=9000", "HOST=0.0.0.0"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "HOST='0.0.0.0' PORT='9000' exec .venv/bin/ops run" in shown.stdout


def test_the_command_is_installed() -> None:
    shown = subprocess.run(
        [Path(sys.executable).parent / "ops", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("ops, version ")
