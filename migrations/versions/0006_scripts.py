"""Scripts are approved by practices and tried against each other."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# made here until migrations stopped installing functions; a database of that time has them
FUNCTIONS = ("script_in_force", "script_arm")
MOMENT = sa.DateTime(timezone=True)
AUDITED = {"script_approvals": "id", "script_approval_rules": "practice_id", "script_experiments": "id"}


def upgrade() -> None:
    op.add_column("scripts", sa.Column("experiment_id", sa.BigInteger(), nullable=True))
    for column in _columns():
        op.add_column("script_versions", column)
    op.create_check_constraint(op.f("ck_script_versions_variant"), "script_versions", "variant IN ('a', 'b')")
    op.drop_index("uq_script_versions_published", "script_versions")
    _unique("uq_script_versions_published", ["script_id", "variant"], "published")
    # only the newest draft stays open
    op.execute(
        "UPDATE script_versions v SET state = 'retired' WHERE state = 'draft' AND EXISTS ("
        "SELECT FROM script_versions n WHERE n.script_id = v.script_id AND n.state = 'draft' AND n.number > v.number)"
    )
    _unique("uq_script_versions_draft", ["script_id"], "draft")
    _approvals()
    _experiments()
    for table, key in AUDITED.items():
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION audit_change('{key}', '')"
        )


def _columns() -> tuple[sa.Column, ...]:
    return (
        sa.Column("variant", sa.String(40), nullable=False, server_default=sa.text("'a'")),
        sa.Column("note", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("revision", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("edited_by", sa.String(), nullable=True),
        sa.Column("published_by", sa.String(), nullable=True),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("retired_by", sa.String(), nullable=True),
    )


def _unique(name: str, columns: list[str], state: str) -> None:
    op.create_index(name, "script_versions", columns, unique=True, postgresql_where=sa.text(f"state = '{state}'"))


def _approvals() -> None:
    op.create_table(
        "script_approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("mailed_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answer", sa.String(40), nullable=True),
        sa.Column("answered_name", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("words", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.CheckConstraint("answer IN ('approved', 'change')", name=op.f("ck_script_approvals_answer")),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_script_approvals_answer_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name="fk_script_approvals_practice_id_practices", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["script_versions.id"],
            name="fk_script_approvals_version_id_script_versions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_script_approvals"),
    )
    op.create_index("ix_script_approvals_practice_id", "script_approvals", ["practice_id"])
    op.create_index("ix_script_approvals_version_id", "script_approvals", ["version_id"])
    op.create_index(
        "ix_script_approvals_unmailed",
        "script_approvals",
        ["asked_at"],
        postgresql_where=sa.text("by_mail AND mailed_at IS NULL"),
    )
    op.create_table(
        "script_approval_rules",
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name="fk_script_approval_rules_practice_id_practices", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("practice_id", name="pk_script_approval_rules"),
    )


def _experiments() -> None:
    versions = [
        sa.ForeignKeyConstraint(
            [column],
            ["script_versions.id"],
            name=f"fk_script_experiments_{column}_script_versions",
            ondelete="CASCADE",
        )
        for column in ("a_version_id", "b_version_id")
    ]
    op.create_table(
        "script_experiments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("script_id", sa.BigInteger(), nullable=False),
        sa.Column("a_version_id", sa.BigInteger(), nullable=False),
        sa.Column("b_version_id", sa.BigInteger(), nullable=False),
        sa.Column("baseline", sa.Numeric(4, 3), nullable=False),
        sa.Column("difference", sa.Numeric(4, 3), nullable=False),
        sa.Column("planned_answers", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.Column("ending", sa.String(40), nullable=True),
        sa.CheckConstraint("ending IN ('kept_a', 'took_b')", name=op.f("ck_script_experiments_ending")),
        sa.CheckConstraint(
            "(stopped_at IS NULL) = (ending IS NULL)", name=op.f("ck_script_experiments_stopped_has_ending")
        ),
        sa.CheckConstraint("planned_answers > 0", name=op.f("ck_script_experiments_planned_positive")),
        sa.ForeignKeyConstraint(
            ["script_id"], ["scripts.id"], name="fk_script_experiments_script_id_scripts", ondelete="CASCADE"
        ),
        *versions,
        sa.PrimaryKeyConstraint("id", name="pk_script_experiments"),
    )
    op.create_index("ix_script_experiments_script_id", "script_experiments", ["script_id"])
    op.create_index(
        "uq_script_experiments_running",
        "script_experiments",
        ["script_id"],
        unique=True,
        postgresql_where=sa.text("stopped_at IS NULL"),
    )


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS {name}")
    for table in ("script_experiments", "script_approval_rules", "script_approvals"):
        op.drop_table(table)
    op.drop_index("uq_script_versions_draft", "script_versions")
    op.drop_index("uq_script_versions_published", "script_versions")
    op.execute("UPDATE script_versions SET state = 'retired' WHERE state = 'published' AND variant = 'b'")
    _unique("uq_script_versions_published", ["script_id"], "published")
    op.drop_constraint(op.f("ck_script_versions_variant"), "script_versions")
    for column in reversed(_columns()):
        op.drop_column("script_versions", column.name)
    op.drop_column("scripts", "experiment_id")
