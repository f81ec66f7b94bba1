"""Where the tests of the record begin: at noon, with one practice and Ada, its patient."""

import pytest
from freezegun import freeze_time

from tests.floors import NOON, make_floor
from tests.world import make_patient


@pytest.fixture(autouse=True)
def at_noon(app):
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.fixture
def lake(app):
    return make_floor("lake", name="Lake Skin")


@pytest.fixture
def ada(lake):
    return make_patient(lake, "Ada", "Lane", external_id="A-1", phone="+13125550142", email="ada@example.com")
