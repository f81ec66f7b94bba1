"""Why a cadence ended is a code, with the outcome or the lead's words beside it; until here it was one sentence.

A sentence that nobody ever wrote stops the migration by the CHECK: it is not guessed at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

REASONS = (
    "answered",
    "other_call",
    "steps_taken",
    "days_over",
    "may_not",
    "wrote_back",
    "opted_out",
    "by_lead",
)
OUTCOMES = (
    "willing",
    "thinking",
    "not_now",
    "already_told",
    "never",
    "all_well",
    "told",
    "friend_booked",
    "friend_connected",
    "friend_declined",
    "answered",
    "review_promised",
    "callback",
    "no_answer",
    "voicemail",
    "bad_number",
    "wrong_person",
    "not_happy",
    "remove_me",
)
TO_CODES = """
    UPDATE cadence_runs SET
        end_reason = CASE
            WHEN end_reason LIKE 'answered: %' THEN 'answered'
            WHEN end_reason LIKE 'cancelled by a lead: %' THEN 'by_lead'
            WHEN end_reason IN ('asked not to be contacted', 'Not happy, complaint', 'Wrong person') THEN 'other_call'
            WHEN end_reason = 'all steps taken' THEN 'steps_taken'
            WHEN end_reason = 'its days are over' THEN 'days_over'
            WHEN end_reason = 'may not be contacted' THEN 'may_not'
            WHEN end_reason = 'wrote back' THEN 'wrote_back'
            WHEN end_reason = 'opted out' THEN 'opted_out'
            ELSE end_reason
        END,
        end_outcome = CASE
            WHEN end_reason LIKE 'answered: %' THEN substr(end_reason, length('answered: ') + 1)
            WHEN end_reason = 'asked not to be contacted' THEN 'remove_me'
            WHEN end_reason = 'Not happy, complaint' THEN 'not_happy'
            WHEN end_reason = 'Wrong person' THEN 'wrong_person'
        END,
        end_words = CASE
            WHEN end_reason LIKE 'cancelled by a lead: %' THEN substr(end_reason, length('cancelled by a lead: ') + 1)
        END
    WHERE end_reason IS NOT NULL
"""
TO_SENTENCES = """
    UPDATE cadence_runs SET end_reason = CASE end_reason
        WHEN 'answered' THEN 'answered: ' || end_outcome
        WHEN 'by_lead' THEN 'cancelled by a lead: ' || end_words
        WHEN 'other_call' THEN CASE end_outcome
            WHEN 'not_happy' THEN 'Not happy, complaint'
            WHEN 'wrong_person' THEN 'Wrong person'
            ELSE 'asked not to be contacted'
        END
        WHEN 'steps_taken' THEN 'all steps taken'
        WHEN 'days_over' THEN 'its days are over'
        WHEN 'may_not' THEN 'may not be contacted'
        WHEN 'wrote_back' THEN 'wrote back'
        WHEN 'opted_out' THEN 'opted out'
    END
    WHERE end_reason IS NOT NULL
"""
CHECKS = {
    "end_reason": f"end_reason IN ({', '.join(repr(reason) for reason in REASONS)})",
    "end_outcome": f"end_outcome IN ({', '.join(repr(outcome) for outcome in OUTCOMES)})",
    "ended_has_reason": "(state = 'ended') = (end_reason IS NOT NULL)",
    "call_has_outcome": "(coalesce(end_reason, '') IN ('answered', 'other_call')) = (end_outcome IS NOT NULL)",
    "lead_has_words": "(coalesce(end_reason, '') = 'by_lead') = (end_words IS NOT NULL)",
}


def upgrade() -> None:
    op.add_column("cadence_runs", sa.Column("end_outcome", sa.String(40), nullable=True))
    op.add_column("cadence_runs", sa.Column("end_words", sa.String(), nullable=True))
    _rewrite(TO_CODES)
    op.alter_column("cadence_runs", "end_reason", type_=sa.String(40))
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_cadence_runs_{name}"), "cadence_runs", check)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_cadence_runs_{name}"), "cadence_runs", type_="check")
    op.alter_column("cadence_runs", "end_reason", type_=sa.String())
    _rewrite(TO_SENTENCES)
    op.drop_column("cadence_runs", "end_words")
    op.drop_column("cadence_runs", "end_outcome")


def _rewrite(statement: str) -> None:
    """The same said otherwise is no change that somebody made: it is not audited."""
    op.execute("ALTER TABLE cadence_runs DISABLE TRIGGER USER")
    op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
    op.execute("ALTER TABLE cadence_runs ENABLE TRIGGER USER")
