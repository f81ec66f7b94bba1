"""What the agency does with practices. Verbs flush and never commit; the caller's `transaction(actor)` does."""

from ops.practices.actions.contracts import end_contract, remove_contract, set_contract
from ops.practices.actions.patients import (
    add_patient,
    correct_patient,
    note_read,
    record_milestone,
    withdraw_milestone,
)
from ops.practices.actions.practices import (
    add_practice,
    add_review_link,
    edit_practice,
    end_practice,
    go_live,
    pause_practice,
    remove_review_link,
    reopen_practice,
    resume_practice,
)
from ops.practices.actions.treatments import add_treatment_type, edit_treatment_type, remove_treatment_type

__all__ = [
    "add_patient",
    "add_practice",
    "add_review_link",
    "add_treatment_type",
    "correct_patient",
    "edit_practice",
    "edit_treatment_type",
    "end_contract",
    "end_practice",
    "go_live",
    "note_read",
    "pause_practice",
    "record_milestone",
    "remove_contract",
    "remove_review_link",
    "remove_treatment_type",
    "reopen_practice",
    "resume_practice",
    "set_contract",
    "withdraw_milestone",
]
