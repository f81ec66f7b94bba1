"""The demo around its building, which tests/runtime sees as a whole."""

import sqlalchemy as sa

from ops import migrate
from ops.db import db
from ops.demo import agency
from ops.demo.cli import clear_half_built, note_state
from ops.practices.models import Practice
from tests.world import make_practice


def test_a_demo_that_is_begun_again_leaves_the_database_current(app):
    make_practice(slug=agency.PRACTICES[0].slug)
    note_state("building")
    clear_half_built()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Practice)) == 0
    with db.engine.connect() as connection:
        assert migrate.is_current(connection)
