"""Every moment a person reads is in their own time zone: of their first browser, or as they chose."""

from datetime import UTC, datetime

from freezegun import freeze_time

from ops.accounts import queries
from ops.web.filters import own_zone
from tests.world import make_user

PASSWORD = "four unrelated words"
NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)


def zone_of(user):
    return queries.by_email(user.email).zone


def enter(app, email, zone):
    browser = app.test_client()
    browser.get("/sign-in", expect=200)
    browser.post("/sign-in", data={"email": email, "password": PASSWORD, "zone": zone}, expect=303)
    return browser


def test_the_first_browser_that_says_a_place_is_theirs_and_later_ones_change_nothing(app, client):
    app.test_client_class = type(client)
    ada = make_user("agent", email="ada@example.com", password=PASSWORD)
    for said in ("", "UTC", "Etc/GMT+5", "EST", "Mars/Olympus", "x" * 5000, "../../etc/passwd"):
        enter(app, ada.email, said)
        assert zone_of(ada) is None, said
    enter(app, ada.email, "America/Denver")
    enter(app, ada.email, "Asia/Manila")
    assert zone_of(ada) == "America/Denver"


def test_a_person_chooses_their_zone_and_reads_in_it(app, sign_in):
    ada = make_user("agent")
    with freeze_time(NOON):
        browser = sign_in(ada)
        assert "Mar 10, 2026, 12:00 PM EDT" in browser.get("/me/settings", expect=200).text
        browser.post("/me/settings", data={"zone": "Asia/Manila"}, expect=303)
        assert "Mar 11, 2026, 12:00 AM Manila time" in browser.get("/me/settings", expect=200).text
        assert "Mar 11, 2026, 12:00 AM Manila time" in browser.get("/me/sign-ins", expect=200).text
        for wrong in ("UTC", "Mars/Olympus", ""):
            assert "Not a valid choice" in browser.post("/me/settings", data={"zone": wrong}, expect=422).text
    assert zone_of(ada) == "Asia/Manila"
    assert own_zone() == "America/New_York", "who is nobody reads Eastern time"
