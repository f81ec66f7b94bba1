"""An audit entry can say why: what a lead decides (weights, certifications, paused kinds) is kept with its reason."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AUDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger
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
    INSERT INTO audit_log (actor, change, table_name, row_id, practice_id, before, after{column})
    VALUES (coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user),
            lower(TG_OP), TG_TABLE_NAME, key, owner, was, is_{value});
    RETURN NULL;
END $$
"""
REASON = "nullif(current_setting('app.reason', true), '')"
"""Said by whoever changes something for a reason, for the rest of their transaction."""


def _function(column: str, value: str) -> str:
    return AUDIT_FUNCTION.replace("{column}", column).replace("{value}", value)


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("reason", sa.String(), nullable=True))
    op.execute(_function(", reason", f", {REASON}"))


def downgrade() -> None:
    op.execute(_function("", ""))
    op.drop_column("audit_log", "reason")
