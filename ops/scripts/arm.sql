-- Which of two published versions a patient is told: 'a' or 'b', for ever the same within one experiment.
--
-- The one place that decides it; the claim (queue/claim.sql) and `scripts.queries` both ask it. A plain expression, so that
-- PostgreSQL puts it into the statement that asks and it costs no call (hence the casts: joining a number to a text
-- as it is would count as changeable, and stay a call). Salted with the experiment and the practice: who was
-- in B once is not in B for ever, and each practice is split by itself. Without an experiment everybody is told A.
CREATE OR REPLACE FUNCTION script_arm(an_experiment bigint, a_practice bigint, a_patient bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN substr(md5(an_experiment::text || ':' || a_practice::text || ':' || a_patient::text), 1, 1) >= '8' THEN 'b'
        ELSE 'a'
    END
$$;


-- The version in force for this patient: their practice's own, else the agency's; NULL when nobody wrote one. The claim has
-- the same order in its one statement (queue/claim.sql); a test holds the two against each other.
CREATE OR REPLACE FUNCTION script_in_force(a_practice bigint, a_kind text, a_medium text, a_patient bigint) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT v.id FROM scripts c JOIN script_versions v ON v.script_id = c.id AND v.state = 'published'
    WHERE c.kind = a_kind AND c.medium = a_medium AND (c.practice_id = a_practice OR c.practice_id IS NULL)
    ORDER BY c.practice_id IS NULL, v.variant <> script_arm(c.experiment_id, a_practice, a_patient), v.id LIMIT 1
$$;
