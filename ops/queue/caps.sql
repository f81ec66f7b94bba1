-- What uses up the calls a month to one patient of one practice, or to the friend of a referral, and from when until when
-- each counts: as `cap_uses` (known.sql), for 30 days.
CREATE OR REPLACE FUNCTION month_uses(a_patient bigint, a_referral bigint, since timestamptz, but_task bigint)
RETURNS TABLE (counts_from timestamptz, counts_until timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT m.at, m.at + interval '30 days' FROM attempts m JOIN tasks k ON k.id = m.task_id
    WHERE m.patient_id = a_patient AND m.at > since - interval '30 days' AND k.referral_id IS NOT DISTINCT FROM a_referral
    UNION ALL
    SELECT CASE WHEN o.state = 'claimed' THEN '-infinity' ELSE o.promised_at - interval '30 days' END,
           coalesce(o.lease_until, o.promised_at) + interval '30 days'
    FROM tasks o
    WHERE o.patient_id = a_patient AND o.referral_id IS NOT DISTINCT FROM a_referral AND o.id IS DISTINCT FROM but_task
      AND (o.state = 'claimed' OR o.state = 'waiting' AND o.promised_at IS NOT NULL AND (o.kind <> 'reply' OR o.tries > 0))
$$;
