-- The task that comes next for one agent, locked, with all the gate will ask about it. One call, one round trip.
--
-- Order (band): -1 who wrote of a symptom, the earliest first; 0 what was assigned to this agent (by a lead, or the same
-- person's other work); 1 promises, the earliest first; 2 the practice owed most (smallest virtual time, then number), there the best
-- moment (highest rank, then oldest). What may be offered to whom say the rules of offered.sql: never work in shut
-- lanes, of paused practices and kinds, for practices, languages and kinds the agent is not certified for (what a lead
-- assigned excepted), assigned to a colleague, that this agent skipped for good, about somebody who is being called
-- already, or about somebody who wrote what nobody has read.
--
-- Cost: practices with nothing open are not in the index that is walked; of each practice only the heads of its open
-- lanes are looked at. Locks: the ledger row of the practice and the task, both SKIP LOCKED, so nobody waits for
-- anybody as long as there is other work. Only when every candidate was in somebody else's claim does it wait, for one
-- ledger row and holding none: what a lock hides is not "nothing to do".
--
-- `tried`: tasks the gate refused to this claim already. NULL when there is nothing for this agent now; one JSON value
-- because forty columns cost the client more than the search costs the server.
CREATE OR REPLACE FUNCTION next_task(an_agent bigint, at timestamptz, an_actor text, tried bigint[]) RETURNS json
LANGUAGE plpgsql
-- Plans are made once per connection, and for the index in its order: neither a backlog that was never analysed nor the
-- head of a long lane must cost a scan or a sort. This holds for the functions it calls too.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    who record;
    turn record;
    best bigint;
    band integer;
    all_busy bigint[] := '{}';
    holding boolean := tried <> '{}';
    naps integer := 0;
BEGIN
    IF set_config('app.actor', an_actor, true) IS NULL OR pg_advisory_xact_lock(7034100, an_agent::integer) IS NULL THEN
        RETURN NULL;  -- never: in an IF they cost no statement of their own
    END IF;
    SELECT (SELECT t.id FROM tasks t WHERE t.held_by = an_agent AND t.state = 'claimed') AS held,
           EXISTS (SELECT FROM tasks t WHERE t.owner_id = an_agent AND t.state = 'waiting' AND t.offered
                   AND t.handed_at IS NOT NULL) AS any_handed,
           -- NULL: nothing is promised; true: something of it is urgent
           (SELECT t.urgent FROM tasks t WHERE t.state = 'waiting' AND t.offered AND t.promised_at IS NOT NULL
            ORDER BY t.urgent DESC, t.promised_at, t.id LIMIT 1) AS promised_urgent,
           ARRAY(SELECT n.task_id FROM not_for n WHERE n.user_id = an_agent) AS not_for_them,
           s.speaks, s.does, s.everywhere, s.theirs
    INTO who FROM skills s WHERE s.user_id = an_agent;
    IF who.held IS NOT NULL THEN
        RETURN (SELECT json_build_object('in_progress', t.id, 'practice_id', t.practice_id, 'patient_id', t.patient_id,
                                         'fence', t.fence, 'lease_until', t.lease_until)
                FROM tasks t WHERE t.id = who.held);
    END IF;
    tried := tried || who.not_for_them;  -- few, found once: no look for each candidate

    FOR round IN 1..1000 LOOP
        best := NULL;
        IF who.promised_urgent THEN
            band := -1;
            best := promised_for(an_agent, at, tried, who.speaks, who.does, who.everywhere, who.theirs, true);
        END IF;
        IF best IS NULL AND who.any_handed THEN
            band := 0;
            best := assigned_to(an_agent, at, tried);
        END IF;
        IF best IS NULL AND who.promised_urgent IS NOT NULL THEN
            band := 1;
            best := promised_for(an_agent, at, tried, who.speaks, who.does, who.everywhere, who.theirs, false);
        END IF;
        IF best IS NULL THEN
            band := 2;
            turn := in_turn(an_agent, at, tried, who.speaks, who.does, who.everywhere, who.theirs, holding);
            best := turn.task_id;
            holding := turn.holding;
            all_busy := all_busy || turn.busy;
        END IF;

        IF best IS NOT NULL THEN
            holding := true;
            EXIT WHEN nobody_else_takes(best);
            tried := tried || best;
            best := NULL;
        ELSIF turn.moved THEN
            NULL;  -- look again
        ELSIF turn.busy = '{}' THEN
            RETURN NULL;
        ELSIF NOT holding THEN
            PERFORM FROM shares s WHERE s.practice_id = turn.busy[1] FOR NO KEY UPDATE;
            holding := true;
        ELSIF naps < 300 THEN
            naps := naps + 1;
            PERFORM pg_sleep(0.001);
        ELSE
            RETURN NULL;
        END IF;
    END LOOP;
    IF best IS NULL THEN
        RETURN NULL;
    END IF;
    IF band < 2 THEN
        RETURN json_build_object('band', band, 'passed', all_busy, 'about', candidate_facts(best, band, at));
    END IF;
    RETURN json_build_object(
        'band', band, 'virtual_time', turn.owed, 'second_task', turn.second_task, 'second_rank', turn.second_rank,
        'next_practice', turn.next_practice, 'next_virtual_time', turn.next_virtual_time,
        'passed', all_busy, 'about', candidate_facts(best, band, at));
END $$;


-- Band 0: what was assigned to this agent, in the order it was, whatever they are certified for. NULL: nothing; locked.
CREATE OR REPLACE FUNCTION assigned_to(an_agent bigint, at timestamptz, tried bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT t.id
            FROM tasks t JOIN lanes l ON l.id = t.lane_id
            WHERE t.owner_id = an_agent AND t.state = 'waiting' AND t.offered AND t.handed_at IS NOT NULL
              AND keeper(t.owner_id, t.owner_until, assigned_to.at) = an_agent
              AND t.id <> ALL (tried) AND window_open(l.opens_at, l.closes_at, assigned_to.at)
              AND NOT EXISTS (SELECT FROM why_paused(t.practice_id, t.kind))
              AND NOT EXISTS (SELECT FROM spoken_to(t.patient_id, t.person_key))
              AND NOT EXISTS (SELECT FROM unread_of(t.kind, t.practice_id, t.person_key))
            ORDER BY t.handed_at, t.id LIMIT 1
            FOR UPDATE OF t SKIP LOCKED);
END $$;


-- Band 1: the promise that is due first, of those this agent may keep; band -1: of those that are `only_urgent`. NULL:
-- none; locked.
CREATE OR REPLACE FUNCTION promised_for(
    an_agent bigint, at timestamptz, tried bigint[], speaks text[], does text[], everywhere boolean, theirs bigint[],
    only_urgent boolean
)
RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT t.id
            FROM tasks t JOIN lanes l ON l.id = t.lane_id
            WHERE t.state = 'waiting' AND t.offered AND t.promised_at IS NOT NULL AND t.urgent >= only_urgent
              AND t.id <> ALL (tried) AND window_open(l.opens_at, l.closes_at, promised_for.at)
              AND may_work(t.practice_id, l.kind, l.language, speaks, does, everywhere, theirs)
              AND NOT kept_from(an_agent, t.owner_id, t.owner_until, promised_for.at)
              AND NOT EXISTS (SELECT FROM why_paused(t.practice_id, t.kind))
              AND NOT EXISTS (SELECT FROM spoken_to(t.patient_id, t.person_key))
              AND NOT EXISTS (SELECT FROM unread_of(t.kind, t.practice_id, t.person_key))
            ORDER BY t.urgent DESC, t.promised_at, t.id LIMIT 1
            FOR UPDATE OF t SKIP LOCKED);
