"""Every count of the board opens the list of exactly those tasks."""

import re
from datetime import timedelta
from html import unescape

import pytest
from freezegun import freeze_time

from ops import clock
from ops.db import transaction
from ops.practices.actions import pause_practice
from ops.queue.actions import tasks
from ops.work.kinds import Kind
from tests.floors import NOON, claim, make_floor, make_task, sweep
from tests.world import make_user

LINK = re.compile(r'<a\s+href="(/queue/tasks\?[^"]*)">([\d,]+)[^<]*</a>')


@pytest.fixture
def busy(app):
    """Work in every state the board counts, of three practices, one of them paused."""
    with freeze_time(NOON - timedelta(days=4)):
        lake, hill, rest = (make_floor(slug) for slug in ("lake", "hill", "rest"))
        agent = make_user("agent")
        make_task(lake)
    with freeze_time(NOON):
        held = make_task(lake, promised_at=clock.now() - timedelta(hours=1))
        claimed = claim(agent)
        assert claimed.id == held.id
        snoozed = make_task(lake, promised_at=clock.now() - timedelta(minutes=30))
        other = make_user("agent")
        taken = claim(other)
        assert taken.id == snoozed.id
        with transaction(other.actor):
            tasks.snooze(taken.id, other.id, taken.fence, other.actor, clock.now() + timedelta(hours=3))
        make_task(hill, Kind.FOLLOW_UP, ready_at=clock.now() + timedelta(days=1))
        make_task(hill, promised_at=clock.now() - timedelta(minutes=5))
        make_task(hill, promised_at=clock.now() + timedelta(hours=5), ready_at=clock.now() + timedelta(hours=5))
        make_task(rest)
        with transaction("user:1"):
            pause_practice(rest)
        sweep()
        yield


def links(page: str) -> dict[str, int]:
    return {unescape(address): int(number.replace(",", "")) for address, number in LINK.findall(page)}


@pytest.mark.parametrize("narrowed", ["", "?practice=hill", "?practice=rest", "?kind=ask"])
def test_each_count_of_the_board_opens_the_list_of_exactly_those(busy, sign_in, narrowed):
    lead = sign_in(make_user("lead"))
    found = links(lead.get(f"/queue{narrowed}", expect=200).text)
    assert len(found) >= 3
    for address, number in found.items():
        page = lead.get(address, expect=200).text
        assert len(re.findall(r'<th scope="row"', page)) == number, address
    lead.get("/queue/tasks?which=else&age=99&why=%00x&group=nowhere", expect=400)
    assert "There is none now" in lead.get("/queue/tasks?which=else&age=99&why=nothing", expect=200).text
    sign_in(make_user("agent")).get("/queue/tasks", expect=403)


def test_the_whole_board_links_every_sort_of_count(busy, sign_in):
    found = " ".join(links(sign_in(make_user("lead")).get("/queue", expect=200).text))
    for part in ("ready", "later", "in_progress", "promised", "overdue", "not_live", "why=promised", "age=", "group="):
        assert part in found
