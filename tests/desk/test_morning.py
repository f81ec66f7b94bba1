"""A morning at the desk, by keyboard alone, in real Chromium: twenty tasks over five practices, every outcome.

And what goes wrong in a working day: a slip of the finger, a lost connection, a reload, a sign-in that ended, a card
that was taken away.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ops.work.kinds import Kind
from ops.work.outcomes import Outcome, rules_for
from tests.morning import KINDS, PRACTICES
from tests.whole_agency import PASSWORD, Agency, chromium, is_accessible, needs_browser, press, signed_in

pytestmark = [pytest.mark.timeout(400), pytest.mark.browser, needs_browser]
LOWEST = """Math.max(...[...document.querySelectorAll("button[name=outcome]")]
    .map((each) => each.getBoundingClientRect().bottom + scrollY))"""
FREQUENT = (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.WILLING, Outcome.THINKING)


@contextmanager
def morning(folder: Path) -> Iterator[Agency]:
    """A running agency with a lead, an agent and the morning's work."""
    agency = Agency(folder)
    try:
        fill(agency)
        yield agency
    finally:
        agency.process.terminate()
        agency.process.wait(30)


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with morning(tmp_path_factory.mktemp("morning")) as agency:
        yield agency


@pytest.fixture(scope="module")
def desk(agency: Agency) -> Iterator[Page]:
    """The agent's desk, and nothing but a keyboard on it."""
    with chromium() as browser:
        page = signed_in(browser, agency, "agent")
        yield page


def card_of(page: Page) -> tuple[str, str]:
    """(task, fence) of the card that is open."""
    card = page.locator("#card")
    expect(card).to_be_visible()
    return card.get_attribute("data-task") or "", card.get_attribute("data-fence") or ""


def next_card(page: Page, before: tuple[str, str]) -> None:
    """Wait until another card, or the empty desk, has taken the place of this one."""
    expect(page.locator(f"#card[data-task='{before[0]}'][data-fence='{before[1]}']")).to_have_count(0)


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        press(page, key)


def key_of(kind: Kind, outcome: Outcome) -> str:
    return next(rule.key for rule in rules_for(kind) if rule.outcome is outcome)


def record(page: Page, kind: Kind, outcome: Outcome) -> int:
    """From the card to the next one by keys; how many were pressed. What an outcome needs is typed as well."""
    before = card_of(page)
    assert page.evaluate(f"{LOWEST} <= 800"), "every outcome of the kind is there at once"
    key = key_of(kind, outcome)
    reached = outcome not in (Outcome.NO_ANSWER, Outcome.VOICEMAIL, Outcome.BAD_NUMBER, Outcome.WRONG_PERSON)
    pressed = ["k"]
    keys(page, "k")
    expect(page.locator("#call-link")).to_be_visible()
    if reached and outcome not in (Outcome.DO_NOT_CONTACT, Outcome.NOT_HAPPY):
        pressed.append("i")
        keys(page, "i")
    if outcome is Outcome.NOT_HAPPY:
        keys(page, key)  # asks for the words first
        page.keyboard.type("It hurt for days.")
        keys(page, "Escape")
    if outcome is Outcome.CALLBACK:
        keys(page, key)
        keys(page, "1")
        pressed += [key, "1"]
        key = "Enter"
    keys(page, key)
    pressed.append(key)
    next_card(page, before)
    return len(pressed)


def test_twenty_tasks_over_five_practices_with_every_outcome(agency: Agency, desk: Page) -> None:
    left = {kind: [rule.outcome for rule in rules_for(kind)] for kind in Kind}
    for kind in Kind:  # the common outcomes are done on asks; of the other kinds their own
        if kind is not Kind.ASK:
            left[kind] = left[kind][: sum(1 for each in KINDS if each is kind)]
    needed: dict[Outcome, int] = {}
    keys(desk, "j")
    for _ in KINDS:
        task, _ = card_of(desk)
        kind = Kind(agency.ask(f"SELECT kind FROM tasks WHERE id = {int(task)}"))
        outcome = left[kind].pop(0)
        needed[outcome] = record(desk, kind, outcome)
    expect(desk.get_by_role("heading", name="Your desk")).to_be_visible()
    is_accessible(desk)

    with_outcome = agency.ask(
        "SELECT json_object_agg(outcome, n) FROM (SELECT outcome, count(*) n FROM attempts GROUP BY 1) x"
    )
    assert Counter(with_outcome) == Counter(
        {**dict.fromkeys((each.value for each in Outcome if each.value != "answered"), 1), "answered": 2}
    )
    assert agency.ask("SELECT count(DISTINCT practice_id) FROM attempts") == len(PRACTICES)
    for outcome in FREQUENT:
        assert needed[outcome] <= 3, f"{outcome} took {needed[outcome]} keys"
    assert needed[Outcome.CALLBACK] <= 5, "with the number and the opening: four from a card on which they are said"