END $$;


-- Band 2: the best moment of the practice that is owed most, locked together with the practice's ledger row.
--
-- task_id NULL: nothing could be taken; `busy` are the practices that others were just claiming for, `moved` says that
-- the order changed meanwhile and it is worth looking again. `owed`: how far the practice was; second_task: what came
-- behind it there; next_practice: who came second. `holding` goes in and out: whether this transaction holds locks.
CREATE OR REPLACE FUNCTION in_turn(
    an_agent bigint, at timestamptz, tried bigint[], speaks text[], does text[], everywhere boolean, theirs bigint[],
    INOUT holding boolean, OUT task_id bigint, OUT owed double precision, OUT second_task bigint, OUT second_rank numeric,
    OUT next_practice bigint, OUT next_virtual_time double precision, OUT moved boolean, OUT busy bigint[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    walk refcursor;
    share record;
    other record;
    head record;
    peeked boolean := false;
    alone boolean;
    fresh double precision;
    enough double precision := 'infinity';
BEGIN
    moved := false;
    busy := '{}';
    IF everywhere THEN
        OPEN walk FOR
            SELECT s.practice_id, s.virtual_time, s.open_lanes, 3.0 / greatest((s.hours * s.weight)::float, 0.1) AS turn
            FROM shares s
            WHERE s.has_open AND NOT EXISTS (SELECT FROM why_paused(s.practice_id, NULL))
              AND EXISTS (SELECT FROM lanes_for(s.open_lanes, in_turn.at, speaks, does))
            ORDER BY s.virtual_time, s.practice_id;
    ELSE
        -- Sorted before it is looked at more closely: an agent's few practices are not worth it all each time. That they
        -- are certified for them (may_work) stands here by itself because it is what finds the rows by index.
        OPEN walk FOR
            SELECT s.practice_id, s.virtual_time, s.open_lanes, 3.0 / greatest((s.hours * s.weight)::float, 0.1) AS turn
            FROM (SELECT m.* FROM shares m WHERE m.practice_id = ANY (theirs) AND m.has_open
                  ORDER BY m.virtual_time, m.practice_id OFFSET 0) s
            WHERE NOT EXISTS (SELECT FROM why_paused(s.practice_id, NULL))
              AND EXISTS (SELECT FROM lanes_for(s.open_lanes, in_turn.at, speaks, does))
            ORDER BY s.virtual_time, s.practice_id;
    END IF;
    LOOP
        IF peeked THEN
            share := other;
            peeked := false;
        ELSE
            FETCH walk INTO share;
        END IF;
        EXIT WHEN share.practice_id IS NULL;
        IF task_id IS NOT NULL THEN
            next_practice := share.practice_id;
            next_virtual_time := share.virtual_time;
            EXIT;
        END IF;
        EXIT WHEN share.virtual_time > enough;
        SELECT s.virtual_time INTO fresh FROM shares s WHERE s.practice_id = share.practice_id
        FOR NO KEY UPDATE SKIP LOCKED;
        alone := false;
        IF NOT FOUND AND busy = '{}' THEN
            FETCH walk INTO other;
            peeked := true;
            alone := other.practice_id IS NULL;
            -- with no other practice to turn to there is no order to keep between practices: next to each other
            IF alone THEN
                fresh := share.virtual_time;
            END IF;
        END IF;
        IF fresh IS NULL THEN
            -- Somebody is claiming for it. It may be passed over only by those it will not be owed more than even
            -- after that claim: else whoever is served least would be passed over whenever it is served.
            busy := busy || share.practice_id;
            enough := least(enough, share.virtual_time + share.turn);
            CONTINUE;
        END IF;
        holding := holding OR NOT alone;
        IF fresh > share.virtual_time THEN
            -- served since we looked: still its turn only if nobody else is owed more
            FETCH walk INTO other;
            peeked := true;
            moved := coalesce(other.virtual_time < fresh, false);
            EXIT WHEN moved;
        END IF;
        head := best_of(share.practice_id, share.open_lanes, an_agent, at, tried, speaks, does);
        IF head.task_id IS NOT NULL THEN
            task_id := head.task_id;
            second_task := head.second_task;
            second_rank := head.second_rank;
            owed := fresh;
        ELSIF head.others_take THEN
            busy := busy || share.practice_id;
        ELSIF NOT alone THEN
            PERFORM clear_lanes(share.practice_id, share.open_lanes);
        END IF;
    END LOOP;
    CLOSE walk;
END $$;


-- The best moment of one practice for this agent, locked, and what stands behind it, among the heads of its open lanes.
-- `others_take`: there was something, all of it just being taken by others. A kind that is paused is in no open lane.
CREATE OR REPLACE FUNCTION best_of(
    a_practice bigint, open_lanes integer[], an_agent bigint, at timestamptz, tried bigint[], speaks text[], does text[],
    OUT task_id bigint, OUT second_task bigint, OUT second_rank numeric, OUT others_take boolean
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    head record;
    locked bigint[] := '{}';
    passed integer;
BEGIN
    LOOP
        passed := cardinality(locked);
        FOR head IN
            SELECT t.id, t.rank FROM lanes_for(best_of.open_lanes, best_of.at, speaks, does) l CROSS JOIN LATERAL (
                SELECT w.id, w.rank FROM tasks w
                WHERE w.practice_id = a_practice AND w.lane_id = l.lane_id
                  AND w.state = 'waiting' AND w.offered AND w.promised_at IS NULL
                  AND w.id <> ALL (tried || locked)
                  AND NOT kept_from(an_agent, w.owner_id, w.owner_until, best_of.at)
                  AND NOT EXISTS (SELECT FROM spoken_to(w.patient_id, w.person_key))
                  AND NOT EXISTS (SELECT FROM unread_of(w.kind, w.practice_id, w.person_key))
                ORDER BY w.rank DESC, w.id LIMIT 2
            ) t
            ORDER BY t.rank DESC, t.id LIMIT 2
        LOOP
            IF task_id IS NOT NULL THEN
                second_task := head.id;
                second_rank := head.rank;
                EXIT;
            END IF;
            PERFORM FROM tasks t WHERE t.id = head.id AND t.state = 'waiting' AND t.offered
            FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                task_id := head.id;
            ELSE
                locked := locked || head.id;
            END IF;
        END LOOP;
        -- what others are just taking is theirs, the one behind it is ours
        EXIT WHEN task_id IS NOT NULL OR passed = cardinality(locked);
    END LOOP;
    others_take := task_id IS NULL AND locked <> '{}';
END $$;


-- Whether nobody else gets at the same number before we are through. Who took the same person in the moment between our
-- look and this is found by the unique indexes, and the claim made again.
CREATE OR REPLACE FUNCTION nobody_else_takes(a_task bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT pg_try_advisory_xact_lock(
                coalesce(('x' || encode(substring(t.person_key, 1, 8), 'hex'))::bit(64)::bigint, -t.patient_id))
            FROM tasks t WHERE t.id = a_task);
END $$;


-- All that the gate and the record of the claim want to know about a candidate.
CREATE OR REPLACE FUNCTION candidate_facts(a_task bigint, band integer, at timestamptz) RETURNS json
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT json_build_object(
        'task_id', t.id, 'practice_id', t.practice_id, 'patient_id', t.patient_id,
        'referral_id', t.referral_id, 'kind', t.kind, 'fence', t.fence, 'estimate_minutes', t.estimate_minutes,
        'rank', t.rank, 'lane_id', t.lane_id,
        -- the deadline of a promise, or when it was assigned
        'decided_at', CASE band WHEN 0 THEN t.handed_at WHEN 2 THEN NULL ELSE t.promised_at END,
        'created_at', t.created_at, 'ranked_at', t.ranked_at,
        'opens_at', u.opens_at, 'peaks_at', u.peaks_at, 'closes_at', u.closes_at,
        -- whom the call reaches: the patient, or the friend they sent
        'phone', CASE WHEN r.id IS NULL THEN a.phone ELSE r.friend_phone END,
        'state', CASE WHEN r.id IS NULL THEN a.state END, 'zip', CASE WHEN r.id IS NULL THEN a.zip END,
        'stated_zone', CASE WHEN r.id IS NULL THEN a.stated_zone END,
        -- a referral keeps one key only, that of the number: what stands against the address is asked with it
        'friend_email', CASE WHEN r.friend_phone IS NOT NULL THEN r.friend_email END,
        'birth_date', CASE WHEN r.id IS NULL THEN a.birth_date END, 'deceased', r.id IS NULL AND a.deceased,
        'suppressions', known.suppressions, 'attempts', known.attempts, 'consent', known.consent,
        'status', known.status, 'baa_on', known.baa_on, 'dealt_on', known.dealt_on, 'zone', p.zone,
        -- a card on which it is read is handed out to be read: the number on it is the gate's to show, after that
        'unread', known.unread AND NOT here.is_read, 'is_read', here.is_read,
        'person_attempts', (
            SELECT count(*) FROM month_uses(t.patient_id, t.referral_id, t.person_key, candidate_facts.at, t.id) u
            WHERE u.counts_from <= candidate_facts.at AND u.counts_until > candidate_facts.at),
        'script_version_id', (
            SELECT v.id FROM scripts c JOIN script_versions v ON v.script_id = c.id AND v.state = 'published'
            WHERE c.kind = t.kind AND c.medium = 'call' AND (c.practice_id = t.practice_id OR c.practice_id IS NULL)
            ORDER BY c.practice_id IS NULL, v.variant <> script_arm(c.experiment_id, t.practice_id, t.patient_id), v.id
            LIMIT 1))
    FROM tasks t
    JOIN patients a ON a.id = t.patient_id
    JOIN practices p ON p.id = t.practice_id
    LEFT JOIN referrals r ON r.id = t.referral_id
    LEFT JOIN cadence_runs u ON u.id = t.run_id
    CROSS JOIN LATERAL contact_known(
        t.practice_id, CASE WHEN r.id IS NULL THEN a.phone_key WHEN r.friend_phone IS NOT NULL THEN r.contact_key END,
        CASE WHEN r.id IS NULL THEN a.email_key END, 'call', candidate_facts.at, t.id) known
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM read_on(t.kind, t.practice_id, CASE WHEN r.id IS NULL THEN a.phone_key ELSE r.contact_key END,
                            CASE WHEN r.id IS NULL THEN a.email_key END)) AS is_read) here
    WHERE t.id = a_task);
END $$;


-- Take lanes off a practice that have nothing to offer any more. The caller holds the practice's ledger row, and
-- whoever adds work takes it too, so no lane that is about to get a task is lost.
CREATE OR REPLACE FUNCTION clear_lanes(a_practice bigint, these integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    dry integer[];
BEGIN
    dry := ARRAY(
        SELECT lane FROM unnest(these) lane
        WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.practice_id = a_practice AND t.lane_id = lane
                          AND t.state = 'waiting' AND t.offered AND t.promised_at IS NULL)
    );
    IF dry <> '{}' THEN
        UPDATE shares SET lanes = ARRAY(SELECT unnest(lanes) EXCEPT SELECT unnest(dry)),
                          open_lanes = ARRAY(SELECT unnest(open_lanes) EXCEPT SELECT unnest(dry))
        WHERE practice_id = a_practice;
    END IF;
END $$;
