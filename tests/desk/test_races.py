"""What comes too late, or twice, at the desk: answers of the server for a card that is gone, double presses, Enter."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.desk.test_morning import card_of, keys, morning, next_card
from tests.whole_agency import Agency, chromium, needs_browser, signed_in

pytestmark = [pytest.mark.timeout(400), pytest.mark.browser, needs_browser]


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    with morning(tmp_path_factory.mktemp("races")) as agency:
        yield agency


@pytest.fixture(scope="module")
def desk(agency: Agency) -> Iterator[Page]:
    with chromium() as browser:
        yield signed_in(browser, agency, "agent")


@pytest.fixture
def card(agency: Agency, desk: Page) -> Page:
    desk.goto(f"{agency.address}/desk")
    if not desk.locator("#card").count():
        keys(desk, "j")
    card_of(desk)
    return desk


# as soon as the next card stands there, faster than anybody could see it
SECOND_PRESS = """() => {
    const { task, fence } = document.getElementById("card").dataset;
    window.pressedAgain = false;
    const look = new MutationObserver(() => {
        const now = document.getElementById("card")?.dataset;
        if (!now || (now.task === task && now.fence === fence)) return;
        look.disconnect();
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true, cancelable: true }));
        window.pressedAgain = true;
    });
    look.observe(document.body, { childList: true, subtree: true });
}"""


def attempts(agency: Agency) -> object:
    return agency.ask("SELECT count(*) FROM attempts")


def test_a_number_that_comes_late_never_stands_on_the_next_card(card: Page) -> None:
    held: list[tuple[Route, object]] = []
    card.route("**/reveal", lambda route: held.append((route, route.fetch())))
    before = card_of(card)
    keys(card, "k")
    card.wait_for_timeout(500)
    keys(card, "n")
    next_card(card, before)
    for route, answer in held:
        route.fulfill(response=answer)  # type: ignore[arg-type]
    card.wait_for_timeout(300)
    card.unroute("**/reveal")
    assert held
    expect(card.locator("#number")).to_be_hidden()
    assert card.locator("#call-link").text_content() == ""


def test_a_sign_of_life_that_comes_late_does_not_say_the_next_card_is_lost(card: Page) -> None:
    held: list[Route] = []
    card.route("**/heartbeat", lambda route: held.append(route))
    before = card_of(card)
    card.evaluate("document.getElementById('lease-keep').click()")
    card.wait_for_timeout(200)
    keys(card, "n")
    next_card(card, before)
    for route in held:
        route.continue_()
    card.wait_for_timeout(500)
    card.unroute("**/heartbeat")
    assert held
    expect(card.locator("#lease-lost")).to_be_hidden()


def test_the_page_for_sending_that_comes_late_does_not_open_on_the_next_card(card: Page) -> None:
    held: list[tuple[Route, object]] = []
    card.route("**/send", lambda route: held.append((route, route.fetch())))
    before = card_of(card)
    keys(card, "s")
    card.wait_for_timeout(700)
    keys(card, "n")
    next_card(card, before)
    after = card_of(card)
    for route, answer in held:
        route.fulfill(response=answer)  # type: ignore[arg-type]
    card.wait_for_timeout(400)
    card.unroute("**/send")
    assert held and card_of(card) == after
    expect(card.locator("dialog[open]")).to_have_count(0)


def test_a_double_press_is_one_outcome_on_one_card(agency: Agency, card: Page) -> None:
    before, made = card_of(card), attempts(agency)
    card.evaluate(SECOND_PRESS)
    card.keyboard.press("n")
    next_card(card, before)
    after = card_of(card)
    card.wait_for_function("window.pressedAgain")
    card.wait_for_timeout(500)
    assert card_of(card) == after
    assert attempts(agency) == int(str(made)) + 1
    card.keyboard.press("n")  # meant for this card
    next_card(card, after)


def test_a_double_click_is_one_outcome_on_one_card(agency: Agency, card: Page) -> None:
    before, made = card_of(card), attempts(agency)
    button = card.locator("button[value=no_answer]")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    assert place
    at = (place["x"] + 8, place["y"] + 8)
    card.mouse.click(*at)
    next_card(card, before)
    after = card_of(card)
    card.evaluate(
        "document.querySelector('button[value=no_answer]').dispatchEvent("
        "new MouseEvent('click', { bubbles: true, cancelable: true, detail: 2 }))"
    )
    card.wait_for_timeout(400)
    assert card_of(card) == after
    assert attempts(agency) == int(str(made)) + 1


def test_enter_in_a_field_is_no_outcome(agency: Agency, card: Page) -> None:
    before, made = card_of(card), attempts(agency)
    for name in ("opening_said", "callback_at", "friend_name", "mine"):
        if card.locator(f"#{name}").count():
            card.evaluate(
                "name => { const at = document.getElementById(name); at.closest('details') && "
                "(at.closest('details').open = true); at.focus(); }",
                name,
            )
            card.keyboard.press("Enter")
    card.wait_for_timeout(500)
    assert card_of(card) == before and attempts(agency) == made


def test_the_card_that_made_room_has_its_words_again(card: Page) -> None:
    first = card_of(card)
    keys(card, "m")
    card.keyboard.type("About the first one")
    keys(card, "Escape", "n")
    next_card(card, first)
    second = card_of(card)
    keys(card, "m")
    card.keyboard.type("About the second one")
    keys(card, "Escape", "z")
    expect(card.get_by_text("Taken back.")).to_be_visible()
    assert card_of(card)[0] == first[0]
    card.reload()
    expect(card.get_by_label("Note")).to_have_value("About the first one")
    keys(card, "v")
    next_card(card, (first[0], card_of(card)[1]))
    assert card_of(card)[0] == second[0]
    expect(card.get_by_label("Note")).to_have_value("About the second one")


def test_time_away_stays_uncounted_when_the_outcome_is_taken_back(agency: Agency, card: Page) -> None:
    first = card_of(card)
    card.goto(f"{agency.address}/my-day")
    card.evaluate(
        "([task, fence]) => { const place = `card-${task}-${fence}`;"
        " const kept = JSON.parse(sessionStorage.getItem(place));"
        " sessionStorage.setItem(place, JSON.stringify({ ...kept, away: 90 })); }",
        list(first),
    )
    card.goto(f"{agency.address}/desk")
    keys(card, "n")
    next_card(card, first)
    keys(card, "z")
    expect(card.get_by_text("Taken back.")).to_be_visible()
    assert int(card.evaluate("document.getElementById('outcome').elements.away_seconds.value")) >= 90


def test_a_card_that_is_held_after_all_does_not_say_it_was_lost(card: Page) -> None:
    card.evaluate("document.getElementById('lease-lost').hidden = false")
    card.evaluate("document.getElementById('lease-keep').click()")
    expect(card.locator("#lease-lost")).to_be_hidden()
