"""The whole product as people use it: a practice's export becomes its month, in a real browser, on real servers.

import -> task -> outcome -> friend -> thank-you -> report, while workers and servers are killed on the way. The clock
of this one installation stands at a weekday noon, since at night the law shuts every window.
"""

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ops.messages.jobs import UNHEARD
from tests.processes import wait_until
from tests.whole_agency import PASSWORD, Agency, chromium, is_accessible, needs_browser, press, signed_in

UNDO_SECONDS = 2
pytestmark = [pytest.mark.timeout(500), pytest.mark.browser, needs_browser]


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    agency = Agency(tmp_path_factory.mktemp("journey"), UNDO_SECONDS=str(UNDO_SECONDS))
    try:
        agency.ops(
            *"practice add harbor --name Harbor --zone America/New_York --state NY --baa 2026-01-05 --hours 20".split(),
            *"--callback-number 212-555-0199 --website https://harbor.example.com".split(),
            *("--sender-email", "hello@harbor.example.com", "--shareable", "They explain every step."),
        )
        agency.ops("practice", "live", "harbor")
        for who, role in (("lead", "lead"), ("agent", "agent"), ("owner", "member")):
            whose = ("--practice", "harbor") if role == "member" else ()
            name = "Dana Reyes" if role == "agent" else who.title()
            agency.ops(
                *("user", "add", f"{who}@example.com", "--role", role, "--name", name, "--password-stdin"),
                *whose,
                stdin=PASSWORD,
            )
        yield agency
    finally:
        agency.process.terminate()
        agency.process.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def export(now: datetime) -> bytes:
    """An Open Dental style export: three who can be asked, one minor, one who died, one shifted row."""
    header = "PatNum,LName,FName,PatStatus,Birthdate,State,Zip,WirelessPhone,Email,TxtMsgOk,AptDateTime,ProcDescript"
    shown = f"{now - timedelta(days=14):%Y-%m-%d} 10:00:00"
    rows = [
        ["1", "Okafor", "Maria", "Patient", "1985-02-03", "NY", "10001", "(212) 555-0101", "maria@example.com", "Yes"],
        ["2", "Lindgren", "Petra", "Patient", "1979-07-21", "NY", "10002", "(212) 555-0102", "", "Yes"],
        ["3", "Santos", "Rosa", "Patient", "1990-11-30", "NY", "10003", "(212) 555-0103", "rosa@example.com", "Yes"],
        ["4", "Young", "Tim", "Patient", f"{now.year - 12}-01-01", "NY", "10003", "(212) 555-0104", "", "Yes"],
        ["5", "Gone", "Greta", "Deceased", "1940-01-01", "NY", "10003", "(212) 555-0105", "", "Yes"],
    ]
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(header.split(","))
    out.writerows([*row, shown, "Botox 40 units"] for row in rows)
    out.writerow(
        ["6", "", "Shifted", "Lee", "Patient", "1980-01-01", "NY", "10003", "(212) 555-0106", "", "Yes", shown]
    )
    return text.getvalue().encode("utf-8-sig")


def test_from_a_practices_export_to_its_month(agency: Agency, browser: Browser) -> None:
    lead = signed_in(browser, agency, "lead")
    the_lead_loads_the_export(agency, lead)
    # only the three who may be asked become tasks: not the minor, the dead and the row that was shifted
    wait_until(lambda: agency.ask("SELECT count(*) FROM tasks WHERE kind = 'ask'") == 3, 150)
    agent = signed_in(browser, agency, "agent")
    the_agent_records_a_friend_while_servers_are_killed(agency, agent)
    the_agent_works_on_by_keys_alone(agency, agent)
    the_referrer_is_thanked_once(agency, lead)
    the_practice_reads_its_month(agency, signed_in(browser, agency, "owner"))


