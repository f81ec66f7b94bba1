"""Lanes, certifications and paused kinds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# made here until migrations stopped installing functions; a database of that time has them
FUNCTIONS = ("next_task", "clear_lanes", "contact_known")
MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "ask",
    "follow_up",
    "review_request",
    "loop_closing",
    "friend_follow_up",
    "reply",
    "recall",
    "partner_touch",
)
EVENTS = (
    "opened",
    "claimed",
    "skipped",
    "snoozed",
    "retry",
    "returned",
    "lease_expired",
    "shut",
    "done",
    "undone",
    "cancelled",
    "pulled_back",
)
AUDITED = {
    "agent_profiles": "user_id",
    "certifications": "user_id,practice_id",
    "kind_pauses": "practice_id,kind",
}
REFIT = """
CREATE FUNCTION refit_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- where, in which language and under which number somebody is reached decides the lane: it has to be found anew
    UPDATE tasks SET lane_id = NULL, offered = false
    WHERE patient_id = NEW.id AND state IN ('waiting', 'claimed') AND lane_id IS NOT NULL;
    RETURN NULL;
END $$
"""
REFIT_WHEN = """
CREATE TRIGGER refit AFTER UPDATE OF phone, phone_key, state, zip, stated_zone, language ON patients FOR EACH ROW
WHEN ((OLD.phone_key, OLD.state, OLD.zip, OLD.stated_zone, OLD.language)
      IS DISTINCT FROM (NEW.phone_key, NEW.state, NEW.zip, NEW.stated_zone, NEW.language))
