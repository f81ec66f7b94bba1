"""The report's pages: who may read them, what they say, and that all three forms say the same."""

import csv
import io
import re
from datetime import date, datetime

import pytest
import sqlalchemy as sa
from freezegun import freeze_time

from ops.accounts.models import PatientRead, Role
from ops.db import PORTAL_ROLE, db, see_only, transaction
from ops.metrics.exports import as_csv
from ops.metrics.reports import month_report
from ops.practices.actions import add_review_link
from ops.practices.models import Patient
from ops.practices.months import Month
from ops.work.answers import Answer, ReferralState
from tests.cohorts import answer, at, result_shows, send_friend, start_ask
from tests.world import make_patient, make_practice, make_user

ZONE = "America/Chicago"
SLUG = "lakeside"
MARCH = f"/practices/{SLUG}/report/2026-03"


@pytest.fixture(autouse=True)
def in_april():
    with freeze_time("2026-04-05 18:00:00"):
        yield


@pytest.fixture
def lakeside(app):
    """Eight eligible, six asked, five answered, four willing; one friend booked within two hours."""
    practice = make_practice(SLUG, "Lakeside Aesthetics", zone=ZONE)
    noon = at(ZONE, 2026, 3, 11, 12)
    shown = [result_shows(practice, date(2026, 3, 10)) for _ in range(8)]
    said = [Answer.NO_ANSWER, Answer.NOT_NOW, *[Answer.WILLING] * 4]
    asks = [answer(start_ask(milestone, noon), each, noon) for milestone, each in zip(shown[2:], said, strict=True)]
    referrer = db.session.get_one(Patient, asks[-1].patient_id)
    send_friend(referrer, noon, (ReferralState.BOOKED, at(ZONE, 2026, 3, 11, 14)), name="Bea Doe", ask=asks[-1])
    return practice


