"""Looking at rows of a practice's files, at messages to a friend and at lists is kept in the log of reads too.

Down: those looks are forgotten, which the log of before could not say.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

BEFORE = (
    "search",
    "patient_page",
    "messages",
    "card",
    "number",
    "address",
    "story",
    "concern",
    "finished_card",
    "friend",
    "report",
)
OF_FILES = ("upload", "wrong_row", "wrong_rows")
NEW = ("listed", *OF_FILES)
WITH_SUBJECT = ("card", "number", "address", "story", "concern", "finished_card", "friend")
OF_SOMEBODY = (
    "CASE WHEN what IN ('upload', 'wrong_row', 'wrong_rows') THEN patient_id IS NULL "
    "ELSE patient_id IS NOT NULL OR (what IN ('messages', 'listed') AND shown_key IS NOT NULL) END"
)


def upgrade() -> None:
    op.alter_column("patient_reads", "patient_id", nullable=True)
    _checks(BEFORE + NEW, WITH_SUBJECT + OF_FILES)
    _check("read_is_of_somebody", OF_SOMEBODY)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_patient_reads_read_is_of_somebody"), "patient_reads", type_="check")
    op.execute("ALTER TABLE patient_reads DISABLE TRIGGER USER")
    op.execute("DELETE FROM patient_reads WHERE patient_id IS NULL OR what = 'listed'")
    op.execute("ALTER TABLE patient_reads ENABLE TRIGGER USER")
    _checks(BEFORE, WITH_SUBJECT)
    op.alter_column("patient_reads", "patient_id", nullable=False)


def _checks(what: tuple[str, ...], with_subject: tuple[str, ...]) -> None:
    for name in ("what", "what_has_subject"):
        op.drop_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", type_="check")
    _check("what", f"what IN ({_listed(what)})")
    _check("what_has_subject", f"(what IN ({_listed(with_subject)})) = (subject_id IS NOT NULL)")


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", sa.text(condition))


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
