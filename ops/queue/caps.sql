-- What uses up the calls a month to one patient of one practice, over the records that were merged with theirs, or to the
-- friend of a referral, and from when until when each counts: as `cap_uses` (known.sql), for 30 days. `a_person`: the number
-- they have now, by whose index the promises and the call in progress are found.
CREATE OR REPLACE FUNCTION month_uses(
    a_patient bigint, a_referral bigint, a_person bytea, since timestamptz, but_task bigint
)
RETURNS TABLE (counts_from timestamptz, counts_until timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT m.at, m.at + interval '30 days'
    FROM (SELECT a_patient AS id UNION ALL
          SELECT g.patient_id FROM patients a CROSS JOIN LATERAL merged_with(a.practice_id, a.id) g
          WHERE a.id = a_patient AND a_referral IS NULL) r
    JOIN attempts m ON m.patient_id = r.id JOIN tasks k ON k.id = m.task_id
    WHERE m.at > since - interval '30 days' AND k.referral_id IS NOT DISTINCT FROM a_referral
    UNION ALL
    SELECT '-infinity', h.lease_until + interval '30 days' FROM tasks h
    WHERE h.person_key = a_person AND h.state = 'claimed' AND h.id IS DISTINCT FROM but_task
      AND h.patient_id = a_patient AND h.referral_id IS NOT DISTINCT FROM a_referral
    UNION ALL
    SELECT p.promised_at - interval '30 days', p.promised_at + interval '30 days' FROM tasks p
    WHERE p.person_key = a_person AND p.state = 'waiting' AND p.promised_at IS NOT NULL AND p.id IS DISTINCT FROM but_task
      AND p.patient_id = a_patient AND p.referral_id IS NOT DISTINCT FROM a_referral
      AND (p.kind <> 'reply' OR p.tries > 0)
$$;