def words(page) -> str:
    """The text a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)))


# --- who may read


def test_a_member_goes_straight_to_the_running_month_of_their_only_practice(lakeside, sign_in):
    browser = sign_in(make_user(Role.MEMBER, lakeside))
    first = browser.get("/reports", expect=303)
    second = browser.get(first.location, expect=303)
    assert second.location.endswith(f"/practices/{SLUG}/report/2026-04")
    browser.get(second.location, expect=200)


def test_a_member_of_two_practices_chooses_and_one_of_none_is_told_what_to_do(lakeside, sign_in):
    from ops.accounts.actions import give_practice

    other = make_practice("hilltop", "Hilltop Skin")
    make_practice("elsewhere", "Elsewhere Clinic")
    member = make_user(Role.MEMBER, lakeside)
    with transaction("test"):
        give_practice(member, other.id)
    text = words(sign_in(member).get("/reports", expect=200))
    assert "Lakeside Aesthetics" in text
    assert "Hilltop Skin" in text
    assert "Elsewhere" not in text
    assert "Ask the agency" in words(sign_in(make_user(Role.MEMBER)).get("/reports", expect=200))


def test_leads_and_admins_see_every_practice(lakeside, sign_in):
    make_practice("hilltop", "Hilltop Skin")
    for role in (Role.LEAD, Role.ADMIN):
        text = words(sign_in(make_user(role)).get("/reports", expect=200))
        assert "Lakeside Aesthetics" in text
        assert "Hilltop Skin" in text


@pytest.mark.parametrize("address", ["", "/2026-03", "/2026-03.csv", "/2026-03.json"])
def test_outsiders_and_agents_find_nothing_and_insiders_and_leads_do(lakeside, sign_in, client, address):
    url = f"/practices/{SLUG}/report{address}"
    outsider = make_user(Role.MEMBER, make_practice("hilltop"))
    for stranger in (outsider, make_user(Role.AGENT)):
        sign_in(stranger).get(url, expect=404)
    for reader in (make_user(Role.MEMBER, lakeside), make_user(Role.LEAD), make_user(Role.ADMIN)):
        assert sign_in(reader).get(url).status_code in (200, 303)
    assert client.get(url).status_code in (303, 401)


def test_an_agent_has_no_reports(lakeside, sign_in):
    sign_in(make_user(Role.AGENT)).get("/reports", expect=403)


def test_behind_the_wall_a_query_without_a_where_finds_only_the_own_practice(lakeside):
    other = make_practice("hilltop")
    make_patient(other)
    result_shows(other, date(2026, 3, 10))
    with transaction("test"):
        add_review_link(other, "Maps", "https://example.com/hilltop")
    own, everybody = lakeside.id, set(db.session.scalars(sa.select(Patient.practice_id)))
    assert everybody == {own, other.id}
    see_only(own)
    try:
        assert db.session.scalar(sa.text("SELECT current_user")) == PORTAL_ROLE
        tables = db.session.scalars(
            sa.text(
                "SELECT tablename FROM pg_policies WHERE policyname = 'own_practice' AND tablename <> 'practices' "
                "AND has_table_privilege(quote_ident(tablename), 'SELECT')"
            )
        ).all()
        assert {"patients", "milestones", "referrals", "messages"} <= set(tables)
        for table in tables:
            owners = set(db.session.scalars(sa.text(f"SELECT DISTINCT practice_id FROM {table}")))
            assert owners <= {own}, table
        assert db.session.scalar(sa.text("SELECT count(*) FROM patients")) == 8
        assert db.session.scalars(sa.text("SELECT slug FROM practices")).all() == [SLUG]
    finally:
        db.session.remove()


def test_the_member_reads_the_same_numbers_behind_the_wall_as_the_lead_without_it(lakeside, sign_in):
    pages = [sign_in(reader).get(f"{MARCH}.json").json for reader in (make_user("lead"), make_user("member", lakeside))]
    assert pages[0] == pages[1]
    assert pages[0]["stages"][0]["count"] == 8


def test_who_read_a_named_referrer_is_kept_and_numbers_alone_are_no_such_read(lakeside, sign_in):
    member = make_user(Role.MEMBER, lakeside)
    browser = sign_in(member)
    for url in (f"{MARCH}.json", f"{MARCH}.csv", f"/practices/{SLUG}/report/2026-04"):
        browser.get(url, expect=200)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PatientRead)) == 0
    browser.get(MARCH, expect=200)
    read = db.session.scalars(sa.select(PatientRead)).one()
    assert (read.user_id, read.practice_id, read.what, str(read.month)) == (
        member.id,
        lakeside.id,
        "report",
        "2026-03-01",
    )


# --- what it says


def test_the_page_says_the_three_sentences_the_rates_and_the_friend_by_first_name(lakeside, sign_in):
    page = sign_in(make_user(Role.MEMBER, lakeside)).get(MARCH, expect=200)
    text = words(page)
    for sentence in month_report(lakeside, Month(2026, 3)).sentences:
        assert sentence in text
    assert "80% 4 of 5" in text
    assert "13% 1 of 8" in text
    assert "yardsticks from trade writing" in text
    assert "Bea" in text
    assert "Doe" not in text
    assert "2 h" in text


def test_every_number_of_the_table_is_the_number_of_the_report(lakeside, sign_in):
    report = month_report(lakeside, Month(2026, 3))
    page = sign_in(make_user(Role.LEAD)).get(MARCH, expect=200).get_data(as_text=True)
    rows = re.findall(r'<th scope="row">([^<]+)</th>\s*<td class="number"><b>(\d+)</b>', page)
    assert rows == [(step.measure.name, str(step.count)) for step in report.cohort.steps]


def test_page_csv_and_json_say_the_same(lakeside, sign_in):
    browser = sign_in(make_user(Role.LEAD))
    data = browser.get(f"{MARCH}.json", expect=200).json
    assert datetime.fromisoformat(data["as_of"]).utcoffset(), "in the practice's time, not in UTC"
    table = browser.get(f"{MARCH}.csv", expect=200)
    assert table.mimetype == "text/csv"
    assert table.get_data().startswith(b"\xef\xbb\xbf")
    lines = list(csv.DictReader(io.StringIO(table.get_data(as_text=True).lstrip("\ufeff"))))
    by_name = {line["measure"]: line for line in lines}
    stages = {stage["stage"]: stage["count"] for stage in data["stages"]}
    assert [by_name[name]["value"] for name in ("Eligible", "Asked", "Reached", "Willing", "Friend sent")] == [
        str(stages[stage]) for stage in ("eligible", "asked", "reached", "willing", "referred")
    ]
    assert by_name["Willingness"]["percent"] == str(data["willingness"]["percent"]) == "80"
    assert (data["willingness"]["low_95"], data["willingness"]["high_95"]) == (38, 96)
    assert by_name["Referral rate"]["yardstick"] == str(data["referral_rate"]["yardstick_percent"]) == "29"
    assert data["sentences"] == list(month_report(lakeside, Month(2026, 3)).sentences)


def test_neither_csv_nor_json_names_anybody(lakeside, sign_in):
    browser = sign_in(make_user(Role.LEAD))
    for ending in ("csv", "json"):
        text = browser.get(f"{MARCH}.{ending}").get_data(as_text=True)
        assert not re.search("Bea|Doe|Ada|Lane", text)


def test_a_cell_that_a_spreadsheet_would_run_is_quoted():
    from ops.metrics.exports import _plain

    assert [_plain(cell) for cell in ("=1+1", "@x", "-5", -5, "plain", None)] == [
        "'=1+1",
        "'@x",
        "'-5",
        -5,
        "plain",
        "",
    ]
    assert as_csv.__doc__


@pytest.mark.parametrize(
    "month",
    ["2026-05", "2027-01", "2026-13", "2026-00", "2026-3", "1999-12", "٢٠٢٦-03", "march", "2026-03-01", "0000-00"],
)
def test_what_is_no_month_or_has_not_begun_is_not_found(lakeside, sign_in, month):
    browser = sign_in(make_user(Role.LEAD))
    for ending in ("", ".csv", ".json"):
        browser.get(f"/practices/{SLUG}/report/{month}{ending}", expect=404)


def test_a_month_begins_for_a_practice_when_it_begins_in_its_zone(app, sign_in):
    make_practice("aloha", zone="Pacific/Honolulu", state="HI")
    make_practice("eastern", zone="America/New_York", state="NY")
    browser = sign_in(make_user(Role.LEAD))
    with freeze_time("2026-05-01 05:00:00"):
        browser = sign_in(make_user(Role.LEAD))
        browser.get("/practices/aloha/report/2026-05", expect=404)
        browser.get("/practices/eastern/report/2026-05", expect=200)


def test_empty_months_say_what_to_do(app, sign_in):
    practice = make_practice(SLUG, zone=ZONE)
    lead, member = sign_in(make_user(Role.LEAD)), sign_in(make_user(Role.MEMBER, practice))
    for browser in (lead, member):
        assert "load the practice’s export" in words(browser.get(MARCH, expect=200))
    result_shows(practice, date(2026, 2, 10))
    assert "please send the agency your newest export" in words(member.get(MARCH))
    before = lead.get(f"/practices/{SLUG}/report/2025-12", expect=200)
    assert "began to show in February 2026" in words(before)


def test_months_are_linked_from_the_first_to_the_running_one(lakeside, sign_in):
    browser = sign_in(make_user(Role.LEAD))
    march = browser.get(MARCH).get_data(as_text=True)
    april = browser.get(f"/practices/{SLUG}/report/2026-04").get_data(as_text=True)
    assert 'rel="prev"' not in march
    assert 'rel="next"' in march
    assert 'rel="prev"' in april
    assert 'rel="next"' not in april


def test_the_overview_can_be_ordered_by_leak_and_does_not_rank_the_small(lakeside, sign_in):
    small = make_practice("alpine", "Alpine Glow")
    result_shows(small, date(2026, 3, 10))
    browser = sign_in(make_user(Role.LEAD))
    text = words(browser.get("/reports"))
    assert text.index("Alpine Glow") < text.index("Lakeside Aesthetics")
    text = words(browser.get("/reports?sort=leak"))
    assert text.index("Alpine Glow") > text.index("Lakeside Aesthetics")
    assert "1 of 1 patients, too few to rank" in text
