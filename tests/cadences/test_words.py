"""What the cadence pages say, sentence by sentence."""

import pytest

from ops.cadences import words
from ops.cadences.models import Trigger
from ops.practices.models import MilestoneKind


@pytest.mark.parametrize(
    ("delay", "treatment", "sentence"),
    [
        (None, None, "When the result of the treatment opens, after treatment completed"),
        (None, "Filler", "When the result of Filler opens, after treatment completed"),
        (0, None, "On the day of treatment completed"),
        (1, None, "1 day after treatment completed"),
        (14, "Filler", "14 days after treatment completed (Filler)"),
    ],
)
def test_a_trigger_says_when_it_starts(delay, treatment, sentence):
    trigger = Trigger(milestone_kind=MilestoneKind.TREATMENT_COMPLETED, delay_days=delay)
    assert words.trigger_words(trigger, treatment) == sentence


@pytest.mark.parametrize(("hours", "said"), [(0, "0 h"), (48, "48 h"), (72, "3 days"), (73, "73 h"), (120, "5 days")])
def test_a_gap_is_told_in_whole_days_from_three_on(hours, said):
    assert words.gap_words(hours) == said
