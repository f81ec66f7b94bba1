-- The task that comes next for one agent, locked, with all the gate will ask about it. One call, one round trip.
--
-- Order (band): 0 what was handed to this agent (by a lead, or the same person's other work); 1 promises, the earliest
-- first; 2 the practice owed most (smallest virtual time, then number), there the best moment (highest rank, then
-- oldest). Never offered: work in shut lanes, of paused practices and kinds, for practices, languages and kinds the
-- agent is not certified for (what a lead handed over excepted), somebody who is in other hands.
--
-- Cost: practices with nothing open are not in the index that is walked; of each practice only the heads of its open
-- lanes are looked at. Locks: the ledger row of the practice and the task, both SKIP LOCKED, so nobody waits for
-- anybody as long as there is other work. Only when every candidate was in somebody else's claim does it wait, for one
-- ledger row and holding none: what a lock hides is not "nothing to do".
--
-- `tried`: tasks the gate refused to this claim already. NULL when there is nothing for this agent now; one JSON value
-- because forty columns cost the client more than the search costs the server.
CREATE OR REPLACE FUNCTION next_task(an_agent bigint, at timestamptz, an_actor text, tried bigint[])
RETURNS json
LANGUAGE plpgsql
-- Plans are made once per connection, and for the index: a backlog that was never analysed must not cost a scan.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    held bigint;
    any_handed boolean;
    any_promised boolean;
    speaks text[];
    does text[];
    everywhere boolean;
    theirs bigint[];
    walk refcursor;
    share record;
    other record;
    moved boolean;
    peeked boolean;
    alone boolean;
    locked bigint[];
    passed integer;
    enough double precision;
    head record;
    fresh double precision;
    found_band integer;
    best bigint;
    best_key bytea;
    best_patient bigint;
    owed double precision;
    runner bigint;
    runner_rank numeric;
    ahead bigint;
    ahead_owed double precision;
    busy bigint[] := '{}';
    all_busy bigint[] := '{}';
    holding boolean := tried <> '{}';
    naps integer := 0;
BEGIN
    IF set_config('app.actor', an_actor, true) IS NULL OR pg_advisory_xact_lock(7034100, an_agent::integer) IS NULL THEN
        RETURN NULL;  -- never: in an IF they cost no statement of their own
    END IF;
    SELECT (SELECT t.id FROM tasks t WHERE t.held_by = an_agent AND t.state = 'claimed'),
           EXISTS (SELECT FROM tasks t WHERE t.owner_id = an_agent AND t.state = 'waiting' AND t.offered
                   AND t.handed_at IS NOT NULL),
           EXISTS (SELECT FROM tasks t WHERE t.state = 'waiting' AND t.offered AND t.promised_at IS NOT NULL),
           coalesce(a.languages, '{en}'), a.kinds, coalesce(a.everywhere, true)
    INTO held, any_handed, any_promised, speaks, does, everywhere
    FROM (SELECT) one LEFT JOIN agent_profiles a ON a.user_id = an_agent;
    IF held IS NOT NULL THEN
        RETURN (SELECT json_build_object('in_hands', t.id, 'practice_id', t.practice_id, 'patient_id', t.patient_id,
                                         'fence', t.fence, 'lease_until', t.lease_until)
                FROM tasks t WHERE t.id = held);
    END IF;
    IF NOT everywhere THEN
        theirs := ARRAY(SELECT c.practice_id FROM certifications c WHERE c.user_id = an_agent);
    END IF;

    FOR round IN 1..1000 LOOP
        best := NULL;
        runner := NULL;
        ahead := NULL;
        moved := false;
        owed := NULL;
        IF any_handed THEN
            SELECT t.id, t.person_key, t.patient_id INTO best, best_key, best_patient
            FROM tasks t JOIN lanes l ON l.id = t.lane_id
            WHERE t.owner_id = an_agent AND t.state = 'waiting' AND t.offered AND t.handed_at IS NOT NULL
              AND t.owner_until > at
              AND t.id <> ALL (tried) AND l.opens_at <= at AND at < l.closes_at
              AND (SELECT p.status FROM practices p WHERE p.id = t.practice_id) = 'active'
              AND NOT EXISTS (SELECT FROM kind_pauses k WHERE k.practice_id = t.practice_id AND k.kind = t.kind)
              AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = t.patient_id AND h.state = 'claimed')
              AND NOT EXISTS (SELECT FROM tasks h WHERE h.person_key = t.person_key AND h.state = 'claimed')
            ORDER BY t.handed_at, t.id LIMIT 1
            FOR UPDATE OF t SKIP LOCKED;
        END IF;
        found_band := 0;
        IF best IS NULL AND any_promised THEN
            SELECT t.id, t.person_key, t.patient_id INTO best, best_key, best_patient
            FROM tasks t JOIN lanes l ON l.id = t.lane_id
            WHERE t.state = 'waiting' AND t.offered AND t.promised_at IS NOT NULL
              AND t.id <> ALL (tried) AND l.opens_at <= at AND at < l.closes_at
              AND l.language = ANY (speaks) AND (does IS NULL OR l.kind = ANY (does))
              AND (everywhere OR t.practice_id = ANY (theirs))
              AND (t.owner_id IS NULL OR t.owner_id = an_agent OR t.owner_until <= at)
              AND (SELECT p.status FROM practices p WHERE p.id = t.practice_id) = 'active'
              AND NOT EXISTS (SELECT FROM kind_pauses k WHERE k.practice_id = t.practice_id AND k.kind = t.kind)
              AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = t.patient_id AND h.state = 'claimed')
              AND NOT EXISTS (SELECT FROM tasks h WHERE h.person_key = t.person_key AND h.state = 'claimed')
            ORDER BY t.promised_at, t.id LIMIT 1
            FOR UPDATE OF t SKIP LOCKED;
            found_band := 1;
        END IF;
        IF best IS NULL THEN
            found_band := 2;
            IF everywhere THEN
                OPEN walk FOR
                    SELECT s.practice_id, s.virtual_time, s.open_lanes,
                           3.0 / greatest((s.hours * s.weight)::float, 0.1) AS turn
                    FROM shares s
                    WHERE s.has_open
                      AND (SELECT p.status FROM practices p WHERE p.id = s.practice_id) = 'active'
                      AND EXISTS (SELECT FROM unnest(s.open_lanes) o (lane) JOIN lanes l ON l.id = o.lane
                                  WHERE at < l.closes_at AND l.language = ANY (speaks)
                                    AND (does IS NULL OR l.kind = ANY (does)))
                    ORDER BY s.virtual_time, s.practice_id;
            ELSE
                -- sorted before it is looked at more closely: an agent's few practices are not worth it all each time
                OPEN walk FOR
                    SELECT s.practice_id, s.virtual_time, s.open_lanes,
                           3.0 / greatest((s.hours * s.weight)::float, 0.1) AS turn
                    FROM (SELECT m.* FROM shares m WHERE m.practice_id = ANY (theirs) AND m.has_open
                          ORDER BY m.virtual_time, m.practice_id OFFSET 0) s
                    WHERE (SELECT p.status FROM practices p WHERE p.id = s.practice_id) = 'active'
                      AND EXISTS (SELECT FROM unnest(s.open_lanes) o (lane) JOIN lanes l ON l.id = o.lane
                                  WHERE at < l.closes_at AND l.language = ANY (speaks)
                                    AND (does IS NULL OR l.kind = ANY (does)))
                    ORDER BY s.virtual_time, s.practice_id;
            END IF;
            enough := 'infinity';
            peeked := false;
            LOOP
                IF peeked THEN
                    share := other;
                    peeked := false;
                ELSE
                    FETCH walk INTO share;
                END IF;
                EXIT WHEN share.practice_id IS NULL;
                IF best IS NOT NULL THEN
                    ahead := share.practice_id;  -- the practice that came second
                    ahead_owed := share.virtual_time;
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
                locked := '{}';
                LOOP
                    passed := cardinality(locked);
                    FOR head IN
                        SELECT t.* FROM unnest(share.open_lanes) o (lane) JOIN lanes l ON l.id = o.lane
                        CROSS JOIN LATERAL (
                            SELECT w.id, w.person_key, w.patient_id, w.rank FROM tasks w
                            WHERE w.practice_id = share.practice_id AND w.lane_id = o.lane
                              AND w.state = 'waiting' AND w.offered AND w.promised_at IS NULL
                              AND w.id <> ALL (tried || locked)
                              AND (w.owner_id IS NULL OR w.owner_id = an_agent OR w.owner_until <= at)
                              AND NOT EXISTS (SELECT FROM tasks h WHERE h.patient_id = w.patient_id AND h.state = 'claimed')
                              AND NOT EXISTS (SELECT FROM tasks h WHERE h.person_key = w.person_key AND h.state = 'claimed')
                            ORDER BY w.rank DESC, w.id LIMIT 2
                        ) t
                        WHERE l.opens_at <= at AND at < l.closes_at AND l.language = ANY (speaks)
                          AND (does IS NULL OR l.kind = ANY (does))
                        ORDER BY t.rank DESC, t.id LIMIT 2
                    LOOP
                        IF best IS NOT NULL THEN
                            runner := head.id;
                            runner_rank := head.rank;
                            EXIT;
                        END IF;
                        PERFORM FROM tasks t WHERE t.id = head.id AND t.state = 'waiting' AND t.offered
                        FOR UPDATE SKIP LOCKED;
                        IF FOUND THEN
                            best := head.id;
                            best_key := head.person_key;
                            best_patient := head.patient_id;
                            owed := fresh;
                        ELSE
                            locked := locked || head.id;
                        END IF;
                    END LOOP;
                    -- what others are just taking is theirs, the one behind it is ours
                    EXIT WHEN best IS NOT NULL OR passed = cardinality(locked);
                END LOOP;
                IF best IS NULL AND locked <> '{}' THEN
                    busy := busy || share.practice_id;
                END IF;
                IF best IS NULL AND NOT alone AND NOT share.practice_id = ANY (busy) THEN
                    PERFORM clear_lanes(share.practice_id, share.open_lanes);
                END IF;
            END LOOP;
            CLOSE walk;
        END IF;

        IF best IS NOT NULL THEN
            holding := true;
            -- Nobody else gets at the same number before we are through. Who took the same person in the moment between our
            -- look and this is found by the unique indexes, and the claim made again.
            EXIT WHEN pg_try_advisory_xact_lock(
                coalesce(('x' || encode(substring(best_key, 1, 8), 'hex'))::bit(64)::bigint, -best_patient));
            tried := tried || best;
            best := NULL;
        ELSIF moved THEN
            NULL;  -- look again
        ELSIF busy = '{}' THEN
            RETURN NULL;
        ELSIF NOT holding THEN
            PERFORM FROM shares s WHERE s.practice_id = busy[1] FOR NO KEY UPDATE;
            holding := true;
        ELSIF naps < 300 THEN
            naps := naps + 1;
            PERFORM pg_sleep(0.001);
        ELSE
            RETURN NULL;
        END IF;
        all_busy := all_busy || busy;
        busy := '{}';
    END LOOP;
    IF best IS NULL THEN
        RETURN NULL;
    END IF;

    RETURN (SELECT json_build_object(
        'task_id', t.id, 'band', found_band, 'practice_id', t.practice_id, 'patient_id', t.patient_id,
        'referral_id', t.referral_id, 'kind', t.kind, 'fence', t.fence, 'estimate_minutes', t.estimate_minutes,
        'rank', t.rank, 'lane_id', t.lane_id, 'virtual_time', owed,
        -- the deadline of a promise, or when it was handed over
        'decided_at', CASE found_band WHEN 0 THEN t.handed_at WHEN 1 THEN t.promised_at END,
        'second_task', runner, 'second_rank', runner_rank,
        'next_practice', ahead, 'next_virtual_time', ahead_owed, 'passed', all_busy || busy,
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
        'unread', EXISTS (
            SELECT FROM inbound_messages i
            WHERE i.practice_id = t.practice_id AND i.meaning = 'maybe_stop' AND i.decided_at IS NULL
              AND (i.patient_id = a.id AND r.id IS NULL
                   OR i.contact_key IN (CASE WHEN r.id IS NULL THEN a.phone_key ELSE r.contact_key END,
                                        CASE WHEN r.id IS NULL THEN a.email_key END))),
        'person_attempts', (
            SELECT count(*) FROM attempts m JOIN tasks k ON k.id = m.task_id
            WHERE m.patient_id = t.patient_id AND m.at > next_task.at - interval '30 days'
              AND k.referral_id IS NOT DISTINCT FROM t.referral_id),
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
        CASE WHEN r.id IS NULL THEN a.email_key END, 'call', next_task.at, t.id) known
    WHERE t.id = best);
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
