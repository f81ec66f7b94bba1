"""Within an hour an agent is shown so many numbers and no more; leads set how many, and hear of it.

Down: who was stopped is forgotten, and emails about it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

MAILS = ("invitation", "reset", "approval", "concern")
RANGES = {"unused_numbers": (12, 3, 60), "numbers_an_hour": (90, 10, 300)}


def upgrade() -> None:
    op.create_table(
        "number_stops",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.BigInteger(), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("unused", sa.Integer(), nullable=False),
    )
    op.create_index(op.f("ix_number_stops_user_id_at"), "number_stops", ["user_id", "at"])
    op.create_index(op.f("ix_number_stops_at"), "number_stops", ["at"])
    op.create_index(
        "ix_patient_reads_shown",
        "patient_reads",
        ["user_id", "at"],
        postgresql_where=sa.text("what IN ('number', 'address')"),
    )
    for name, (usual, least, most) in RANGES.items():
        op.add_column("desk_settings", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(str(usual))))
        check = f"{name} BETWEEN {least} AND {most}"
        op.create_check_constraint(op.f(f"ck_desk_settings_{name}_range"), "desk_settings", check)
    _mails((*MAILS, "numbers"))


def downgrade() -> None:
    op.execute("DELETE FROM staff_mails WHERE kind = 'numbers'")
    _mails(MAILS)
    for name in RANGES:
        op.drop_column("desk_settings", name)
    op.drop_index("ix_patient_reads_shown", "patient_reads")
    op.drop_table("number_stops")


def _mails(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_staff_mails_kind"), "staff_mails", type_="check")
    op.create_check_constraint(
        op.f("ck_staff_mails_kind"), "staff_mails", sa.text(f"kind IN ({', '.join(repr(kind) for kind in kinds)})")
    )
