"""The demo around its building, which tests/runtime sees as a whole."""

from datetime import date

import sqlalchemy as sa
from freezegun import freeze_time

from ops import migrate
from ops.db import db
from ops.demo import agency
from ops.demo.build import Demo
from ops.demo.cli import clear_half_built, note_state
from ops.floor import board
from ops.practices.models import Practice
from ops.referrals.models import ReferralEvent
from ops.work.answers import ReferralState, Source
from tests.world import make_practice


def test_a_demo_that_is_begun_again_leaves_the_database_current(app):
    make_practice(slug=agency.PRACTICES[0].slug)
    note_state("building")
    clear_half_built()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Practice)) == 0
    with db.engine.connect() as connection:
        assert migrate.is_current(connection)


@freeze_time("2026-03-25 15:00:00")
def test_two_weeks_of_the_demo_reach_from_the_ask_to_what_became_of_the_friends(app):
    """All of it takes a minute and nobody looks: a verb that changed its manners broke it unnoticed once."""
    Demo(date(2026, 3, 25), lambda *_: None, days=16, given=agency.PRACTICES[:1]).build()
    steps = sa.select(ReferralEvent.state, ReferralEvent.source)
    said = {tuple(row) for row in db.session.execute(steps)}
    assert (ReferralState.BOOKED, Source.CALL) in said
    assert {state for state, source in said if source in (Source.MEMBER, Source.PRACTICE_SAID)}
    assert board.look(board.Asked()).lines[0].is_on_pace, "its contract is of the size of its calls"
