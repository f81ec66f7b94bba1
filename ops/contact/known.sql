-- The contacts that count toward the caps of a number: texts, and calls but those whose outcome was taken back (by a slip
-- of the key; who has the number on the card calls still, and is counted as a call in progress).
CREATE OR REPLACE VIEW counted_contacts AS
    SELECT c.contact_key, c.at FROM contact_attempts c
    WHERE c.attempt_id IS NULL OR EXISTS (SELECT FROM attempts a WHERE a.id = c.attempt_id);


-- What the database knows about contacting one person: the one place where suppressions, consent and the cap are read.
-- `asking.py` turns it into facts for the gate; the claim (ops/queue/claim.sql) reads it with the task.
--
-- suppressions: "channel:REASON" of whatever stands against this practice, or the agency, contacting this number or
--   address, or another record of the same human that a lead merged; attempts: calls and texts to the number in the 24
--   hours up to `at`, and calls to it that somebody else has in progress (of `but_task` it is asked itself);
-- consent: the last word about this channel, NULL when none was noted;
-- dealt_on: the last day the practice dealt with its patient at this number. Of a patient of whom it told us no visit, the
--   day it gave them to us as its patient.
-- unread: whether somebody with this number or address wrote to a practice, whichever it was, and nobody has read it.
CREATE OR REPLACE FUNCTION contact_known(
    a_practice bigint, a_phone bytea, an_email bytea, a_channel text, at timestamptz, but_task bigint
)
RETURNS TABLE (suppressions text[], attempts bigint, consent boolean, status text, baa_on date, dealt_on date,
              unread boolean)
LANGUAGE sql STABLE AS $$
    SELECT (SELECT array_agg(s.channel || ':' || s.reason) FROM suppressions s
            WHERE s.contact_key = ANY (
                      ARRAY[a_phone, an_email] || ARRAY(SELECT k.key FROM merged_keys(a_practice, a_phone, an_email) k))
              AND (s.practice_id = a_practice OR s.practice_id IS NULL) AND s.lifted_at IS NULL)
           || ARRAY(SELECT 'all:DECEASED' FROM merged_records(a_practice, a_phone, an_email) r WHERE r.deceased),
           (SELECT count(*) FROM counted_contacts c
            WHERE c.contact_key = a_phone AND c.at > contact_known.at - interval '24 hours' AND c.at <= contact_known.at)
           + (SELECT count(*) FROM tasks h
              WHERE h.person_key = a_phone AND h.state = 'claimed' AND h.id IS DISTINCT FROM but_task),
           (SELECT e.given FROM consent_events e
            WHERE e.contact_key = CASE WHEN a_channel = 'email' THEN an_email ELSE a_phone END
              AND e.practice_id = a_practice AND e.channel IN (a_channel, 'all')
            ORDER BY e.id DESC LIMIT 1),
           p.status::text, p.baa_on,
           (SELECT max(coalesce((SELECT max(m.happened_on) FROM milestones m
                                 WHERE m.patient_id = a.id AND m.withdrawn_at IS NULL),
                                (a.created_at AT TIME ZONE p.zone)::date))
            FROM (SELECT a.id, a.created_at FROM patients a WHERE a.phone_key = a_phone AND a.practice_id = a_practice
                  UNION ALL
                  SELECT r.patient_id, r.created_at FROM merged_records(a_practice, a_phone, NULL) r) a),
           EXISTS (SELECT FROM unread_keys u WHERE u.key IN (a_phone, an_email))
    FROM practices p WHERE p.id = a_practice
$$;
