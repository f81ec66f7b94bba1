"""`ops patient`: the verbs of the record from a terminal."""

import pytest
from click.testing import CliRunner
from freezegun import freeze_time

from ops.record.cli import patient
from tests.floors import NOON, make_floor
from tests.world import make_patient


@pytest.fixture
def run(app):
    def do(*words):
        with freeze_time(NOON):
            done = CliRunner().invoke(patient, words)
        return done.exit_code, done.output

    return do


def test_a_refusal_is_entered_shown_and_lifted_and_two_records_are_merged(app, run):
    with freeze_time(NOON):
        lake = make_floor("lake", name="Lake Skin")
        make_patient(lake, external_id="A-1")
        make_patient(lake, external_id="A-2")
    about = ("--practice", "lake", "--number", "A-1")
    no = ("do-not-contact", *about, "--channel", "sms", "--source", "called", "--words", "No texts")
    assert run(*no) == (0, "Nobody of Lake Skin contacts them any more over: sms.\n")
    _, shown = run("may-contact", *about)
    assert "Text: no, wrote STOP" in shown
    occasion = next(line for line in shown.splitlines() if line.startswith("record:")).split(": ")[0]
    other = ("lift", "--practice", "lake", "--number", "A-2", "--occasion", occasion, "--why", "Slip")
    assert run(*other)[0] == 1
    assert run("lift", *about, "--occasion", occasion, "--why", "Slip") == (0, "It does not stand any more.\n")
    assert run("milestone", *about, "--kind", "goal_reached", "--on", "2026-03-11") == (0, "Recorded.\n")
    assert run("merge", *about, "--other", "A-2", "--why", "Same") == (0, "Merge 1: they are one person now.\n")
    assert run("unmerge", "--practice", "lake", "--merge", "1", "--why", "Not") == (0, "They are two people again.\n")
    code, words = run("merge", *about, "--other", "A-9", "--why", "Same")
    assert (code, words) == (1, "Error: Lake Skin has no patient with the number A-9.\n")
