"""The queue and its ledger beside a reference that knows nothing of the SQL (tests/queue_model.py): after any steps
the same next task, the same owed and delivered minutes, the same states."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from ops.work.kinds import Kind
from tests.queue_machine import QueueMachine

SUITE = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
ASK, REPLY = Kind.ASK, Kind.REPLY
WALKS: dict[str, list[tuple[Any, ...]]] = {
    "who was away is owed three minutes an hour more": [
        *[("open_task", 0, ASK, 0)] * 5,
        ("work_through", 0, 5, 9),
        ("open_task", 1, ASK, 0),
    ],
    "a promise is its owner's first": [
        ("open_task", 0, ASK, 0),
        ("claim", 0),
        ("call_back", 0, 5, True),
        ("pass_time", 6),
        ("claim", 1),
        ("claim", 0),
    ],
    "one human is on one call": [
        ("open_task", 0, ASK, 0),
        ("claim", 0),
        ("open_second_task", 1, REPLY, 0, True),
        ("claim", 1),
        ("end", 0),
        ("claim", 1),
    ],
    "their other work comes to the same agent": [
        ("open_task", 0, ASK, 0),
        ("open_second_task", 0, REPLY, 0, False),
        ("open_task", 0, ASK, 0),
        ("claim", 0),
        ("end", 0),
        ("claim", 1),
        ("claim", 0),
    ],
    "a promise alone is no work by turn": [("open_promise", 0, ASK, 5), ("pass_time", 6), ("sweep",)],
    "the upkeep finds who has nothing left": [("open_task", 0, ASK, 0), ("cancel", 0), ("sweep",)],
    "a place that shuts is not served, and its promises wait too": [
        ("open_task", 0, ASK, 0, "NY"),
        ("open_promise", 0, ASK, 0, "NY"),
        ("open_task", 1, REPLY, 0),
        ("open_task", 1, ASK, 0, "NY"),
        *[("pass_time", 30)] * 3,
        ("claim", 0),
        ("claim", 1),
        ("next_day",),
        ("claim", 1),
        ("claim", 2),
    ],
    "nobody is given what they may not work, but what is kept together": [
        ("open_task", 0, ASK, 0),
        ("open_second_task", 0, REPLY, 0, False),
        ("open_task", 0, ASK, 0, "CA", "es"),
        ("open_promise", 1, ASK, 0, "CA", "es"),
        ("open_promise", 1, ASK, 0),
        ("train", 1, ("es",), {ASK}, {0}),
        ("train", 2, ("en",), {ASK, REPLY}, set()),
        ("claim", 2),
        ("claim", 1),
        ("claim", 0),
        ("end", 0),
        ("end", 0),
        ("train", 0, ("es",), None, set()),
        ("claim", 0),
        ("claim", 1),
        ("train", 1, ("en",), None, {1}),
        ("claim", 1),
    ],
    "what was paused a moment ago is not offered": [
        ("open_promise", 0, ASK, 0),
        ("open_task", 0, ASK, 0),
        ("open_task", 1, REPLY, 0),
        ("open_promise", 1, REPLY, 0),
        ("pause_or_resume", 0, False),
        ("rest_or_resume_kind", 1, REPLY),
        ("claim", 0),
        ("pause_or_resume", 0, False),
        ("claim", 0),
        ("rest_or_resume_kind", 1, REPLY),
        ("claim", 1),
    ],
    "who is paused holds nobody back": [
        *[("open_task", 0, REPLY, 0), ("open_task", 1, REPLY, 0)] * 4,
        ("work_through", 0, 1, 9),
        ("pause_or_resume", 0),
        ("work_through", 0, 3, 9),
        ("sweep",),
    ],
}
"""Steps that random ones seldom make in a row."""


def test_queue_and_ledger_do_what_the_reference_does(app, own_database):
    QueueMachine.database = own_database
    run_state_machine_as_test(QueueMachine, settings=SUITE)


@pytest.mark.parametrize("walk", WALKS)
def test_known_walks_end_as_in_the_reference(walk, app, own_database):
    QueueMachine.database = own_database
    machine = QueueMachine()
    try:
        for name, *details in [("a_morning", [1, 1], []), *WALKS[walk]]:
            getattr(machine, name)(*details)
            machine.the_ledger_agrees()
            machine.the_tasks_agree()
    finally:
        machine.teardown()
