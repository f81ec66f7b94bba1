-- What the triggers of the walls (ops/sql/walls.py) run.

-- When whoever changes a row acts, by our clock (ops/clock.py), which demo and tests move; by the server's where somebody
-- changes rows by hand.
CREATE OR REPLACE FUNCTION acted_at() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('app.at', true), '')::timestamptz, clock_timestamp())
$$;


-- Append to audit_log who changed what, and why if they said so (app.actor, app.reason). Arguments of the trigger: the
-- columns that identify the row, and the columns whose values are never written down. Runs with the rights of its owner,
-- because whoever changes a row may not write the log.
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
    INSERT INTO audit_log (at, actor, change, table_name, row_id, practice_id, before, after, reason)
    VALUES (acted_at(), coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user),
            lower(TG_OP), TG_TABLE_NAME, key, owner, was, is_, nullif(current_setting('app.reason', true), ''));
    RETURN NULL;
END $$;


-- Refuse to change or delete a row that was appended.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;


-- The same for consents. What a practice's file said of one ends, once, with the reason, and nothing else of it changes.
CREATE OR REPLACE FUNCTION refuse_change_of_consent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_by IS NULL AND NEW.ended_by IS NOT NULL
       AND to_jsonb(NEW) - '{ended_at,wrong_at,ended_by,ended_words}'::text[]
         = to_jsonb(OLD) - '{ended_at,wrong_at,ended_by,ended_words}'::text[] THEN
        INSERT INTO audit_log (actor, change, table_name, row_id, practice_id, before, after, reason)
        VALUES (coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user), 'update',
                TG_TABLE_NAME, OLD.id::text, OLD.practice_id, '{}', to_jsonb(NEW) - 'contact_key', NEW.ended_words);
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;


-- The same for suppressions, with the two ways out of them.
CREATE OR REPLACE FUNCTION refuse_change_of_suppression() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- an outcome that was a slip of the finger is taken back, row by named row, and told in the audit
    IF TG_OP = 'DELETE' AND current_setting('app.retract', true) = OLD.id::text THEN
        INSERT INTO audit_log (at, actor, change, table_name, row_id, practice_id, before, reason)
        VALUES (acted_at(), coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user), 'delete',
                TG_TABLE_NAME, OLD.id::text, OLD.practice_id, to_jsonb(OLD) - 'contact_key', 'outcome taken back');
        RETURN OLD;
    END IF;
    -- and it is lifted once, with the reason, and nothing else of it changes
    IF TG_OP = 'UPDATE' AND OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL
       AND to_jsonb(NEW) - '{lifted_at,lifted_by,lifted_why,lifted_words}'::text[]
         = to_jsonb(OLD) - '{lifted_at,lifted_by,lifted_why,lifted_words}'::text[] THEN
        INSERT INTO audit_log (at, actor, change, table_name, row_id, practice_id, before, after, reason)
        VALUES (acted_at(), coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user), 'update',
                TG_TABLE_NAME, OLD.id::text, OLD.practice_id, '{}', to_jsonb(NEW) - 'contact_key', NEW.lifted_words);
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
