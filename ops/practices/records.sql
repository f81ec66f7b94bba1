-- The other records of one human in a practice: files double people under two numbers, and a no is said by the person,
-- not by the record. The same name with the same phone number; who shares only one of them may be somebody else. One
-- look at ix_patients_phone_key, however many share the number.
CREATE OR REPLACE FUNCTION other_records(a_practice bigint, a_patient bigint, a_phone bytea, a_name text)
RETURNS TABLE (patient_id bigint, external_id text, phone_key bytea, email_key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT b.id, b.external_id, b.phone_key, b.email_key FROM patients b
    WHERE b.phone_key = a_phone AND b.practice_id = a_practice AND b.id <> a_patient
      AND lower(regexp_replace(b.first_name || b.last_name, '[^[:alnum:]]', '', 'g'))
        = lower(regexp_replace(a_name, '[^[:alnum:]]', '', 'g'))
$$;


-- What a lead has said is the same human (`ops.record.actions.merging`): the record that is kept and those merged into it,
-- asked from any of them. What they say for each other is read, nothing is copied, so taking a merge back is exact.
CREATE OR REPLACE FUNCTION merged_with(a_practice bigint, a_patient bigint) RETURNS TABLE (patient_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT m.merged_id FROM record_merges m
    WHERE m.kept_id = a_patient AND m.practice_id = a_practice AND m.undone_at IS NULL
    UNION ALL
    SELECT m.kept_id FROM record_merges m
    WHERE m.merged_id = a_patient AND m.practice_id = a_practice AND m.undone_at IS NULL
    UNION ALL
    SELECT o.merged_id FROM record_merges m JOIN record_merges o ON o.kept_id = m.kept_id AND o.id <> m.id
    WHERE m.merged_id = a_patient AND m.practice_id = a_practice AND m.undone_at IS NULL AND o.undone_at IS NULL
$$;


-- All of them: this record, and the others.
CREATE OR REPLACE FUNCTION records_of(a_practice bigint, a_patient bigint)
RETURNS TABLE (patient_id bigint, phone_key bytea, email_key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.id, a.phone_key, a.email_key FROM patients a WHERE a.practice_id = a_practice AND a.id = a_patient
    UNION ALL
    (SELECT o.patient_id, o.phone_key, o.email_key FROM patients a
     CROSS JOIN LATERAL other_records(a.practice_id, a.id, a.phone_key, a.first_name || a.last_name) o
     WHERE a.practice_id = a_practice AND a.id = a_patient
     UNION
     SELECT b.id, b.phone_key, b.email_key FROM merged_with(a_practice, a_patient) m
     JOIN patients b ON b.id = m.patient_id AND b.practice_id = a_practice)
$$;


-- The records that were merged with whoever has this number or address.
CREATE OR REPLACE FUNCTION merged_records(a_practice bigint, a_phone bytea, an_email bytea)
RETURNS TABLE (patient_id bigint, phone_key bytea, email_key bytea, deceased boolean, created_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT b.id, b.phone_key, b.email_key, b.deceased, b.created_at
    FROM (SELECT a.id FROM patients a WHERE a.phone_key = a_phone AND a.practice_id = a_practice
          UNION SELECT a.id FROM patients a WHERE a.email_key = an_email AND a.practice_id = a_practice) a
    CROSS JOIN LATERAL merged_with(a_practice, a.id) m
    JOIN patients b ON b.id = m.patient_id AND b.practice_id = a_practice
$$;


-- What stands against any of them stands against all: their numbers and addresses, and the keys under which a no waits
-- for a number or address to come.
CREATE OR REPLACE FUNCTION merged_keys(a_practice bigint, a_phone bytea, an_email bytea) RETURNS TABLE (key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT k.key FROM merged_records(a_practice, a_phone, an_email) r
    CROSS JOIN LATERAL (
        SELECT r.phone_key UNION ALL SELECT r.email_key
        UNION ALL SELECT unnest(m.waits) FROM record_merges m
        WHERE m.undone_at IS NULL AND (m.merged_id = r.patient_id OR m.kept_id = r.patient_id)) k (key)
    WHERE k.key IS NOT NULL
$$;


-- The records that a lead had said are one human with others at a moment, and the one of them that speaks for all (itself
-- among them). A report of that moment counts the human; the past does not change when records are merged or taken apart.
-- Two nodes' clocks may have two merges of one record overlap: the later one holds.
CREATE OR REPLACE FUNCTION merged_at(a_moment timestamptz) RETURNS TABLE (patient_id bigint, human_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT DISTINCT ON (r.patient_id) r.patient_id, m.kept_id
    FROM record_merges m CROSS JOIN LATERAL (VALUES (m.merged_id), (m.kept_id)) r (patient_id)
    WHERE m.merged_at <= a_moment AND (m.undone_at IS NULL OR m.undone_at > a_moment)
    ORDER BY r.patient_id, m.id DESC
$$;


-- This record, and the others that were of the same human then (`a_human`: as `merged_at` says, NULL when it is alone).
CREATE OR REPLACE FUNCTION records_at(a_patient bigint, a_human bigint, a_moment timestamptz)
RETURNS TABLE (patient_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a_patient
    UNION ALL
    SELECT o.patient_id FROM merged_at(a_moment) o
    WHERE a_human IS NOT NULL AND o.human_id = a_human AND o.patient_id <> a_patient
$$;


-- The records under which what follows from a milestone of this one was ever sent: its own, and whichever it was merged into.
CREATE OR REPLACE FUNCTION ever_under(a_patient bigint) RETURNS TABLE (patient_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a_patient UNION ALL SELECT m.kept_id FROM record_merges m WHERE m.merged_id = a_patient
$$;
