"""A running agency and a real browser on it, for tests that use the product as people do."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ops.runtime.cli import minutes_to_daytime
from tests import processes
from tests.processes import wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"),
    reason="NO BROWSER HERE: what people do in it is NOT tested (install Debian's chromium-headless-shell)",
)
OPS = [sys.executable, "-c", "from ops.cli import main; main()"]
PASSWORD = "a long enough one 7"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Agency:
    """A running `ops run` without a demo, at a weekday noon."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.var, self.out = folder / "var", folder / "out"
        offset = minutes_to_daytime(datetime.now(UTC))
        self.env = processes.environment(self.var) | {"CLOCK_OFFSET_MINUTES": str(offset)} | more
        self.now = datetime.now(UTC) + timedelta(minutes=offset)
        self.process = subprocess.Popen(
            [*OPS, "run", "--port", "0", "--no-demo"],
            stdin=subprocess.DEVNULL,
            stdout=self.out.open("wb"),
            stderr=subprocess.STDOUT,
            env=self.env,
        )
        wait_until(lambda: "answers at http" in self.out.read_text(), 90)
        found = re.search(r"answers at (\S+)", self.out.read_text())
        assert found
        self.address = found.group(1)

    def ops(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*OPS, *words], env=self.env, input=stdin, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                return True
        except OSError:
            time.sleep(0.3)
            return False

    def ask(self, question: str) -> object:
        sockets = str(self.var / "run" / "postgres")
        with psycopg.connect(host=sockets, user="postgres", dbname="loopkeeper", autocommit=True) as connection:
            row = connection.execute(question).fetchone()
        return row[0] if row else None

    def kill_child(self, name: str) -> None:
        """kill -9 of one of the supervisor's processes: web, worker-imports, …"""
        children = json.loads((self.var / "run" / "app.json").read_text())["children"]
        processes.kill(children[name])

    def change(self, statement: str) -> None:
        sockets = str(self.var / "run" / "postgres")
        with psycopg.connect(host=sockets, user="postgres", dbname="loopkeeper", autocommit=True) as connection:
            connection.execute(statement)

    def tick(self) -> None:
        """The work of the next minute without waiting for it: the tick is killed, and starts with all that is due."""
        self.change("UPDATE ticks SET started_at = started_at - interval '7 hours'")
        self.kill_child("tick")

    def kill_servers(self) -> None:
        """kill -9 of the embedded PostgreSQL (its parent process) and Valkey."""
        for part in ("-D", "valkey-server"):
            victims = processes.of(self.var, part)
            assert victims, f"nothing to kill for {part}"
            for pid in victims:
                processes.kill(pid)

    def is_ready(self) -> bool:
        if not self._answers():  # cheaper to ask again and again than the doctor
            return False
        doctor = subprocess.run([*OPS, "doctor"], env=self.env, capture_output=True, text=True, timeout=120)
        return doctor.returncode == 0


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without windows where that is installed."""
    assert CHROMIUM, "the browser is missing"
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def signed_in(browser: Browser, agency: Agency, who: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.on("request", lambda request: _stays_home(request.url, agency.address))
    page.set_default_timeout(30_000)
    page.goto(agency.address)
    page.get_by_label("Email", exact=True).fill(f"{who}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Sign out")).to_have_count(1)
    return page


def _stays_home(url: str, address: str) -> None:
    assert url.startswith((address, "data:", "blob:")), f"a page asked another host for {url}"


def press(page: Page, key: str) -> None:
    """One key, once the page listens."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)


def is_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], each["nodes"][0]["html"][:200]) for each in serious]
