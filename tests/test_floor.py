"""The lead's decisions about the floor: who may work what, whose task it is, what rests, whose weight counts more."""

from datetime import UTC, datetime

import pytest
from freezegun import freeze_time

from ops.queue.workers import worker, workers
from tests.world import make_user

NOON = datetime(2026, 3, 11, 17, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon():
    with freeze_time(NOON) as frozen:
        yield frozen


def test_without_a_profile_somebody_works_everything_in_english(app):
    agent = make_user("agent")
    who = worker(agent.id)
    assert (who.languages, who.kinds, who.everywhere) == (("en",), None, True)
    assert len(workers()) == 1
