-- Everything the desk of one agent shows, in one round trip: the open card with all the gate asks, and what stands beside
-- it. A function, because its plan is then kept by the connection: planning so many joins costs more than running them.
--
-- {"card": NULL without a task in progress, "beside": the agent's own keys, how leads set the desk, and the outcome recorded after
-- `undoable` that can still be taken back}
CREATE OR REPLACE FUNCTION desk_of(an_agent bigint, at_now timestamptz, undoable timestamptz) RETURNS json
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
RETURN json_build_object('card', (SELECT row_to_json(whole) FROM (
    SELECT t.id, t.practice_id, t.patient_id, t.referral_id, t.run_id, t.kind, t.fence, t.reason, t.promised_at, t.urgent,
        t.claimed_at, t.lease_until, t.tries, t.max_tries, t.closes_at, t.script_version_id,
        json_build_object('id', p.id, 'name', p.name, 'spoken_name', p.spoken_name, 'helps_best', p.helps_best,
            'shareable', p.shareable, 'website', p.website, 'callback_number', p.callback_number, 'zone', p.zone,
            'review_links', (SELECT coalesce(json_agg(l.url ORDER BY l.id), '[]') FROM review_links l
                             WHERE l.practice_id = p.id)) AS practice,
        a.first_name, a.phone, a.email, a.state, a.zip, a.stated_zone, a.birth_date, a.deceased,
        r.friend_name, r.friend_phone, r.friend_email, r.received_at,
        m.kind AS milestone_kind, m.happened_on, y.category,
        v.body AS script, v.number AS script_number,
        known.suppressions, known.attempts, known.consent, known.status::text AS status, known.baa_on, known.dealt_on,
        (SELECT e.facts FROM task_events e WHERE e.task_id = t.id AND e.kind = 'claimed'
         ORDER BY e.id DESC LIMIT 1) AS why,
        (SELECT coalesce(json_agg(json_build_object(
                'at', x.at, 'outcome', x.outcome, 'note', x.note, 'agent', x.name, 'answers', x.answers)), '[]')
         FROM (SELECT b.at, b.outcome, b.note, u.name, b.answers FROM attempts b JOIN tasks k ON k.id = b.task_id
               JOIN users u ON u.id = b.agent_id
               WHERE b.patient_id = ANY (human.ids) AND k.referral_id IS NOT DISTINCT FROM t.referral_id
               ORDER BY b.at DESC, b.id DESC LIMIT 8) x) AS attempts_made,
        (SELECT count(*) FROM month_uses(t.patient_id, t.referral_id, t.person_key, at_now, t.id) u
         WHERE u.counts_from <= at_now AND u.counts_until > at_now) AS calls_this_month,
        (SELECT coalesce(json_agg(json_build_object('at', x.created_at, 'channel', x.channel, 'kind', x.kind,
                                                    'state', x.state)), '[]')
         FROM (SELECT g.created_at, g.channel, g.kind, g.state FROM messages g
               WHERE g.patient_id = ANY (human.ids) AND t.referral_id IS NULL AND g.state NOT IN ('blocked', 'cancelled')
               ORDER BY g.created_at DESC LIMIT 5) x) AS messages_sent,
        (SELECT coalesce(json_agg(json_build_object('at', o.promised_at, 'kind', o.kind) ORDER BY o.promised_at), '[]')
         FROM tasks o WHERE o.patient_id = t.patient_id AND o.state = 'waiting' AND o.promised_at IS NOT NULL
           AND o.kind <> 'reply' AND o.referral_id IS NOT DISTINCT FROM t.referral_id) AS promises,
        known.unread,
        -- of a text or email that leaves once the outcome cannot be taken back, the call that is going on counted
        (SELECT json_build_object('sms', (SELECT row_to_json(k) FROM contact_known(
                    t.practice_id, a.phone_key, a.email_key, 'sms', at_now + (at_now - undoable), NULL) k),
                'email', (SELECT row_to_json(k) FROM contact_known(
                    t.practice_id, a.phone_key, a.email_key, 'email', at_now + (at_now - undoable), NULL) k))
         WHERE r.id IS NULL) AS known_later,
        (SELECT coalesce(json_agg(json_build_object('id', i.id, 'at', i.received_at, 'channel', i.channel,
                                                    'body', i.body, 'symptoms', i.symptoms) ORDER BY i.id), '[]')
         FROM inbound_messages i WHERE i.id IN (
            SELECT u.reply_id FROM unread_keys u
            WHERE u.practice_id = t.practice_id
              AND u.key IN (CASE WHEN r.id IS NULL THEN a.phone_key ELSE r.contact_key END,
                            CASE WHEN r.id IS NULL THEN a.email_key END))) AS unread_here,
        (SELECT i.body FROM inbound_messages i
         WHERE t.kind = 'reply' AND i.patient_id = ANY (human.ids) AND i.decided_at IS NOT NULL
         ORDER BY i.received_at DESC LIMIT 1) AS their_words,
        script_in_force(t.practice_id, t.kind, 'call', t.patient_id) AS script_in_force,
        -- the note that an ask may end with: the text, or else the email
        (SELECT json_agg(json_build_object('medium', d.medium, 'subject', n.subject, 'body', n.body))
         FROM (VALUES ('sms'), ('email')) d (medium)
         JOIN script_versions n ON n.id = script_in_force(t.practice_id, 'ask', d.medium, t.patient_id)
         WHERE t.kind = 'ask') AS notes,
        (SELECT json_build_object('at', o.promised_at, 'practice', op.name) FROM tasks o
         JOIN practices op ON op.id = o.practice_id
         WHERE o.owner_id = an_agent AND o.state = 'waiting' AND o.promised_at IS NOT NULL AND o.promised_at < at_now + interval '30 minutes'
         ORDER BY o.promised_at LIMIT 1) AS next_promise
    FROM tasks t
    JOIN practices p ON p.id = t.practice_id
    JOIN patients a ON a.id = t.patient_id
    LEFT JOIN referrals r ON r.id = t.referral_id
    LEFT JOIN cadence_runs c ON c.id = t.run_id
    LEFT JOIN milestones m ON m.id = c.milestone_id
    LEFT JOIN treatment_types y ON y.id = m.treatment_type_id
    LEFT JOIN script_versions v ON v.id = t.script_version_id
    CROSS JOIN LATERAL contact_known(
        t.practice_id, CASE WHEN r.id IS NULL THEN a.phone_key WHEN r.friend_phone IS NOT NULL THEN r.contact_key END,
        CASE WHEN r.id IS NULL THEN a.email_key END, 'call', at_now, t.id) known
    -- what was said and sent under a record that was merged with theirs is read with theirs
    CROSS JOIN LATERAL (SELECT t.patient_id || ARRAY(
        SELECT o.patient_id FROM merged_with(t.practice_id, t.patient_id) o WHERE t.referral_id IS NULL) AS ids) human
    WHERE t.held_by = an_agent AND t.state = 'claimed'
) whole), 'beside', (SELECT row_to_json(whole) FROM (
    SELECT k.keys, coalesce(k.dials, false) AS dials, coalesce(k.ring, 'sound') AS ring, s.wrap_up, s.wrap_up_seconds, s.idle_seconds,
        l.id AS last_id, l.outcome AS last_outcome, l.at AS last_at
    FROM (SELECT) one
    LEFT JOIN desk_keys k ON k.user_id = an_agent
    LEFT JOIN desk_settings s ON s.id = 1
    LEFT JOIN LATERAL (SELECT a.id, a.outcome, a.at FROM attempts a
                       WHERE a.agent_id = an_agent AND a.at > undoable AND a.undo IS NOT NULL
                       ORDER BY a.at DESC, a.id DESC LIMIT 1) l ON true
) whole));
END $$;
