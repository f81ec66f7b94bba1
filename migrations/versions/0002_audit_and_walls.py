"""Who changed what (triggers), what can never change, and the wall between practices (row-level security)."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# table: (columns that identify the row, columns whose values are never written down)
AUDITED = {
    "users": ("id", "password_hash"),
    "memberships": ("user_id,practice_id", ""),
    "practices": ("id", ""),
    "contracts": ("id", ""),
    "treatment_types": ("id", ""),
    "review_links": ("id", ""),
    "saved_mappings": ("id", ""),
    "cadences": ("id", ""),
    "cadence_steps": ("id", ""),
    "triggers": ("id", ""),
    "scripts": ("id", ""),
    "script_versions": ("id", ""),
    "referrals": ("id", ""),
}
# a patient's arrival is told by the import named on the row; only later changes are written down
AUDITED_CHANGES = {"patients": ("id", "phone_key,email_key")}
APPEND_ONLY = ("audit_log", "patient_reads", "suppressions", "consent_events", "gate_decisions", "contact_attempts")
OWNED = (
    "contracts",
    "treatment_types",
    "review_links",
    "patients",
    "milestones",
    "imports",
    "cadences",
    "cadence_runs",
    "tasks",
    "attempts",
    "asks",
    "referrals",
    "referral_events",
    "messages",
)

AUDIT_FUNCTION = """
CREATE FUNCTION audit_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[1], ',');
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    is_ jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
    whole jsonb := coalesce(is_, was);
    key text := (SELECT string_agg(whole ->> part, ',') FROM unnest(string_to_array(TG_ARGV[0], ',')) AS part);
    owner bigint := CASE WHEN TG_TABLE_NAME = 'practices' THEN (whole ->> 'id')::bigint
                         ELSE (whole ->> 'practice_id')::bigint END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, is_ -> o.key) INTO was, is_
        FROM jsonb_each(was) AS o WHERE is_ -> o.key IS DISTINCT FROM o.value;
        IF was IS NULL THEN RETURN NULL; END IF;
    END IF;
    -- that a hidden column changed is told, its values are not
    SELECT coalesce(jsonb_object_agg(e.key, CASE WHEN e.key = ANY (hidden) THEN '"(hidden)"'::jsonb ELSE e.value END), was)
        INTO was FROM jsonb_each(was) AS e;
    SELECT coalesce(jsonb_object_agg(e.key, CASE WHEN e.key = ANY (hidden) THEN '"(hidden)"'::jsonb ELSE e.value END), is_)
        INTO is_ FROM jsonb_each(is_) AS e;
    INSERT INTO audit_log (actor, change, table_name, row_id, practice_id, before, after)
    VALUES (coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user),
            lower(TG_OP), TG_TABLE_NAME, key, owner, was, is_);
    RETURN NULL;
END $$
"""
REFUSE_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""
ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loopkeeper_portal') THEN
        CREATE ROLE loopkeeper_portal NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    EXECUTE format('GRANT loopkeeper_portal TO %I', current_user);
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN  -- no matter where somebody made the role for us beforehand
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loopkeeper_portal')
            OR NOT pg_has_role(current_user, 'loopkeeper_portal', 'MEMBER') THEN RAISE; END IF;
END $$
"""
SEEN = "nullif(current_setting('app.practice_id', true), '')::bigint"


def upgrade() -> None:
    op.execute(AUDIT_FUNCTION)
    op.execute(REFUSE_FUNCTION)
    for events, tables in (("INSERT OR UPDATE OR DELETE", AUDITED), ("UPDATE OR DELETE", AUDITED_CHANGES)):
        for table, (key, hidden) in tables.items():
            op.execute(
                f"CREATE TRIGGER audit AFTER {events} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION audit_change('{key}', '{hidden}')"
            )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute(ROLE)
    op.execute("GRANT USAGE ON SCHEMA public TO loopkeeper_portal")
    for table in (*OWNED, "practices"):
        column = "id" if table == "practices" else "practice_id"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT ON {table} TO loopkeeper_portal")
        op.execute(f"CREATE POLICY own_practice ON {table} TO loopkeeper_portal USING ({column} = {SEEN})")
    op.execute("GRANT INSERT ON patient_reads TO loopkeeper_portal")


def downgrade() -> None:
    op.execute("REVOKE INSERT ON patient_reads FROM loopkeeper_portal")
    for table in (*OWNED, "practices"):
        op.execute(f"DROP POLICY IF EXISTS own_practice ON {table}")
        op.execute(f"REVOKE SELECT ON {table} FROM loopkeeper_portal")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("REVOKE USAGE ON SCHEMA public FROM loopkeeper_portal")
    # the role belongs to the cluster, where other databases may use it: it stays, without rights here
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER IF EXISTS append_only ON {table}")
    for table in (*AUDITED, *AUDITED_CHANGES):
        op.execute(f"DROP TRIGGER IF EXISTS audit ON {table}")
    # with the triggers of later walls
    op.execute("DROP FUNCTION refuse_change() CASCADE")
    op.execute("DROP FUNCTION audit_change() CASCADE")
