"""One outbox for emails to people with an account, instead of columns in three tables.

What was not sent yet is queued in it, what was sent stays sent, what nobody could tell about stays unknown. Links and
questions to practices told sent and unknown not apart: they count as sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = ("invitation", "reset", "approval", "concern")
STATES = ("queued", "claimed", "sent", "unknown", "failed")
PROBLEMS = (
    "no_answer", "no_tls", "sign_in", "cut_before", "address", "mail", "cannot_carry", "not_written", "cut_after",
    "lost", "closed",
)  # fmt: skip

# the day in which a mail is tried begins now for what waits: nothing of it is given up for having waited before.
# The database's clock is the true one wherever a mail server is set (CLOCK_OFFSET_MINUTES is refused with one).
FROM_LINKS = """
INSERT INTO staff_mails (kind, about_id, user_id, to_address, state, queued_at, due_at, tries, claimed_at, sent_at, late)
SELECT CASE l.purpose WHEN 'invite' THEN 'invitation' ELSE 'reset' END, l.id, l.user_id, u.email,
       CASE WHEN l.mailed_at IS NULL THEN 'queued' ELSE 'sent' END,
       CASE WHEN l.mailed_at IS NULL THEN greatest(l.created_at, now()) ELSE l.created_at END,
       l.created_at, CASE WHEN l.mailed_at IS NULL THEN 0 ELSE 1 END, l.mailed_at, l.mailed_at, false
FROM account_links l JOIN users u ON u.id = l.user_id
WHERE l.mailed_at IS NOT NULL OR (l.by_mail AND l.used_at IS NULL)
ORDER BY l.id"""
FROM_APPROVALS = """
INSERT INTO staff_mails (kind, about_id, to_address, state, queued_at, due_at, tries, claimed_at, sent_at, late)
SELECT 'approval', a.id,
       coalesce((SELECT string_agg(u.email, ', ' ORDER BY u.id) FROM memberships m JOIN users u ON u.id = m.user_id
                 WHERE m.practice_id = a.practice_id AND u.active), ''),
       CASE WHEN a.mailed_at IS NULL THEN 'queued' ELSE 'sent' END,
       CASE WHEN a.mailed_at IS NULL THEN greatest(a.asked_at, now()) ELSE a.asked_at END,
       a.asked_at, CASE WHEN a.mailed_at IS NULL THEN 0 ELSE 1 END, a.mailed_at, a.mailed_at, false
FROM script_approvals a
WHERE a.mailed_at IS NOT NULL OR (a.by_mail AND a.answer IS NULL)
ORDER BY a.id"""
FROM_CONCERNS = """
INSERT INTO staff_mails (kind, about_id, user_id, to_address, state, queued_at, due_at, tries, claimed_at, sent_at,
                         problem, reply_code, late)
SELECT 'concern', m.concern_id, m.user_id, u.email, s.state, m.made_at, m.made_at,
       CASE WHEN s.state = 'queued' THEN 0 ELSE 1 END, m.claimed_at, m.sent_at, p.problem,
       CASE WHEN p.problem IN ('address', 'mail') THEN substring(m.problem FROM '\\((\\d+)\\)$')::integer END, false
FROM concern_mails m JOIN users u ON u.id = m.user_id
CROSS JOIN LATERAL (SELECT CASE WHEN m.sent_at IS NOT NULL THEN 'sent' WHEN m.given_up THEN 'failed'
    WHEN m.claimed_at IS NULL THEN 'queued' WHEN m.problem IS NULL THEN 'claimed' ELSE 'unknown' END) AS s (state)
CROSS JOIN LATERAL (SELECT CASE
    WHEN s.state = 'sent' THEN NULL
    WHEN s.state = 'unknown' THEN 'cut_after'
    WHEN m.problem LIKE '%refused the address%' THEN 'address'
    WHEN m.problem LIKE '%refused the mail%' THEN 'mail'
    WHEN m.problem LIKE '%account is closed%' THEN 'closed'
    WHEN m.problem IS NOT NULL THEN 'no_answer'
    WHEN s.state = 'failed' THEN 'mail' END) AS p (problem)
ORDER BY m.id"""
# what a lead has settled since waits for nobody's decision, and is not news any more once its day is over
SETTLED = """
UPDATE staff_mails m
SET state = CASE m.state WHEN 'queued' THEN 'failed' ELSE m.state END, late = m.state = 'queued',
    settled_at = c.settled_at, settled_by = c.settled_by
