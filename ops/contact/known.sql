-- The contacts that count toward the caps of a number: texts, and calls but those whose outcome was taken back (by a slip
-- of the key; who has the number on the card calls still, and is counted as a call in progress).
CREATE OR REPLACE VIEW counted_contacts AS
    SELECT c.contact_key, c.at FROM contact_attempts c
    WHERE c.attempt_id IS NULL OR EXISTS (SELECT FROM attempts a WHERE a.id = c.attempt_id);


-- The numbers by which contacts with whoever has this number and address are counted: it, and those of the records that
-- were merged with theirs.
CREATE OR REPLACE FUNCTION capped_numbers(a_practice bigint, a_phone bytea, an_email bytea) RETURNS TABLE (phone_key bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT a_phone UNION ALL SELECT r.phone_key FROM merged_records(a_practice, a_phone, an_email) r
$$;


-- What uses up the contacts a day of these numbers, and from when until when each counts: what was sent or called; a call
-- somebody has in progress (but `but_task`, of which it is asked), counted as made when its lease ends; and a call that was
-- promised, a day before as after, so that nothing automatic uses up what was promised. That a reply is to be read by then
-- is no promise of a call. `since`: what was over by then is left out.
CREATE OR REPLACE FUNCTION cap_uses(phones bytea[], since timestamptz, but_task bigint)
RETURNS TABLE (counts_from timestamptz, counts_until timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT c.at, c.at + interval '24 hours' FROM counted_contacts c
    WHERE c.contact_key = ANY (phones) AND c.at > since - interval '24 hours'
    UNION ALL
    SELECT '-infinity', h.lease_until + interval '24 hours' FROM tasks h
    WHERE h.person_key = ANY (phones) AND h.state = 'claimed' AND h.id IS DISTINCT FROM but_task
    UNION ALL
    SELECT p.promised_at - interval '24 hours', p.promised_at + interval '24 hours' FROM tasks p
    WHERE p.person_key = ANY (phones) AND p.state = 'waiting' AND p.promised_at IS NOT NULL
      AND p.promised_at > since - interval '24 hours' AND (p.kind <> 'reply' OR p.tries > 0)
      AND p.id IS DISTINCT FROM but_task
$$;


-- What the database knows about contacting one person: the one place where suppressions, consent and the cap are read.
-- `asking.py` turns it into facts for the gate; the claim (ops/queue/claim.sql) reads it with the task.
--
-- suppressions: "channel:REASON" of whatever stands against this practice, or the agency, contacting this number or
--   address, or another record of the same human that a lead merged; attempts: what counts toward the cap of the numbers
--   they have, here or on such a record, at `at` (cap_uses); consent: their own last word about this channel, NULL when
--   none was noted (what a file says that they agreed to is evidence, and opens nothing);
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
           (SELECT count(*) FROM cap_uses(ARRAY(SELECT c.phone_key FROM capped_numbers(a_practice, a_phone, an_email) c),
                                          contact_known.at, but_task) u
            WHERE u.counts_from <= contact_known.at AND u.counts_until > contact_known.at),
           (SELECT e.given FROM consent_events e
            WHERE e.contact_key = CASE WHEN a_channel = 'email' THEN an_email ELSE a_phone END
              AND e.practice_id = a_practice AND e.channel IN (a_channel, 'all') AND e.header IS NULL
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