EXECUTE FUNCTION refit_tasks()
"""
# Claims change the same few hundred pages all day: stock autovacuum waits for a fifth of the table and loses more
# than half of the speed within a minute.
VACUUM = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000"
VACUUMED = {"tasks": VACUUM, "shares": "fillfactor = 50, " + VACUUM.replace("2000", "500")}


def upgrade() -> None:
    op.create_table(
        "lanes",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("window_group", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("places", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rules_version", sa.String(), nullable=False),
        sa.Column("opens_at", MOMENT, nullable=True),
        sa.Column("closes_at", MOMENT, nullable=True),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lanes")),
        sa.UniqueConstraint("window_group", "language", "kind", name=op.f("uq_lanes_window_group_language_kind")),
    )
    op.create_table(
        "agent_profiles",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("everywhere", sa.Boolean(), nullable=False),
        sa.CheckConstraint("languages <> '{}'", name=op.f("ck_agent_profiles_speaks")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_agent_profiles_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_agent_profiles")),
    )
    op.create_table(
        "certifications",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("certified_at", MOMENT, nullable=False),
        sa.Column("certified_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_certifications_user_id_users"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name=op.f("fk_certifications_practice_id_practices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "practice_id", name=op.f("pk_certifications")),
    )
    op.create_index("ix_certifications_practice_id", "certifications", ["practice_id"])
    op.create_table(
        "kind_pauses",
        sa.Column("practice_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id"], ["practices.id"], name=op.f("fk_kind_pauses_practice_id_practices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("practice_id", "kind", name=op.f("pk_kind_pauses")),
    )
    _tasks()
    _shares()
    _events((*EVENTS, "handed"))
    for table, key in AUDITED.items():
        op.execute(
            f"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION audit_change('{key}', '')"
        )
    op.execute(REFIT)
    op.execute(REFIT_WHEN)
    for table, settings in VACUUMED.items():
        op.execute(f"ALTER TABLE {table} SET ({settings})")


def _tasks() -> None:
    # Each claim would lock the one row of the script everybody works with, and its practice's, only to see that they
    # are there; neither is ever deleted.
    op.drop_constraint(op.f("fk_tasks_script_version_id_script_versions"), "tasks")
    op.drop_constraint(op.f("fk_gate_decisions_practice_id_practices"), "gate_decisions")
    op.drop_index(op.f("ix_gate_decisions_practice_id"), "gate_decisions")
    op.drop_index(op.f("ix_task_events_practice_id_at"), "task_events")  # nobody asks so
    # the few tasks in hands are found by who holds them, and a sign of life need not move an index entry
    for gone in ("ix_tasks_waiting", "ix_tasks_ready", "ix_tasks_promised", "ix_tasks_leases"):
        op.drop_index(gone, "tasks")
    op.alter_column("tasks", "promise_owner_id", new_column_name="owner_id")
    op.execute("ALTER TABLE tasks RENAME CONSTRAINT fk_tasks_promise_owner_id_users TO fk_tasks_owner_id_users")
    op.add_column("tasks", sa.Column("owner_until", MOMENT, nullable=True))
    op.add_column("tasks", sa.Column("handed_at", MOMENT, nullable=True))
    op.add_column("tasks", sa.Column("lane_id", sa.Integer(), nullable=True))
    op.add_column("tasks", sa.Column("person_key", sa.LargeBinary(), nullable=True))
    op.add_column("tasks", sa.Column("ranked_at", MOMENT, nullable=False, server_default=sa.func.now()))
    op.alter_column("tasks", "ranked_at", server_default=None)
    op.add_column("tasks", sa.Column("offered", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("tasks", "offered", server_default=None)
    op.execute("UPDATE tasks SET owner_until = promised_at + interval '10 minutes' WHERE owner_id IS NOT NULL")
    op.execute("UPDATE tasks SET person_key = p.phone_key FROM patients p WHERE p.id = tasks.patient_id AND referral_id IS NULL")
    op.execute("UPDATE tasks SET person_key = r.contact_key FROM referrals r WHERE r.id = tasks.referral_id AND r.friend_phone IS NOT NULL")
    # who was in two pairs of hands at this moment goes back into the queue
    op.execute(
        """
        UPDATE tasks SET state = 'waiting', held_by = NULL, lease_until = NULL, claimed_at = NULL
        WHERE state = 'claimed' AND EXISTS (SELECT FROM tasks o WHERE o.state = 'claimed' AND o.person_key = tasks.person_key
                                            AND o.id < tasks.id)
        """
    )
    op.create_check_constraint(op.f("ck_tasks_offered_has_lane"), "tasks", "NOT offered OR (state = 'waiting' AND lane_id IS NOT NULL)"
    )
    op.create_check_constraint(op.f("ck_tasks_handed_has_owner"), "tasks", "handed_at IS NULL OR owner_id IS NOT NULL")
    offered = "state = 'waiting' AND offered"
    op.create_index(
        "ix_tasks_offered",
        "tasks",
        ["practice_id", "lane_id", sa.text("rank DESC"), "id"],
        postgresql_where=sa.text(f"{offered} AND promised_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_promised",
        "tasks",
        ["promised_at", "id"],
        postgresql_where=sa.text(f"{offered} AND promised_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_handed",
        "tasks",
        ["owner_id", "handed_at"],
        postgresql_where=sa.text(f"{offered} AND handed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_not_yet", "tasks", ["ready_at"], postgresql_where=sa.text("state = 'waiting' AND NOT offered")
    )
    op.create_index(
        "uq_tasks_person_in_hands", "tasks", ["person_key"], unique=True, postgresql_where=sa.text("state = 'claimed'")
    )


def _events(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_task_events_kind"), "task_events")
    op.create_check_constraint(op.f("ck_task_events_kind"), "task_events", sa.column("kind", sa.String(40)).in_(kinds))


def _shares() -> None:
    op.drop_index("ix_shares_owed", "shares")
    op.drop_column("shares", "has_work")
    for name in ("lanes", "open_lanes"):
        op.add_column(
            "shares", sa.Column(name, postgresql.ARRAY(sa.Integer()), nullable=False, server_default=sa.text("'{}'"))
        )
        op.alter_column("shares", name, server_default=None)
    for name, of in (("has_work", "lanes"), ("has_open", "open_lanes")):
        op.add_column(
            "shares", sa.Column(name, sa.Boolean(), sa.Computed(f"{of} <> '{{}}'", persisted=True), nullable=False)
        )
    op.add_column("shares", sa.Column("weight", sa.Numeric(4, 2), nullable=False, server_default=sa.text("1")))
    op.alter_column("shares", "weight", server_default=None)
    op.add_column("shares", sa.Column("served_at", MOMENT, nullable=True))
    op.create_check_constraint(op.f("ck_shares_weight_range"), "shares", "weight BETWEEN 0.1 AND 5")
    op.create_index(
        "ix_shares_owed", "shares", ["virtual_time", "practice_id"], postgresql_where=sa.text("has_open")
    )
    # the ledger changes with every claim: only what a lead decides is written down
    op.execute(
        "CREATE TRIGGER audit AFTER UPDATE OF weight ON shares FOR EACH ROW WHEN (OLD.weight <> NEW.weight) "
        "EXECUTE FUNCTION audit_change('practice_id', '')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM task_events WHERE kind = 'handed'")
    _events(EVENTS)
    for table, settings in VACUUMED.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(part.split(' = ')[0] for part in settings.split(', '))})")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS {name}")
    op.create_index(op.f("ix_gate_decisions_practice_id"), "gate_decisions", ["practice_id"])
    op.create_index(op.f("ix_task_events_practice_id_at"), "task_events", ["practice_id", "at"])
    op.create_index("ix_tasks_leases", "tasks", ["lease_until"], postgresql_where=sa.text("state = 'claimed'"))
    for table, column, other in (
        ("gate_decisions", "practice_id", "practices"),
        ("tasks", "script_version_id", "script_versions"),
    ):
        op.create_foreign_key(op.f(f"fk_{table}_{column}_{other}"), table, other, [column], ["id"])
    op.execute("DROP TRIGGER IF EXISTS refit ON patients")
    op.execute("DROP FUNCTION IF EXISTS refit_tasks()")
    op.execute("DROP TRIGGER IF EXISTS audit ON shares")
    op.drop_index("ix_shares_owed", "shares")
    op.drop_constraint(op.f("ck_shares_weight_range"), "shares")
    for name in ("has_open", "has_work", "open_lanes", "lanes", "weight", "served_at"):
        op.drop_column("shares", name)
    op.add_column("shares", sa.Column("has_work", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("shares", "has_work", server_default=None)
    op.create_index("ix_shares_owed", "shares", ["virtual_time"], postgresql_where=sa.text("has_work"))
    for gone in ("uq_tasks_person_in_hands", "ix_tasks_not_yet", "ix_tasks_handed", "ix_tasks_promised", "ix_tasks_offered"):
        op.drop_index(gone, "tasks")
    op.drop_constraint(op.f("ck_tasks_handed_has_owner"), "tasks")
    op.drop_constraint(op.f("ck_tasks_offered_has_lane"), "tasks")
    for name in ("offered", "person_key", "lane_id", "handed_at", "owner_until", "ranked_at"):
        op.drop_column("tasks", name)
    op.execute("ALTER TABLE tasks RENAME CONSTRAINT fk_tasks_owner_id_users TO fk_tasks_promise_owner_id_users")
    op.alter_column("tasks", "owner_id", new_column_name="promise_owner_id")
    op.create_index(
        "ix_tasks_waiting",
        "tasks",
        ["practice_id", sa.text("rank DESC"), "id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_tasks_ready", "tasks", ["ready_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index(
        "ix_tasks_promised",
        "tasks",
        ["promised_at"],
        postgresql_where=sa.text("state = 'waiting' AND promised_at IS NOT NULL"),
    )
    for table in ("kind_pauses", "certifications", "agent_profiles", "lanes"):
        op.drop_table(table)