def the_lead_loads_the_export(agency: Agency, lead: Page) -> None:
    lead.goto(f"{agency.address}/practices/harbor/edit")
    lead.get_by_label("Website").fill("https://harbor.example.com")
    lead.get_by_label("Shareable description").fill("They explain every step.")
    lead.get_by_label("Callback number").fill("(212) 555-0199")
    lead.get_by_role("button", name="Save").click()
    lead.goto(f"{agency.address}/practices/harbor/imports")
    lead.get_by_label("Files").set_input_files(
        {"name": "export.csv", "mimeType": "text/csv", "buffer": export(agency.now)}
    )
    lead.get_by_role("button", name="Upload").click()
    expect(lead.get_by_text("open-dental")).to_be_visible()
    is_accessible(lead)
    agency.kill_child("worker-imports")
    lead.get_by_role("button", name="Load this file").click()
    expect(lead.get_by_role("heading", name="What came of it")).to_be_visible(timeout=150_000)
    assert agency.ask("SELECT count(*) FROM patients") == 5
    assert agency.ask("SELECT count(*) FROM quarantined_rows") == 1
    is_accessible(lead)


def the_agent_records_a_friend_while_servers_are_killed(agency: Agency, agent: Page) -> None:
    press(agent, "j")
    expect(agent.get_by_role("heading", name="Harbor", exact=True)).to_be_visible()
    is_accessible(agent)
    agent.get_by_label("Note").fill("Lovely talk, has a sister.")
    agency.kill_child("web")
    agency.kill_servers()
    wait_until(agency.is_ready, 90)
    press(agent, "Escape")
    press(agent, "f")
    agent.get_by_label("First name").fill("Ines")
    agent.get_by_label("Phone", exact=True).fill("212 555 0177")
    agent.get_by_label("They are with the patient and said yes to me").check()
    press(agent, "i")
    press(agent, "w")
    expect(agent.get_by_text("First call to a friend for")).to_be_visible()
    assert agency.ask("SELECT note FROM attempts") == "Lovely talk, has a sister."
    assert agency.ask("SELECT count(*) FROM referrals") == 1


def the_agent_works_on_by_keys_alone(agency: Agency, agent: Page) -> None:
    press(agent, "i")
    press(agent, "w")
    expect(agent.get_by_text("Referral ask for")).to_be_visible()
    first = agent.locator(".card-page").get_attribute("data-task")
    press(agent, "i")
    press(agent, "o")
    expect(agent.locator(f".card-page:not([data-task='{first}'])")).to_be_visible()
    press(agent, "n")
    expect(agent.get_by_role("heading", name="Your desk")).to_be_visible()
    is_accessible(agent)
    answers = "SELECT string_agg(outcome, ' ' ORDER BY id) FROM attempts"
    assert agency.ask(answers) == "willing friend_booked not_now no_answer"


def the_referrer_is_thanked_once(agency: Agency, lead: Page) -> None:
    time.sleep(UNDO_SECONDS + UNHEARD.total_seconds())
    agency.tick()
    delivered = "SELECT count(*) FROM messages WHERE kind = 'loop_closing' AND state = 'delivered'"
    wait_until(lambda: agency.ask(delivered) == 1, 150)
    agency.tick()
    wait_until(lambda: agency.ask("SELECT count(*) FROM referral_events WHERE tell AND told_at IS NULL") == 0, 150)
    assert agency.ask("SELECT count(*) FROM recorder_deliveries WHERE body LIKE '%thinking of us%'") == 1
    lead.goto(f"{agency.address}/outbox")
    expect(lead.get_by_text("Thank you for thinking of us").first).to_be_visible()
    is_accessible(lead)


def the_practice_reads_its_month(agency: Agency, owner: Page) -> None:
    month = f"{(agency.now - timedelta(days=4)):%Y-%m}"
    owner.goto(f"{agency.address}/practices/harbor/report/{month}")
    expect(owner.get_by_role("heading", level=1)).to_be_visible()
    body = owner.locator("main").inner_text()
    for words in ("83", "29", "1 of 3"):
        assert words in body, body
    is_accessible(owner)
    assert owner.goto(f"{agency.address}/outbox").status in (403, 404)


def test_loading_the_same_file_again_adds_nothing(agency: Agency, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(export(agency.now))

    first = json.loads(agency.ops("import", "--practice", "harbor", str(file), "--json"))
    assert (first["patients_new"], first["milestones_new"]) == (0, 0)
    assert first["deceased"] == 1 and first["minors"] == 1 and len(first["quarantined"]) == 1


def test_a_phone_can_show_the_report(agency: Agency, browser: Browser) -> None:
    page = signed_in(browser, agency, "owner")
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
