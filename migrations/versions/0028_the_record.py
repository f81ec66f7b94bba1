"""A wrong refusal can be lifted, each occasion has its own; records of one human are merged; labs are a milestone.

Downgrading forgets what was lifted (it stands again), what people's words were, and which records were merged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = [sa.text("contact_key"), sa.text("coalesce(practice_id, 0)"), sa.text("channel"), sa.text("reason")]
KINDS = ["treatment_completed", "visit", "goal_reached", "review_left", "grateful_message"]
AGAIN = """
    INSERT INTO suppressions (contact_key, practice_id, channel, reason, source, created_at, created_by, occasion)
    SELECT s.contact_key, s.practice_id, s.channel, s.reason, a.source, a.at, a.actor, 'again:' || a.id
    FROM suppressions_again a JOIN suppressions s ON s.id = a.suppression_id
"""
DOUBLES = """
    DELETE FROM suppressions s USING suppressions o
    WHERE o.contact_key = s.contact_key AND o.practice_id IS NOT DISTINCT FROM s.practice_id
      AND o.channel = s.channel AND o.reason = s.reason AND o.id < s.id
"""
BY_PEOPLE = """
    UPDATE suppressions SET occasion = 'before:' || created_by || ':' || extract(epoch FROM created_at)::bigint
    WHERE created_by LIKE 'user:%'
"""
NAME = "lower(regexp_replace(first_name || last_name, '[^[:alnum:]]', '', 'g'))"


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("occasion", sa.String(), nullable=False, server_default=""))
    op.add_column("suppressions", sa.Column("words", sa.String(), nullable=True))
    op.add_column("suppressions", sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("suppressions", sa.Column("lifted_by", sa.String(), nullable=True))
    op.add_column("suppressions", sa.Column("lifted_why", sa.String(40), nullable=True))
    op.add_column("suppressions", sa.Column("lifted_words", sa.String(), nullable=True))
    op.create_check_constraint(op.f("ck_suppressions_lifted_why"), "suppressions", "lifted_why IN ('mistake', 'agreed')")
    op.create_check_constraint(op.f("ck_suppressions_lifted_has_words"),
        "suppressions",
        "num_nulls(lifted_at, lifted_by, lifted_why, lifted_words) IN (0, 4)",
    )
    op.create_check_constraint(op.f("ck_suppressions_mistake_of_a_person"), "suppressions", "lifted_why <> 'mistake' OR occasion <> ''"
    )
    op.drop_index("uq_suppressions_key", table_name="suppressions")
    op.create_index(
        "uq_suppressions_key",
        "suppressions",
        [*KEY, sa.text("occasion")],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_index("ix_suppressions_contact_key", "suppressions", ["contact_key"])
    op.execute("ALTER TABLE suppressions DISABLE TRIGGER USER")
    op.execute(BY_PEOPLE)
    op.execute("ALTER TABLE suppressions ENABLE TRIGGER USER")
    op.execute(AGAIN)
    op.drop_table("suppressions_again")
    _kinds([*KINDS, "labs_optimized"])
    op.create_index("ix_patients_whole_name", "patients", [sa.text(NAME)])


def downgrade() -> None:
    op.drop_index("ix_patients_whole_name", table_name="patients")
    op.execute("DELETE FROM triggers WHERE milestone_kind = 'labs_optimized'")
    op.execute("UPDATE milestones SET kind = 'goal_reached' WHERE kind = 'labs_optimized'")
    _kinds(KINDS)
    op.create_table(
        "suppressions_again",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("suppression_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions_again"),
        sa.ForeignKeyConstraint(
            ["suppression_id"], ["suppressions.id"], name="fk_suppressions_again_suppression_id_suppressions"
        ),
    )
    op.create_index("ix_suppressions_again_suppression_id", "suppressions_again", ["suppression_id"])
    op.execute("ALTER TABLE suppressions DISABLE TRIGGER USER")
    op.execute(DOUBLES)
    op.execute("ALTER TABLE suppressions ENABLE TRIGGER USER")
    op.drop_index("ix_suppressions_contact_key", table_name="suppressions")
    op.drop_index("uq_suppressions_key", table_name="suppressions")
    op.create_index("uq_suppressions_key", "suppressions", KEY, unique=True)
    for name in ("lifted_why", "lifted_has_words", "mistake_of_a_person"):
        op.drop_constraint(op.f(f"ck_suppressions_{name}"), "suppressions")
    for column in ("occasion", "words", "lifted_at", "lifted_by", "lifted_why", "lifted_words"):
        op.drop_column("suppressions", column)


def _kinds(kinds: list[str]) -> None:
    for table, column in (("milestones", "kind"), ("triggers", "milestone_kind")):
        listed = ", ".join(f"'{kind}'" for kind in kinds)
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