def test_every_talk_was_said_to_begin_with_the_opening(agency: Agency) -> None:
    talks = "outcome NOT IN ('no_answer', 'voicemail', 'bad_number', 'wrong_person', 'remove_me', 'not_happy')"
    assert agency.ask(f"SELECT bool_and(opening_said) FROM attempts WHERE {talks}") is True
    assert agency.ask("SELECT count(*) FROM attempts WHERE talk_seconds IS NULL") == 0


def test_an_idle_desk_calls_when_work_comes(agency: Agency, desk: Page) -> None:
    keys(desk, "Shift")  # a browser makes no sound before
    looks_again = "document.dispatchEvent(new Event('visibilitychange'))"  # as when somebody comes back to the tab
    desk.evaluate(looks_again)
    expect(desk.locator("#ready-words")).to_have_text("Nothing can be worked right now.")
    fill(agency, "more")
    desk.evaluate(looks_again)
    expect(desk.locator("#live")).to_contain_text("tasks can be worked now.")
    expect(desk).to_have_title("● Work is here · Loopkeeper")
    assert desk.locator("#ring-silent").is_hidden(), "the sound was played"


def test_the_lead_hears_of_who_was_not_happy(agency: Agency, desk: Page) -> None:
    lead = signed_in(desk.context.browser, agency, "lead")
    lead.goto(f"{agency.address}/concerns")
    expect(lead.get_by_text("It hurt for days.").first).to_be_visible()
    is_accessible(lead)