FROM concerns c
WHERE m.kind = 'concern' AND c.id = m.about_id AND c.settled_at IS NOT NULL
  AND (m.state IN ('unknown', 'failed') OR m.state = 'queued' AND m.queued_at < now() - interval '24 hours')"""
TO_LINKS = """
UPDATE account_links l SET by_mail = m.state <> 'failed', mailed_at = m.claimed_at
FROM staff_mails m WHERE m.kind IN ('invitation', 'reset') AND m.about_id = l.id"""
TO_APPROVALS = """
UPDATE script_approvals a SET by_mail = m.state <> 'failed', mailed_at = m.claimed_at
FROM staff_mails m WHERE m.kind = 'approval' AND m.about_id = a.id"""
TO_CONCERNS = """
INSERT INTO concern_mails (concern_id, user_id, made_at, claimed_at, sent_at, problem, given_up)
SELECT m.about_id, m.user_id, m.queued_at, m.claimed_at, m.sent_at,
       CASE WHEN m.state = 'unknown' THEN 'the connection broke while it was handed over'
            WHEN m.state = 'sent' THEN NULL
            WHEN m.problem = 'closed' THEN 'the account is closed'
            WHEN m.problem IN ('address', 'mail')
                THEN 'the mail server refused the ' || m.problem || coalesce(' (' || m.reply_code || ')', '')
            WHEN m.problem IS NOT NULL OR m.state = 'failed' AND NOT m.late THEN 'the mail server did not answer' END,
       m.state = 'failed' AND NOT m.late
FROM staff_mails m JOIN concerns c ON c.id = m.about_id WHERE m.kind = 'concern' ORDER BY m.id"""


def upgrade() -> None:
    _outbox()
    for statement in (FROM_LINKS, FROM_APPROVALS, FROM_CONCERNS, SETTLED):
        op.execute(statement)
    op.drop_table("concern_mails")
    op.drop_index("ix_script_approvals_unmailed", "script_approvals")
    for table in ("account_links", "script_approvals"):
        op.drop_column(table, "mailed_at")
        op.drop_column(table, "by_mail")


def downgrade() -> None:
    _concern_mails()
    for table in ("account_links", "script_approvals"):
        op.add_column(table, sa.Column("by_mail", sa.Boolean(), nullable=False, server_default=sa.false()))
        op.add_column(table, sa.Column("mailed_at", MOMENT, nullable=True))
    for statement in (TO_LINKS, TO_APPROVALS, TO_CONCERNS):
        op.execute(statement)
    for table in ("account_links", "script_approvals"):
        op.alter_column(table, "by_mail", server_default=None)
    op.create_index(
        "ix_script_approvals_unmailed",
        "script_approvals",
        ["asked_at"],
        postgresql_where=sa.text("by_mail AND mailed_at IS NULL"),
    )
    op.drop_table("staff_mails")


def _outbox() -> None:
    op.create_table(
        "staff_mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("about_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_mails"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_staff_mails_user_id_users", ondelete="CASCADE"),
        _one_of("kind", KINDS),
        _one_of("state", STATES),
        _one_of("problem", PROBLEMS),
        sa.CheckConstraint(
            "(claimed_at IS NOT NULL) = (state IN ('claimed', 'sent', 'unknown'))", name="claimed_may_have_left"
        ),
        sa.CheckConstraint("(sent_at IS NOT NULL) = (state = 'sent')", name="sent_has_time"),
        sa.CheckConstraint(
            "state NOT IN ('unknown', 'failed') OR problem IS NOT NULL OR late", name="a_bad_end_has_a_reason"
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL) AND (settled_at IS NULL OR state IN ('unknown', 'failed'))",
            name="settled_was_bad",
        ),
    )
    op.create_index(
        "uq_staff_mails_reason",
        "staff_mails",
        ["kind", "about_id", sa.text("coalesce(user_id, 0)")],
        unique=True,
    )
    op.create_index("ix_staff_mails_user_id", "staff_mails", ["user_id"])
    _some("due", "due_at", "state = 'queued'")
    _some("claimed", "claimed_at", "state = 'claimed'")
    _some("unsettled", "id", "state IN ('unknown', 'failed') AND settled_at IS NULL")


def _one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def _some(name: str, column: str, which: str) -> None:
    op.create_index(f"ix_staff_mails_{name}", "staff_mails", [column], postgresql_where=sa.text(which))


def _concern_mails() -> None:
    """As 0007 made it."""
    op.create_table(
        "concern_mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("concern_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_concern_mails"),
        sa.ForeignKeyConstraint(
            ["concern_id"], ["concerns.id"], name="fk_concern_mails_concern_id_concerns", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_concern_mails_user_id_users", ondelete="CASCADE"),
        sa.UniqueConstraint("concern_id", "user_id", name="uq_concern_mails_concern_id_user_id"),
        sa.CheckConstraint("sent_at IS NULL OR claimed_at IS NOT NULL", name="sent_was_claimed"),
        sa.CheckConstraint("NOT given_up OR claimed_at IS NULL", name="given_up_did_not_leave"),
    )
    op.create_index("ix_concern_mails_user_id", "concern_mails", ["user_id"])
    op.create_index(
        "ix_concern_mails_due",
        "concern_mails",
        ["made_at"],
        postgresql_where=sa.text("claimed_at IS NULL AND NOT given_up"),
    )
