"""From the press of a key to the next card painted, in Chromium on the product's own web server (`ops.bench.desk`).

Needs Chromium and playwright (in the development environment); without them it says None.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

WAIT_S = 60
DOUBLE_PRESS_MS = 450
"""The same key sooner than this on the next card is taken for the second half of a double press (keys.js)."""
PAINTED = """
() => {
  window.presses = [];
  const card = () => document.getElementById("card")?.dataset;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "n") return;
    const pressed = performance.now();
    const before = card()?.task;
    new MutationObserver((_, observer) => {
      if (!card() || card().task === before) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => window.presses.push(performance.now() - pressed)));
    }).observe(document.getElementById("content"), { childList: true });
  }, { capture: true });
}
"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync")


def measure(presses: int) -> dict[str, Any]:
    """So many presses of "no answer" by one agent, each from card to card."""
    nothing = {"key_p50_ms": None, "key_p95_ms": None, "first_load_kb": None}
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chromium-headless-shell")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return nothing
    if chromium is None:
        return nothing
    with _web_server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "loopkeeper", "value": _cookie(), "url": address}])
        page = context.new_page()
        page.set_default_timeout(WAIT_S * 1000)
        size = _first_load(page, f"{address}/desk")
        page.evaluate(PAINTED)
        for number in range(presses):
            page.wait_for_function("() => document.getElementById('card') && !document.querySelector('.sending')")
            page.wait_for_timeout(DOUBLE_PRESS_MS)
            page.keyboard.press("n")
            page.wait_for_function(f"() => window.presses.length > {number}")
        took = sorted(page.evaluate("window.presses"))
        browser.close()
    return {
        "key_p50_ms": round(took[len(took) // 2], 1),
        "key_p95_ms": round(took[int(0.95 * (len(took) - 1))], 1),
        "first_load_kb": round(size / 1000, 1),
    }


def _first_load(page: Any, address: str) -> float:
    """Bytes over the wire of the first card a browser shows."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return sum(sizes)


def _cookie() -> str:
    """The browser's cookie of an agent with an open card."""
    from ops import create_app
    from ops.accounts.access import TOKEN
    from ops.bench.desk_server import an_open_card

    app = create_app()
    token = an_open_card(app, agent_id=2)
    client = app.test_client()
    with client.session_transaction() as session:
        session[TOKEN] = token
    cookie = client.get_cookie("loopkeeper")
    assert cookie
    return cookie.value


@contextmanager
def _web_server() -> Iterator[str]:
    """The web server as the product starts it; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        listener.set_inheritable(True)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = subprocess.Popen(
            [sys.executable, "-m", "ops.runtime.web_server"],
            env=os.environ | {"WEB_SOCKET_FD": str(listener.fileno())},
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
        )
        try:
            _await(address)
            yield address
        finally:
            server.terminate()
            server.wait(WAIT_S)


def _await(address: str) -> None:
    until = monotonic() + WAIT_S
    while monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310 (our own server)
                return
        except (OSError, urllib.error.URLError):
            sleep(0.2)
    raise RuntimeError("the web server did not answer")


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))  # noqa: T201 (for the one who started us)
