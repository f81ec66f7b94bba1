-- How a milestone stood before each change of what follows from it, whoever changed it and however. What is put right by it
-- is read from these rows (ops/cadences/actions/correcting.py).
CREATE OR REPLACE FUNCTION note_milestone_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO milestone_changes (practice_id, milestone_id, at, actor, was_on, was_treatment_type_id, was_withdrawn,
                                   withdrawn_why)
    VALUES (OLD.practice_id, OLD.id, acted_at(),
            coalesce(nullif(current_setting('app.actor', true), ''), 'database:' || session_user),
            OLD.happened_on, OLD.treatment_type_id, OLD.withdrawn_at IS NOT NULL,
            CASE WHEN OLD.withdrawn_at IS NULL THEN NEW.withdrawn_why END);
    RETURN NULL;
END $$;


-- Whatever changes what happened, or when.
CREATE OR REPLACE TRIGGER milestone_changed AFTER UPDATE OF happened_on, treatment_type_id, withdrawn_at ON milestones
FOR EACH ROW
WHEN ((OLD.happened_on, OLD.treatment_type_id, OLD.withdrawn_at IS NULL)
      IS DISTINCT FROM (NEW.happened_on, NEW.treatment_type_id, NEW.withdrawn_at IS NULL))
EXECUTE FUNCTION note_milestone_change();
