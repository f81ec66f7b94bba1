-- What may be offered to whom: each rule once. The claim (claim.sql), the board, the story of a task and an agent's own
-- day all ask these.
--
-- Everything here is put into the statement that asks and costs no call: plain expressions, and functions of one SELECT
-- that stand behind FROM (one that looks into a table and stood in an expression would stay a call per row). So:
-- no SET, no SECURITY DEFINER, no STRICT, nothing said less changeable than it is. A test reads the plans.


-- Whether a window is open at a moment; NULL for hours that are not known.
CREATE OR REPLACE FUNCTION window_open(opens timestamptz, closes timestamptz, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT opens <= at AND at < closes
$$;


-- Why nothing in a lane is offered now, as a code of `ops.work.reasons`; NULL when its window is open.
CREATE OR REPLACE FUNCTION why_shut(a_lane integer, opens timestamptz, closes timestamptz, at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN a_lane IS NULL THEN 'no_lane' WHEN opens IS NULL OR closes IS NULL THEN 'no_window'
                WHEN NOT window_open(opens, closes, at) THEN 'window_shut' END
$$;


-- For whom a task is kept at a moment; NULL when it is anybody's.
CREATE OR REPLACE FUNCTION keeper(an_owner bigint, until timestamptz, at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN until > at THEN an_owner END
$$;


-- Whether a task is kept from this agent, for a colleague (`keeper` is somebody else). Written so that PostgreSQL can tell
-- how few tasks that is: else it thinks that half a lane is kept, and reads all of it instead of its head.
CREATE OR REPLACE FUNCTION kept_from(an_agent bigint, an_owner bigint, until timestamptz, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT NOT (an_owner IS NULL OR an_owner = an_agent OR until <= at)
$$;


-- Why work of this practice and kind is paused altogether, as codes; no row when it does not. Without a kind: the practice.
CREATE OR REPLACE FUNCTION why_paused(a_practice bigint, a_kind text) RETURNS TABLE (code text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'practice_not_active' FROM practices p WHERE p.id = a_practice AND p.status <> 'active'
    UNION ALL
    SELECT 'kind_paused' FROM kind_pauses k WHERE k.practice_id = a_practice AND k.kind = a_kind
$$;


-- The calls in which somebody speaks to this human just now: to the patient, or to who has the same number. The board
-- asks the same the other way round, of all tasks at once (`ops.queue.waiting`); a test holds the two together.
CREATE OR REPLACE FUNCTION spoken_to(a_patient bigint, a_person bytea)
RETURNS TABLE (task_id bigint, agent_id bigint, patient_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT h.id, h.held_by, h.patient_id FROM tasks h WHERE h.patient_id = a_patient AND h.state = 'claimed'
    UNION ALL
    SELECT h.id, h.held_by, h.patient_id FROM tasks h WHERE h.person_key = a_person AND h.state = 'claimed'
$$;


-- The unread replies (ops/messages/unread.sql) to this practice that a card of this kind is there to read: its number
-- is shown once somebody has said what they mean.
CREATE OR REPLACE FUNCTION read_on(a_kind text, a_practice bigint, a_phone bytea, an_email bytea)
RETURNS TABLE (reply_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT u.reply_id FROM unread_keys u
    WHERE a_kind IN ('reply', 'friend_follow_up') AND u.practice_id = a_practice AND u.key IN (a_phone, an_email)
      AND u.reply_id IS NOT NULL
$$;


-- The unread replies that keep a task from being offered: all of the human with this number, to whichever practice; none
-- when they are to be read on the very card. The gate asks the same again, by the address too.
CREATE OR REPLACE FUNCTION unread_of(a_kind text, a_practice bigint, a_person bytea) RETURNS TABLE (reply_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT u.reply_id FROM unread_keys u
    WHERE u.key = a_person
      -- not as one NOT EXISTS: the claim asks this of every head it looks at, and most kinds read nothing
      AND (a_kind NOT IN ('reply', 'friend_follow_up')
           OR NOT EXISTS (SELECT FROM read_on(a_kind, a_practice, a_person, NULL)))
$$;


-- The waiting tasks that somebody is never offered again, because they said so when they skipped one: that task, and where
-- they know whom it is about, all of that record, of those merged with it, and all about that number, in whichever practice, also as a friend.
-- Found from what they said, whatever the statistics say: never by going through the tasks.
CREATE OR REPLACE VIEW not_for AS
    SELECT DISTINCT n.user_id, w.task_id FROM not_offered n CROSS JOIN LATERAL (
        SELECT t.id AS task_id FROM tasks t WHERE t.id = n.task_id AND t.state = 'waiting'
        UNION ALL
        SELECT t.id FROM tasks t WHERE t.patient_id = n.patient_id AND t.state = 'waiting'
        UNION ALL
        SELECT t.id FROM merged_with(n.practice_id, n.patient_id) g JOIN tasks t ON t.patient_id = g.patient_id
        WHERE t.state = 'waiting'
        UNION ALL
        SELECT t.id FROM patients a JOIN tasks t ON t.patient_id = a.id
        WHERE a.phone_key = n.person_key AND t.person_key = n.person_key AND t.state = 'waiting'
        UNION ALL
        SELECT t.id FROM referrals r JOIN tasks t ON t.patient_id = r.referrer_id
        WHERE r.contact_key = n.person_key AND t.person_key = n.person_key AND t.state = 'waiting'
        OFFSET 0
    ) w;


-- What each person may work; without a profile every practice and kind, in English. `does` NULL: every kind; `theirs`
-- NULL: every practice, new ones too.
CREATE OR REPLACE VIEW skills AS
    SELECT u.id AS user_id, coalesce(a.languages, '{en}') AS speaks, a.kinds AS does,
           coalesce(a.everywhere, true) AS everywhere,
           CASE WHEN NOT a.everywhere
                THEN ARRAY(SELECT c.practice_id FROM certifications c WHERE c.user_id = u.id) END AS theirs
    FROM users u LEFT JOIN agent_profiles a ON a.user_id = u.id;


-- Whether somebody with these skills may work such a task. NULL for practice, kind or language: not known, not asked.
CREATE OR REPLACE FUNCTION may_work(
    a_practice bigint, a_kind text, a_language text, speaks text[], does text[], everywhere boolean, theirs bigint[]
)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (everywhere OR a_practice IS NULL OR a_practice = ANY (theirs))
       AND (does IS NULL OR a_kind IS NULL OR a_kind = ANY (does))
       AND (a_language IS NULL OR a_language = ANY (speaks))
$$;


-- What each person would need for such a task and has not got ('practice', 'kind', 'language'); empty: they may work it.
CREATE OR REPLACE FUNCTION lacking(a_practice bigint, a_kind text, a_language text)
RETURNS TABLE (user_id bigint, lacks text[])
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.user_id, array_remove(ARRAY[
        CASE WHEN NOT may_work(a_practice, NULL, NULL, s.speaks, s.does, s.everywhere, s.theirs) THEN 'practice' END,
        CASE WHEN NOT may_work(NULL, a_kind, NULL, s.speaks, s.does, s.everywhere, s.theirs) THEN 'kind' END,
        CASE WHEN NOT may_work(NULL, NULL, a_language, s.speaks, s.does, s.everywhere, s.theirs) THEN 'language' END
    ], NULL)
    FROM skills s
$$;


-- Of these lanes those that are open now and somebody with these skills may work.
CREATE OR REPLACE FUNCTION lanes_for(these integer[], at timestamptz, speaks text[], does text[])
RETURNS TABLE (lane_id integer)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT l.id FROM unnest(these) o (lane) JOIN lanes l ON l.id = o.lane
    WHERE window_open(l.opens_at, l.closes_at, at) AND may_work(NULL, l.kind, l.language, speaks, does, true, NULL)
$$;
