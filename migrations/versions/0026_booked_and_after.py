"""What becomes of a friend after the booking: the visit, whether they came and were treated, and whose word that is.

Steps from before are taken for what was said on a call; they cannot be taken back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

BEFORE = "received contacted connected booked showed treated lost".split()
AFTER = "received contacted connected booked no_show showed treated lost".split()
SOURCES = "call practice_said member file".split()
READS = "search patient_page messages card number address story concern finished_card friend report".split()
ABOUT_ONE = "card number address story concern finished_card friend".split()
TABLES = ("referrals", "referral_events")


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _reads(what: list[str], about_one: list[str]) -> None:
    checks = {"what": _one_of("what", what), "what_has_subject": f"({_one_of('what', about_one)}) = (subject_id IS NOT NULL)"}
    for name, check in checks.items():
        op.drop_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", type_="check")
        op.create_check_constraint(op.f(f"ck_patient_reads_{name}"), "patient_reads", check)


def _states(values: list[str]) -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_state"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, _one_of("state", values))


def upgrade() -> None:
    _states(AFTER)
    _reads(READS, ABOUT_ONE)
    op.add_column("referrals", sa.Column("visit_on", sa.Date(), nullable=True))
    op.add_column("referrals", sa.Column("visit_time", sa.Time(), nullable=True))
    op.add_column("referrals", sa.Column("value", sa.Numeric(10, 2), nullable=True))
    op.add_column("referrals", sa.Column("patient_id", sa.BigInteger(), nullable=True))
    for column in ("visit_days", "comes_for"):
        op.add_column("referrals", sa.Column(column, sa.String(), server_default="", nullable=False))
        op.alter_column("referrals", column, server_default=None)
    op.create_check_constraint(
        op.f("ck_referrals_hour_of_a_day"), "referrals", "visit_time IS NULL OR visit_on IS NOT NULL"
    )
    op.create_check_constraint(op.f("ck_referrals_value_not_negative"), "referrals", "value >= 0")
    op.create_foreign_key(
        op.f("fk_referrals_practice_id_patient_id_patients"),
        "referrals",
        "patients",
        ["practice_id", "patient_id"],
        ["practice_id", "id"],
    )
    source = sa.Column("source", sa.String(40), server_default="call", nullable=False)
    op.add_column("referral_events", source)
    op.add_column("referral_events", sa.Column("happened_on", sa.Date(), nullable=True))
    op.add_column("referral_events", sa.Column("why", sa.String(), server_default="", nullable=False))
    op.add_column("referral_events", sa.Column("was", sa.dialects.postgresql.JSONB(), nullable=True))
    for column in ("source", "why"):
        op.alter_column("referral_events", column, server_default=None)
    op.create_check_constraint(op.f("ck_referral_events_source"), "referral_events", _one_of("source", SOURCES))


def downgrade() -> None:
    """What was booked, its hour and its value are lost; who did not come counts as booked."""
    op.drop_constraint(op.f("ck_referral_events_source"), "referral_events", type_="check")
    for column in ("was", "why", "happened_on", "source"):
        op.drop_column("referral_events", column)
    op.drop_constraint(op.f("fk_referrals_practice_id_patient_id_patients"), "referrals", type_="foreignkey")
    for name in ("value_not_negative", "hour_of_a_day"):
        op.drop_constraint(op.f(f"ck_referrals_{name}"), "referrals", type_="check")
    for column in ("comes_for", "visit_days", "patient_id", "value", "visit_time", "visit_on"):
        op.drop_column("referrals", column)
    for table in TABLES:
        op.execute(f"UPDATE {table} SET state = 'booked' WHERE state = 'no_show'")
    _states(BEFORE)
    op.execute("ALTER TABLE patient_reads DISABLE TRIGGER USER")
    op.execute("UPDATE patient_reads SET what = 'patient_page', subject_id = NULL WHERE what = 'friend'")
    op.execute("ALTER TABLE patient_reads ENABLE TRIGGER USER")
    _reads([each for each in READS if each != "friend"], [each for each in ABOUT_ONE if each != "friend"])
