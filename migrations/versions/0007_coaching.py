"""What leads say about finished work, and what went wrong for a patient."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
MARKS = ("met", "partly", "missed", "not_applicable")
AUDITED = {
    "concerns": "id",
    "coaching_comments": "id",
    "scorecards": "id",
    "scorecard_questions": "id",
    "scores": "id",
    "score_marks": "score_id,question_id",
}
SEEN = "nullif(current_setting('app.practice_id', true), '')::bigint"


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True)


def _to(name: str, target: str, *, nullable: bool = False, cascade: bool = False, index: bool = False) -> sa.Column:
    foreign = sa.ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return sa.Column(name, sa.BigInteger(), foreign, nullable=nullable, index=index)


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(), nullable=nullable)


def _when(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, MOMENT, nullable=nullable)


def upgrade() -> None:
    op.create_index("ix_attempts_at_id", "attempts", ["at", "id"])
    _concerns()
    _comments()
    _scores()
    for table, key in AUDITED.items():
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION audit_change('{key}', '')"
        )
    op.execute("ALTER TABLE concerns ENABLE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT ON concerns TO loopkeeper_portal")
    # a member writes back what the practice did, on its own concerns, and nothing else
    op.execute("GRANT UPDATE (answer, answered_at, answered_by) ON concerns TO loopkeeper_portal")
    op.execute(f"CREATE POLICY own_practice ON concerns TO loopkeeper_portal USING (practice_id = {SEEN})")


def _concerns() -> None:
    op.create_table(
        "concerns",
        _id(),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        _to("attempt_id", "attempts.id", cascade=True),
        _text("words"),
        _when("raised_at"),
        _text("raised_by"),
        _when("seen_at", nullable=True),
        _text("seen_by", nullable=True),
        _when("answered_at", nullable=True),
        _text("answered_by", nullable=True),
        _text("answer", nullable=True),
        _when("settled_at", nullable=True),
        _text("settled_by", nullable=True),
        _text("done", nullable=True),
        sa.UniqueConstraint("attempt_id"),
        sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["patients.practice_id", "patients.id"]),
        sa.ForeignKeyConstraint(["practice_id", "task_id"], ["tasks.practice_id", "tasks.id"]),
        sa.CheckConstraint(
            "(seen_at IS NULL) = (seen_by IS NULL) AND (settled_at IS NULL OR seen_at IS NOT NULL)",
            name="settled_was_seen",
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer IS NULL) AND (answered_at IS NULL) = (answered_by IS NULL)",
            name="answer_has_words",
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (done IS NULL) AND (settled_at IS NULL) = (settled_by IS NULL)",
            name="settled_has_words",
        ),
    )
    op.create_index("ix_concerns_open", "concerns", ["seen_at"], postgresql_where=sa.text("settled_at IS NULL"))
    op.create_index("ix_concerns_listed", "concerns", [sa.text("(settled_at IS NULL)"), "raised_at", "id"])
    op.create_index("ix_concerns_practice_id_raised_at", "concerns", ["practice_id", "raised_at"])
    op.create_index("ix_concerns_patient_id", "concerns", ["patient_id"])
    op.create_table(
        "concern_mails",
        _id(),
        _to("concern_id", "concerns.id", cascade=True),
        _to("user_id", "users.id", cascade=True, index=True),
        _when("made_at"),
        _when("claimed_at", nullable=True),
        _when("sent_at", nullable=True),
        _text("problem", nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("concern_id", "user_id"),
        sa.CheckConstraint("sent_at IS NULL OR claimed_at IS NOT NULL", name="sent_was_claimed"),
        sa.CheckConstraint("NOT given_up OR claimed_at IS NULL", name="given_up_did_not_leave"),
    )
    op.create_index(
        "ix_concern_mails_due",
        "concern_mails",
        ["made_at"],
        postgresql_where=sa.text("claimed_at IS NULL AND NOT given_up"),
    )


def _comments() -> None:
    op.create_table(
        "coaching_comments",
        _id(),
        _to("attempt_id", "attempts.id", cascade=True, index=True),
        _to("agent_id", "users.id"),
        _to("author_id", "users.id"),
        _text("words"),
        _when("at"),
        _when("read_at", nullable=True),
    )
    for name, column, whose in (("unread", "agent_id", "<>"), ("unread_answers", "at", "=")):
        op.create_index(
            f"ix_coaching_comments_{name}",
            "coaching_comments",
            [column],
            postgresql_where=sa.text(f"read_at IS NULL AND author_id {whose} agent_id"),
        )
    op.create_index("ix_coaching_comments_agent_id_at", "coaching_comments", ["agent_id", "at"])


def _scores() -> None:
    op.create_table(
        "scorecards",
        _id(),
        sa.Column("number", sa.Integer(), nullable=False),
        _when("made_at"),
        _text("made_by"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "scorecard_questions",
        _id(),
        _to("scorecard_id", "scorecards.id", cascade=True),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("words"),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("scorecard_id", "position"),
        sa.UniqueConstraint("scorecard_id", "id"),
        sa.CheckConstraint("weight BETWEEN 1 AND 10", name="weight_range"),
    )
    op.create_table(
        "scores",
        _id(),
        _to("attempt_id", "attempts.id", cascade=True),
        _to("agent_id", "users.id"),
        _to("scorecard_id", "scorecards.id"),
        sa.Column("points", sa.Integer(), nullable=True),
        _to("marked_by", "users.id"),
        _when("marked_at"),
        _when("read_at", nullable=True),
        sa.UniqueConstraint("attempt_id"),
        sa.UniqueConstraint("id", "scorecard_id"),
        sa.CheckConstraint("points BETWEEN 0 AND 100", name="points_range"),
    )
    op.create_index("ix_scores_unread", "scores", ["agent_id"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index("ix_scores_agent_id_marked_at", "scores", ["agent_id", "marked_at"])
    op.create_table(
        "score_marks",
        sa.Column("score_id", sa.BigInteger(), primary_key=True),
        sa.Column("question_id", sa.BigInteger(), primary_key=True),
        sa.Column("scorecard_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Enum(*MARKS, name="mark", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.ForeignKeyConstraint(["score_id", "scorecard_id"], ["scores.id", "scores.scorecard_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["scorecard_id", "question_id"], ["scorecard_questions.scorecard_id", "scorecard_questions.id"]
        ),
    )


def downgrade() -> None:
    for table in ("score_marks", "scores", "scorecard_questions", "scorecards", "coaching_comments", "concern_mails"):
        op.drop_table(table)
    op.execute("DROP POLICY IF EXISTS own_practice ON concerns")
    op.drop_table("concerns")
    op.drop_index("ix_attempts_at_id", "attempts")