def fill(agency: Agency, *words: str) -> None:
    command = [sys.executable, "-m", "tests.morning", *words]
    done = subprocess.run(command, env=agency.env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def card(agency: Agency, desk: Page) -> Page:
    """A fresh card on the desk."""
    if agency.ask("SELECT count(*) FROM tasks WHERE state = 'waiting' AND offered") < 2:
        fill(agency, "more")
    desk.goto(f"{agency.address}/desk/keys")  # an open card would keep its words once more as it goes
    desk.evaluate("sessionStorage.clear()")
    desk.goto(f"{agency.address}/desk")
    if desk.locator("#card").count() == 0:
        keys(desk, "j")
    card_of(desk)
    return desk


def test_a_slip_of_the_finger_is_taken_back_with_one_key(agency: Agency, card: Page) -> None:
    before = card_of(card)
    keys(card, "m")
    card.keyboard.type("Was busy")
    keys(card, "Escape", "r")
    next_card(card, before)
    assert agency.ask("SELECT count(*) FROM suppressions WHERE source LIKE '%Do not contact%'") >= 1
    then = agency.ask("SELECT count(*) FROM suppressions")
    keys(card, "z")
    expect(card.get_by_text("Taken back.")).to_be_visible()
    assert card_of(card)[0] == before[0]
    assert card.get_by_label("Note").input_value() == "Was busy"
    assert agency.ask("SELECT count(*) FROM suppressions") < then
    is_accessible(card)


def test_what_is_typed_outlives_a_reload(card: Page) -> None:
    keys(card, "m")
    card.keyboard.type("Half a sentence")
    keys(card, "Escape", "i", "1")
    card.reload()
    expect(card.get_by_label("Note")).to_have_value("Half a sentence")
    expect(card.locator("#opening_said")).to_be_checked()
    expect(card.locator("details.answer").first).to_have_attribute("open", "")


def test_a_lost_connection_loses_nothing(agency: Agency, card: Page) -> None:
    before, made = card_of(card), agency.ask("SELECT count(*) FROM attempts")
    keys(card, "m")
    card.keyboard.type("Said on a bad line")
    keys(card, "Escape")
    card.context.set_offline(True)
    keys(card, "n")
    expect(card.get_by_text("No connection.")).to_be_visible()
    assert agency.ask("SELECT count(*) FROM attempts") == made
    card.context.set_offline(False)
    card.get_by_role("button", name="Try again").focus()
    card.keyboard.press("Enter")
    next_card(card, before)
    assert agency.ask("SELECT note FROM attempts ORDER BY id DESC LIMIT 1") == "Said on a bad line"


def test_a_sign_in_that_ended_keeps_what_was_typed(agency: Agency, card: Page) -> None:
    keys(card, "m")
    card.keyboard.type("Written before the sign-in ended")
    keys(card, "Escape")
    agency.change("UPDATE auth_sessions SET ended_at = created_at, ended_why = 'revoked' WHERE ended_at IS NULL")
    keys(card, "n")
    expect(card.locator("#signed-out")).to_contain_text("this sign-in was ended from another place.")
    assert card.get_by_label("Note").input_value() == "Written before the sign-in ended"
    card.keyboard.press("Enter")
    expect(card.get_by_role("button", name="Sign in")).to_be_visible()
    card.get_by_label("Email", exact=True).fill("agent@example.com")
    card.get_by_label("Password").fill(PASSWORD)
    card.keyboard.press("Enter")
    expect(card.get_by_label("Note")).to_have_value("Written before the sign-in ended")


def test_a_card_that_was_taken_away_says_so_and_shows_the_words(agency: Agency, card: Page) -> None:
    task, _ = card_of(card)
    keys(card, "m")
    card.keyboard.type("Nobody must lose this")
    keys(card, "Escape")
    agency.change(f"UPDATE tasks SET fence = fence + 1 WHERE id = {int(task)}")
    keys(card, "n")
    expect(card.get_by_role("heading", name="Not saved")).to_be_visible()
    expect(card.get_by_text("Nobody must lose this")).to_be_visible()
    is_accessible(card)


LONG = "Look: https://www.example.com/" + "a1b2c3d4" * 10


def test_what_they_wrote_is_read_first_by_keyboard_alone(agency: Agency, card: Page) -> None:
    keys(card, "m")
    card.keyboard.type(LONG)
    keys(card, "Escape")
    fill(agency, "write", card_of(card)[0], LONG)
    card.reload()
    expect(card.get_by_role("heading", name="They wrote. Please read it first")).to_be_visible()
    expect(card.locator("button[data-action=number]")).to_be_disabled()
    for width in (1280, 360):
        card.set_viewport_size({"width": width, "height": 800})
        is_accessible(card)
        assert card.evaluate("document.documentElement.scrollWidth") <= width
        assert card.evaluate(INSIDE) == [], "a long word reaches out of its column"
    card.set_viewport_size({"width": 1280, "height": 900})
    while card.evaluate("document.activeElement.value ?? ''") != "no_stop":
        card.keyboard.press("Tab")
    keys(card, "Enter", "Enter")
    expect(card.get_by_text("Noted: it does not mean stop.")).to_be_visible()
    expect(card.get_by_label("Note")).to_have_value(LONG)
    expect(card.locator("button[data-action=number]")).to_be_enabled()
    before = card_of(card)
    fill(agency, "write", before[0], "Who are you?")
    card.reload()
    card.get_by_role("button", name="Yes, stop contacting them").press("Enter")
    expect(card.get_by_text("They will not be contacted again.")).to_be_visible()
    next_card(card, before)


INSIDE = """[...document.querySelectorAll(".card-page .panel")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.textContent.trim().slice(0, 40))"""


def test_the_sheet_and_the_palette_say_and_do_what_the_keys_do(card: Page) -> None:
    keys(card, "?")
    expect(card.get_by_role("dialog", name="All keys of this page")).to_be_visible()
    expect(card.locator("#sheet-keys")).to_contain_text("No answer")
    expect(card.locator("#sheet-title")).to_be_focused()
    assert card.evaluate("document.getElementById('sheet').scrollTop") == 0
    is_accessible(card)
    keys(card, "Escape", "p")
    expect(card.get_by_role("dialog", name="Find an action")).to_be_visible()
    is_accessible(card)
    card.keyboard.type("voicemail")
    before = card_of(card)
    card.keyboard.press("Enter")
    next_card(card, before)


def test_keys_rest_while_typing_and_can_be_changed_or_switched_off(agency: Agency, card: Page) -> None:
    before = card_of(card)
    keys(card, "m")
    card.keyboard.type("nvwrx")
    assert card_of(card) == before and card.get_by_label("Note").input_value().endswith("nvwrx")
    keys(card, "Escape")
    card.goto(f"{agency.address}/desk/keys")
    is_accessible(card)
    card.get_by_label("No answer").fill("q")
    card.get_by_role("button", name="Save my keys").click()
    card.goto(f"{agency.address}/desk")
    keys(card, "n")
    card.wait_for_timeout(300)
    assert card_of(card) == before
    keys(card, "q")
    next_card(card, before)
    card.goto(f"{agency.address}/desk/keys")
    card.get_by_label("Single keys work on the desk").uncheck()
    card.get_by_role("button", name="Save my keys").click()
    card.goto(f"{agency.address}/desk")
    if card.locator("#card").count() == 0:
        card.get_by_role("button", name="Next task").click()
    before = card_of(card)
    keys(card, "q", "k")
    card.wait_for_timeout(300)
    assert card_of(card) == before and card.locator("#call-link").is_hidden()
    card.goto(f"{agency.address}/desk/keys")
    card.get_by_label("Single keys work on the desk").check()
    card.get_by_role("button", name="Save my keys").click()


def test_a_break_gives_the_card_back_and_nothing_comes_until_it_is_over(agency: Agency, card: Page) -> None:
    keys(card, "u")
    card.get_by_role("button", name="break").first.press("Enter")
    expect(card.get_by_text("On a break since")).to_be_visible()
    is_accessible(card)
    assert agency.ask("SELECT count(*) FROM tasks WHERE state = 'claimed'") == 0
    card.get_by_role("button", name="Back to work").press("Enter")
    expect(card.get_by_role("button", name="Next task")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_desk_fits_and_is_accessible(agency: Agency, card: Page, width: int) -> None:
    card.set_viewport_size({"width": width, "height": 800})
    is_accessible(card)
    assert card.evaluate("document.documentElement.scrollWidth") <= width
    outcomes = "[...document.querySelectorAll('button[name=outcome]')]"
    assert card.evaluate(f"{outcomes}.every((each) => each.getBoundingClientRect().bottom <= innerHeight)"), (
        "not at once"
    )
    card.goto(f"{agency.address}/my-day")
    is_accessible(card)
    assert card.evaluate("document.documentElement.scrollWidth") <= width
    card.set_viewport_size({"width": 1280, "height": 900})


PAGES = {
    "lead": (
        *("/queue", "/floor", "/floor/{agent}", "/floor/desk", "/floor/minutes", "/concerns", "/outbox", "/reports"),
        *("/people", "/people/add", "/people/{agent}", "/practices", "/practices/add", "/practices/{slug}"),
        *("/practices/{slug}/edit", "/practices/{slug}/contracts", "/practices/{slug}/treatments"),
        *("/practices/{slug}/patients", "/practices/{slug}/patients/{patient}", "/practices/{slug}/imports"),
        *("/practices/{slug}/cadences", "/practices/{slug}/cadences/{cadence}", "/practices/{slug}/scripts"),
        *("/practices/{slug}/report/2026-10", "/practices/{slug}/concerns"),
        *("/scripts", "/scripts/{script}", "/scripts/{script}/changes?from=1&to=1", "/scripts/{script}/versions/1"),
        *("/scripts/{script}/experiment", "/coaching", "/coaching/{attempt}", "/coaching/scorecard"),
        *("/tasks/{task}", "/me/sign-ins", "/me/password"),
    ),
    "agent": ("/desk", "/desk/keys", "/desk/break?kind=break", "/my-day", "/coaching/mine", "/tasks/{held}/send"),
}


@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_accessible(agency: Agency, card: Page, who: str) -> None:
    held, _ = card_of(card)
    known = {
        "held": held,
        "agent": agency.ask("SELECT id FROM users WHERE role = 'agent' LIMIT 1"),
        "slug": agency.ask("SELECT slug FROM practices ORDER BY id LIMIT 1"),
        "patient": agency.ask("SELECT id FROM patients WHERE practice_id = 1 LIMIT 1"),
        "cadence": agency.ask("SELECT id FROM cadences WHERE practice_id = 1 LIMIT 1"),
        "script": agency.ask("SELECT id FROM scripts WHERE kind = 'ask' AND medium = 'call' LIMIT 1"),
        "attempt": agency.ask("SELECT id FROM attempts LIMIT 1"),
        "task": agency.ask("SELECT id FROM tasks WHERE state = 'done' LIMIT 1"),
    }
    page = card if who == "agent" else signed_in(card.context.browser, agency, who)
    for path in PAGES[who]:
        answer = page.goto(agency.address + path.format(**known))
        assert answer and answer.status == 200, path
        is_accessible(page)


def test_nothing_is_asked_of_another_host_and_the_first_load_is_small(agency: Agency, desk: Page) -> None:
    """signed_in() fails on a request to another host; here what comes over the wire is counted."""
    context = desk.context.browser.new_context()
    page = context.new_page()
    context.add_cookies(desk.context.cookies())
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[float] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"{agency.address}/desk")
    page.wait_for_load_state("networkidle")
    assert len(sizes) > 3 and sum(sizes) <= 150_000, sizes
