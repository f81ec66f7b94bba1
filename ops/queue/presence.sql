-- Who is there at a moment, of everybody with an account. What is assigned to one person is so only while they are
-- present (`present`): nobody waits for somebody who is away. The claim does not ask this; whoever leaves is let go of
-- (ops/queue/actions/leaving.py), so that the owner on the task says it.
--
-- Present is who is signed in, did something within ten minutes or has a card in progress, and is not away. A break
-- counts as present for its first quarter of an hour, also when the sign-in is ended meanwhile because nothing came;
-- done for the day never does. `on_break`: the kind of break they are on. `since`: since when they are on it, or were last seen.
CREATE OR REPLACE FUNCTION presence(at timestamptz)
RETURNS TABLE (user_id bigint, present boolean, on_break text, since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT u.id,
           u.active AND (b.kind IS NULL OR (b.kind <> 'done' AND b.started_at > presence.at - interval '15 minutes'))
           AND EXISTS (
               SELECT FROM auth_sessions s WHERE s.user_id = u.id AND (
                   s.last_seen_at > coalesce(b.started_at, presence.at) - interval '10 minutes'
                       AND (s.ended_at IS NULL OR b.kind IS NOT NULL AND s.ended_why = 'idle')
                   OR s.ended_at IS NULL AND EXISTS (
                       SELECT FROM tasks t WHERE t.held_by = u.id AND t.state = 'claimed' AND t.lease_until > presence.at))),
           b.kind,
           coalesce(b.started_at, (SELECT max(s.last_seen_at) FROM auth_sessions s WHERE s.user_id = u.id))
    FROM users u LEFT JOIN breaks b ON b.user_id = u.id AND b.ended_at IS NULL
$$;
