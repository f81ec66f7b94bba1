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


-- All of them: this record, and the others.
CREATE OR REPLACE FUNCTION records_of(a_practice bigint, a_patient bigint)
RETURNS TABLE (patient_id bigint, phone_key bytea, email_key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.id, a.phone_key, a.email_key FROM patients a WHERE a.practice_id = a_practice AND a.id = a_patient
    UNION ALL
    SELECT o.patient_id, o.phone_key, o.email_key FROM patients a
    CROSS JOIN LATERAL other_records(a.practice_id, a.id, a.phone_key, a.first_name || a.last_name) o
    WHERE a.practice_id = a_practice AND a.id = a_patient
$$;
