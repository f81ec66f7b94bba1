"""What an admin sets for the agency: where it is used, what wins over it, and what is refused."""

import io
import struct
from datetime import UTC, datetime, time
from uuid import UUID

import pytest
from freezegun import freeze_time

from ops.agency import actions, images, queries
from ops.config import settings
from ops.contact import rules
from ops.contact.places import Place
from ops.contact.windows import open_window
from ops.db import transaction
from ops.errors import Refused
from ops.messages.actions import footer
from ops.queue import jobs
from ops.scripts.values import of_practice
from tests.floors import claim, make_floor, make_task, sweep
from tests.world import make_practice, make_user

PNG = images.PNG + struct.pack(">I4sII", 13, b"IHDR", 120, 40) + b"\x08\x06\0\0\0" + b"\0" * 8 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0\x00\x04\0\0\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 40, 120) + b"\1\1\x11\0\xff\xd9"


def set_agency(**details):
    with transaction("user:1"):
        return actions.set_agency(**details)


def test_what_is_set_is_said_and_written_and_the_environment_wins(app, sign_in, monkeypatch):
    practice = make_practice("lake", name="Lake Skin")
    browser = sign_in(make_user("admin"))
    typed = {
        "name": "North Star",
        "number": "(312) 555-0123",
        "postal_address": "1 Main Street,\nSpringfield, IL 62701",
    }
    browser.post("/agency/details", data=typed | {"opens": "09:00", "closes": "19:00"}, expect=303)
    known = of_practice(practice)
    assert (known["agency_name"], known["callback_number"]) == ("North Star", "(312) 555-0123")
    assert "Lake Skin, 1 Main Street, Springfield, IL 62701\n" in footer(practice, UUID(int=1))
    page = browser.get("/agency", expect=200).text
    assert 'value="09:00"' in page
    assert "The environment sets this" not in page
    monkeypatch.setenv("AGENCY_NAME", "From the shell")
    settings.cache_clear()
    assert of_practice(practice)["agency_name"] == "From the shell"
    page = browser.get("/agency", expect=200).text
    assert "The environment sets this: “From the shell” holds" in page
    assert 'value="North Star"' in page


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ({"number": "12"}, "no number that can be dialled"),
        ({"opens": time(9)}, "an hour to begin"),
        ({"opens": time(19), "closes": time(9)}, "a later one to end"),
        ({"opens": time(17), "closes": time(21)}, "noon to 2 PM"),
        ({"name": "x" * 121}, "longer than 120"),
    ],
)
def test_what_cannot_be_is_refused(app, details, says):
    with pytest.raises(Refused, match=says):
        set_agency(**details)


def test_courtesy_hours_narrow_every_window_and_widen_none():
    """Every row of the law, every weekday and holiday: never earlier, never later, and an edition of its own."""
    law, cut = rules.within(None), rules.within((time(9), time(19)))
    wide = rules.within((time(0), time(23, 59)))
    assert cut.version != law.version
    assert wide.hours == law.hours
    for key, rows in law.hours.items():
        for before, after in zip(rows, cut.hours[key], strict=True):
            for name in ("weekday", "saturday", "sunday", "holiday"):
                was, now = getattr(before, name), getattr(after, name)
                assert now is None if was is None else now == (max(was[0], time(9)), min(was[1], time(19)))
    chicago = [Place("IL", "America/Chicago", "address")]
    evening = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)  # 7:30 PM in Chicago
    assert open_window(chicago, "call", evening, law)[0] <= evening
    assert open_window(chicago, "call", evening, cut)[0] == datetime(2026, 3, 11, 14, 0, tzinfo=UTC)


@freeze_time("2026-03-11 00:30:00")
def test_nobody_is_offered_or_may_be_called_outside_courtesy_hours(app):
    agent, lake = make_user("agent"), make_floor("lake")
    make_task(lake)
    set_agency(opens=time(9), closes=time(19))
    sweep()
    jobs.upkeep()
    assert claim(agent) is None
    set_agency()
    jobs.upkeep()
    assert claim(agent) is not None


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", None),
        (PNG[:20], None),
        (PNG.replace(struct.pack(">I", 120), struct.pack(">I", 1601)), None),
        (PNG.replace(struct.pack(">I", 120), struct.pack(">I", 0)), None),
        (PNG + b"\0" * images.LARGEST, None),
        (JPEG[:12], None),
        (b"\xff\xd8\xff\xe0\x00\x00" * 4, None),
        (b"", None),
    ],
)
def test_a_logo_is_a_small_png_or_jpeg_whatever_it_is_called(content, kind):
    if kind:
        assert images.kind_of(content) == kind
    else:
        with pytest.raises(Refused):
            images.kind_of(content)


def test_the_logo_stands_in_the_header_and_is_served_as_a_picture_alone(app, sign_in):
    admin, member = sign_in(make_user("admin")), sign_in(make_user("member", make_practice("lake")))
    admin.get("/agency/logo", expect=404)
    wrong = admin.post("/agency/logo", data={"logo": (io.BytesIO(b"<html>"), "logo.png")}, expect=422)
    assert "must be a PNG or JPEG picture" in wrong.text
    admin.post("/agency/logo", data={"logo": (io.BytesIO(PNG), "logo.png")}, expect=303)
    picture = member.get("/agency/logo", expect=200)
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "/agency/logo?v=" in member.get("/practices/lake/concerns", expect=200).text
    for stranger in (member, sign_in(make_user("lead"))):
        stranger.get("/agency", expect=403)
    admin.post("/agency/logo/remove", expect=303)
    assert queries.agency().logo_hash is None
