"""`ops gate`: one contact by options, many by lines; nothing read is a traceback; no database."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ops.contact.cli import commands

TUESDAY_NOON = "2026-12-08T17:00:00Z"
STATED = {
    "suppressions": [],
    "unread_reply": False,
    "attempts_24h": 0,
    "deceased": False,
    "baa": True,
    "practice": "active",
    "last_visit_on": "2026-11-20",
    "basis": "own_service",
    "loop_level": 0,
    "incentive": False,
    "lock_held": True,
}
MIAMI = {"state": "FL", "zip": "33101", "channel": "call", "at": TUESDAY_NOON, **STATED}
BY_OPTIONS = (
    "--no-suppression",
    "--no-unread-reply",
    "--attempts-24h",
    "0",
    "--alive",
    "--baa",
    "--practice",
    "active",
)
BY_OPTIONS += ("--last-visit-on", "2026-11-20", "--basis", "own_service", "--loop-level", "0", "--no-incentive")
BY_OPTIONS += ("--lock-held",)


def ask(*options: str, lines: str | bytes | None = None):
    return CliRunner().invoke(commands[0], list(options), input=lines)


def batch(*facts: dict | str) -> tuple[list[dict], int]:
    lines = "".join((fact if isinstance(fact, str) else json.dumps(fact)) + "\n" for fact in facts)
    result = ask("--batch", "--json", "--strict", lines=lines)
    return [json.loads(line) for line in result.stdout.splitlines()], result.exit_code


def test_one_contact_by_options_as_json():
    result = ask(
        "--json", "--strict", "--state", "FL", "--zip", "33101", "--channel", "call", "--at", TUESDAY_NOON, *BY_OPTIONS
    )
    answer = json.loads(result.stdout)
    assert list(answer) == ["allow", "reasons", "places", "window", "opens_at", "rules"]
    assert answer["allow"] is True
    assert answer["window"] == ["2026-12-08T13:00:00+00:00", "2026-12-09T01:00:00+00:00"]
    assert answer["places"] == [{"state": "FL", "zone": "America/New_York", "source": "address"}]


def test_a_block_in_words_says_why_and_when_it_opens():
    result = ask("--strict", "--state", "FL", "--zip", "33101", "--at", "2026-12-08T05:00:00Z", *BY_OPTIONS)
    assert result.exit_code == 0
    assert result.stdout.startswith("BLOCK HOURS_STATE, opens Dec 8, 2026, 8:00 AM EST")


def test_every_option_reaches_the_gate():
    options = [
        "--suppression",
        "STOP_SMS",
        "--suppression",
        "COMPLAINT",
        "--attempts-24h",
        "3",
        "--no-baa",
        "--deceased",
    ]
    options += ["--wrong-person", "--litigator", "--practice", "paused", "--birth-date", "2015-01-01"]
    options += ["--scrubbed-on", "2026-01-01", "--consent", "none", "--basis", "blocked", "--friend-not-opted-in"]
    options += ["--loop-level", "1", "--incentive", "--text-has-phi", "--text-not-approved", "--lock-lost"]
    options += ["--unread-reply"]
    result = ask("--json", "--at", TUESDAY_NOON, "--state", "FL", "--zip", "33101", *options)
    assert set(json.loads(result.stdout)["reasons"]) == {
        *("STOP_SMS", "COMPLAINT", "CAP_24H", "NO_BAA", "DECEASED", "WRONG_PERSON", "LITIGATOR", "PRACTICE_PAUSED"),
        *("MINOR", "SCRUB_OLDER_31D", "NO_CONSENT_CHANNEL", "BASIS_MISSING", "FRIEND_NOT_OPTED_IN"),
        *("LOOP_CONSENT_MISSING", "INCENTIVE_FORBIDDEN_STATE", "TEXT_HAS_PHI", "TEXT_NOT_APPROVED", "LOCK_LOST"),
        "UNREAD_REPLY",
    }


def test_the_agencys_limit_comes_from_the_settings(monkeypatch):
    from ops.config import settings

    monkeypatch.setenv("ATTEMPTS_PER_DAY", "1")
    settings.cache_clear()
    try:
        assert batch({**MIAMI, "attempts_24h": 1})[0][0]["reasons"] == ["CAP_24H"]
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_batch_answers_each_line_with_a_line_in_order():
    answers, code = batch(MIAMI, {**MIAMI, "deceased": True}, {**MIAMI, "suppressions": ["stop_sms"]}, {})
    assert [answer["allow"] for answer in answers[:3]] == [True, False, False]
    assert [answer["reasons"] for answer in answers[1:3]] == [["DECEASED"], ["STOP_SMS"]]
    assert len(answers) == 4
    assert code == 0


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5_000, "not JSON"),
        ('{"channel": "fax"}', "channel"),
        ('{"stat": "FL"}', "unknown fact 'stat'"),
        ('{"state": "Florida"}', "state"),
        ('{"zip": "1234"}', "zip"),
        ('{"phone": "555-0142"}', "phone"),
        ('{"at": "tomorrow"}', "at"),
        ('{"at": "2026-12-08T12:00:00"}', "no time zone"),
        ('{"at": 5}', "at"),
        ('{"at": "9999-12-31T23:59:59-14:00"}', "at"),
        ('{"stated_zone": "Napakiak"}', "stated_zone"),
        ('{"stated_zone": "../../etc/passwd"}', "stated_zone"),
        ('{"attempts_24h": -1}', "attempts_24h"),
        ('{"attempts_24h": 1.5}', "attempts_24h"),
        ('{"attempts_24h": NaN}', "attempts_24h"),
        ('{"suppressions": "STOP_SMS"}', "suppressions"),
        ('{"suppressions": [1]}', "suppressions"),
        ('{"baa": "yes"}', "baa"),
        ('{"practice": "closed"}', "practice"),
        ('{"birth_date": "2026-13-01"}', "birth_date"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_error_with_its_number_and_the_rest_goes_on(line, complaint):
    answers, code = batch(MIAMI, line, MIAMI)
    assert answers[0] == answers[2]
    assert answers[1]["line"] == 2
    assert complaint in answers[1]["error"]
    assert code == 1


def test_bytes_that_are_no_text_are_an_error_too():
    result = ask("--batch", lines=b'{"state": "\xff\xfe"}\n\xef\xbb\xbf{"channel": "call"}\n\n')
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [True, False]
    assert result.exit_code == 1


def test_null_is_absent_except_where_it_means_unreadable():
    answers, code = batch(
        {**MIAMI, "phone": None, "birth_date": None, "consent": None, "friend_opted_in": None},
        {**MIAMI, "practice": None},
        {**MIAMI, "suppressions": None},
        {**MIAMI, "attempts_24h": None},
        {**MIAMI, "baa": None},
    )
    assert [answer["reasons"] for answer in answers] == [
        *([], ["PRACTICE_PAUSED"], ["STORE_UNREADABLE"], ["STORE_UNREADABLE"], ["NO_BAA"])
    ]
    assert code == 0


def test_what_is_not_said_is_unknown_and_blocks_by_its_own_reason():
    place = {"state": "FL", "zip": "33101", "channel": "sms", "at": TUESDAY_NOON}
    assert batch(place)[0][0]["reasons"] == [
        *("SCRUB_OLDER_31D", "UNREAD_REPLY", "NO_BAA", "PRACTICE_PAUSED", "BASIS_MISSING", "LOOP_CONSENT_MISSING"),
        *("INCENTIVE_FORBIDDEN_STATE", "CAMPAIGN_UNREGISTERED", "TEXT_HAS_PHI", "TEXT_NOT_APPROVED", "LOCK_LOST"),
        "STORE_UNREADABLE",
    ]


def test_what_was_taken_for_granted_is_named():
    told = ask("--state", "FL", "--zip", "33101", "--at", TUESDAY_NOON, "--baa").stdout
    assert (
        told.startswith("ALLOW")
        and "Not said, taken as for an ordinary patient: suppressions, unread_reply, attempts_24h" in told
    )
    assert "baa" not in told
    assert "Not said" not in ask("--strict", "--state", "FL", "--at", TUESDAY_NOON).stdout


def test_of_an_ordinary_contact_hours_and_places_alone_are_asked():
    place = {"state": "FL", "zip": "33101", "at": TUESDAY_NOON}
    lines = [place, {**place, "at": "2026-12-08T05:00:00Z"}, {**place, "channel": "sms"}, {**place, "litigator": True}]
    lines += [{**place, "suppressions": None}, {**place, "scrubbed_on": "2026-01-01"}]
    result = ask("--batch", lines="".join(json.dumps(line) + "\n" for line in lines))
    reasons = [json.loads(line)["reasons"] for line in result.stdout.splitlines()]
    assert reasons == [[], ["HOURS_STATE"], [], ["LITIGATOR"], ["STORE_UNREADABLE"], ["SCRUB_OLDER_31D"]]


def test_a_bad_option_is_an_error_without_a_traceback():
    result = ask("--json", "--at", "nonsense")
    assert (result.exit_code, "error" in json.loads(result.stdout)) == (1, True)
    result = ask("--at", "nonsense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert ask("--batch", "--state", "FL").exit_code == 2


def test_the_gate_needs_no_database_and_no_web():
    program = "import sys, ops.contact.gate, ops.contact.places, ops.contact.windows, ops.contact.rules;"
    program += "sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'flask', 'pandas', 'redis')))"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
