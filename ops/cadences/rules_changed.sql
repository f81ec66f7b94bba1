-- A practice's rules have a version, one higher with each change of what starts work or lets it be sent, whoever
-- changed it and however: no verb has to think of it, and it is true in the moment the change is. What was looked at
-- under an older version is looked at again (ops/cadences/jobs.py). The argument of the trigger is the column that names
-- the practice.
CREATE OR REPLACE FUNCTION note_rule_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rule_changes AS known (practice_id, version, applied)
    VALUES ((to_jsonb(NEW) ->> TG_ARGV[0])::bigint, 1, 0)
    ON CONFLICT (practice_id) DO UPDATE SET version = known.version + 1;
    RETURN NULL;
END $$;


-- A cadence is there, or on.
CREATE OR REPLACE TRIGGER rules_changed AFTER INSERT OR UPDATE OF active, kind ON cadences FOR EACH ROW
EXECUTE FUNCTION note_rule_change('practice_id');


-- One that is gone starts nothing.
CREATE OR REPLACE TRIGGER rules_changed AFTER INSERT OR UPDATE ON triggers FOR EACH ROW
EXECUTE FUNCTION note_rule_change('practice_id');


-- When a result shows.
CREATE OR REPLACE TRIGGER rules_changed AFTER INSERT OR UPDATE OF opens_days, peaks_days, closes_days ON treatment_types
FOR EACH ROW EXECUTE FUNCTION note_rule_change('practice_id');


-- When a day begins, and what a text can say.
CREATE OR REPLACE TRIGGER rules_changed AFTER UPDATE ON practices FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
EXECUTE FUNCTION note_rule_change('id');


-- Without one no review is requested.
CREATE OR REPLACE TRIGGER rules_changed AFTER INSERT OR UPDATE ON review_links FOR EACH ROW
EXECUTE FUNCTION note_rule_change('practice_id');


-- The same for everybody who uses a text: the practice it is of, or all.
CREATE OR REPLACE FUNCTION note_text_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH theirs AS (
        SELECT r.practice_id FROM rule_changes r JOIN scripts s ON s.id = NEW.script_id
        WHERE s.practice_id IS NULL OR s.practice_id = r.practice_id
        ORDER BY r.practice_id FOR UPDATE OF r
    )
    UPDATE rule_changes SET version = version + 1 FROM theirs WHERE theirs.practice_id = rule_changes.practice_id;
    RETURN NULL;
END $$;


-- A text is there: what could not be sent without it can be now.
CREATE OR REPLACE TRIGGER rules_changed AFTER INSERT OR UPDATE OF state ON script_versions FOR EACH ROW
WHEN (NEW.state = 'published') EXECUTE FUNCTION note_text_change();


-- Of a patient who was taken for dead or for a minor nothing was started: when that is put right, their milestones are
-- looked at again.
CREATE OR REPLACE FUNCTION look_again_at_patient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE milestones SET triggered_at = NULL WHERE patient_id = NEW.id AND triggered_at IS NOT NULL;
    RETURN NULL;
END $$;


-- Only when it really changed: an import writes the same values again every night.
CREATE OR REPLACE TRIGGER look_again AFTER UPDATE OF deceased, birth_date ON patients FOR EACH ROW
WHEN ((OLD.deceased, OLD.birth_date) IS DISTINCT FROM (NEW.deceased, NEW.birth_date))
EXECUTE FUNCTION look_again_at_patient();


-- A milestone that says something else now is one that nobody has looked at.
CREATE OR REPLACE FUNCTION look_again_at_milestone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.triggered_at := NULL;
    RETURN NEW;
END $$;


-- The day or the treatment, or that it took place after all: a later file knew better.
CREATE OR REPLACE TRIGGER look_again BEFORE UPDATE OF kind, happened_on, treatment_type_id, withdrawn_at ON milestones
FOR EACH ROW
WHEN ((OLD.kind, OLD.happened_on, OLD.treatment_type_id, OLD.withdrawn_at IS NULL)
      IS DISTINCT FROM (NEW.kind, NEW.happened_on, NEW.treatment_type_id, NEW.withdrawn_at IS NULL))
EXECUTE FUNCTION look_again_at_milestone();
