"""Pages that show many practices ask the database as often for eight as for two."""

import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db
from tests.cohorts import result_shows
from tests.floors import NOON, claim, make_floor, make_task
from tests.world import make_patient, make_user

PAGES = """/queue /practices /reports /reports?sort=leak /scripts /outbox /concerns /coaching /people /floor
    /floor/minutes /friends /patients /people/emails /my-day""".split()


def grow(upto, since):
    for number in range(since, upto):
        practice = make_floor(f"p-{number}", website="")
        make_task(practice)
        make_task(practice, patient=make_patient(practice))
        result_shows(practice, NOON.date(), make_patient(practice))
        claim(make_user("agent"))


def test_pages_ask_as_often_for_eight_practices_as_for_two(app, sign_in):
    with freeze_time(NOON):
        browser, seen = sign_in(make_user("lead")), []
        sa.event.listen(db.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
        counts = []
        for since, upto in ((0, 2), (2, 8)):
            grow(upto, since)
            asked = {}
            for page in PAGES:
                browser.get(page)
                seen.clear()
                assert browser.get(page).status_code == 200, page
                asked[page] = len(seen)
            counts.append(asked)
    assert counts[0] == counts[1]
