-- All records of one human in a practice: files double people under two numbers, and a no is said by the person, not by
-- the record. The same name with the same phone number; who shares only one of them may be somebody else.
CREATE OR REPLACE FUNCTION records_of(a_practice bigint, a_patient bigint)
RETURNS TABLE (patient_id bigint, phone_key bytea, email_key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a.id, a.phone_key, a.email_key FROM patients a WHERE a.practice_id = a_practice AND a.id = a_patient
    UNION ALL
    SELECT b.id, b.phone_key, b.email_key FROM patients a
    JOIN patients b ON b.phone_key = a.phone_key AND b.practice_id = a.practice_id AND b.id <> a.id
    WHERE a.practice_id = a_practice AND a.id = a_patient
      AND lower(regexp_replace(b.first_name || b.last_name, '[^[:alnum:]]', '', 'g'))
        = lower(regexp_replace(a.first_name || a.last_name, '[^[:alnum:]]', '', 'g'))
$$;
