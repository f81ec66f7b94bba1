"""A load that holds every visit of some days: what it does not name is counted, and withdrawn when somebody says so."""

from datetime import date

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.db import db, transaction
from ops.errors import Refused
from ops.imports import jobs, loading
from ops.imports.models import Import, QuarantinedRow
from ops.practices.models import Milestone
from tests.loads import HEAD, VISITS, load, received
from tests.uploads import number, text, upload
from tests.world import make_milestone, make_practice, make_user

pytestmark = pytest.mark.usefixtures("app")
MAY = "2026-05-01", "2026-05-31"
ALL = [f"{n},1,2026-05-{n:02},Botox\n" for n in range(1, 5)] + ["9,1,2026-04-30,Botox\n"]


@pytest.fixture
def practice():
    with freeze_time("2026-06-15 15:00"):
        practice = make_practice("lake", zone="America/Chicago")
        load(practice, HEAD + "1,Ada,Lane,1985-03-12,312-555-0101,,no\n")
        load(practice, VISITS + "".join(ALL))
        yield practice


def whole(practice, content: str, first: str = MAY[0], last: str = MAY[1]) -> Import:
    import_id = received(practice, ("v.csv", content))
    with transaction("test"):
        loading.said_whole(db.session.get_one(Import, import_id), date.fromisoformat(first), date.fromisoformat(last))
    assert loading.run(import_id)
    db.session.expire_all()
    return db.session.get_one(Import, import_id)


def standing() -> list[str]:
    query = sa.select(Milestone.happened_on).where(Milestone.withdrawn_at.is_(None)).order_by(Milestone.happened_on)
    return [f"{day:%m-%d}" for day in db.session.scalars(query)]


def withdraw(of: Import, **how) -> int:
    with transaction("test"):
        return loading.withdraw_absent(db.session.get_one(Import, of.id), **how)


def test_what_it_does_not_name_is_counted_first_and_withdrawn_when_somebody_says_so(practice):
    make_milestone(db.session.scalars(sa.select(Milestone)).first().patient, "Toxin", days_ago=20)
    of = whole(practice, VISITS + "".join(ALL[:3]))
    assert loading.absent(of) == (1, 4) and len(standing()) == 6
    assert withdraw(of) == 1
    assert standing() == ["04-30", "05-01", "05-02", "05-03", "05-26"], (
        "not what lies before, nor what a person entered"
    )
    assert loading.outcome_of(of.id).absent["withdrawn"] == 1
    with pytest.raises(Refused, match="No visit"):
        withdraw(of)
    load(practice, VISITS + ALL[3])
    assert "05-04" in standing(), "a later file that names it restores it"


def test_more_than_half_or_rows_kept_aside_are_refused(practice):
    of = whole(practice, VISITS + ALL[0])
    with pytest.raises(Refused, match="3 of the 4 visits"):
        withdraw(of)
    assert withdraw(of, most=True) == 3
    of = whole(practice, VISITS + ALL[1] + "7,1,soon,Botox\n")
    with pytest.raises(Refused, match="kept aside"):
        withdraw(of, most=True)
    assert db.session.scalars(sa.select(QuarantinedRow)).one()
    with pytest.raises(Refused, match="Nobody has said"):
        withdraw(db.session.scalars(sa.select(Import).order_by(Import.id)).first())


def test_a_lead_says_so_on_the_page_sees_how_many_and_presses(practice, sign_in):
    lead = sign_in(make_user("lead"))
    address = upload(lead, ("v.csv", VISITS + "".join(ALL[:3])))
    assert "every visit of some days" in text(lead.get(address))
    assert lead.post(address + "/confirm", data={"whole_from": "2026-05-01"}).status_code == 400
    lead.post(address + "/confirm", data={"whole_from": MAY[0], "whole_until": MAY[1]}, expect=303)
    jobs.run_import(number(address))
    assert "1 of the 4 visits we have of these days is not in it" in text(lead.get(address))
    lead.post(address + "/withdraw-absent", expect=303)
    assert "1 visit that was not in it is withdrawn" in text(lead.get(address))
