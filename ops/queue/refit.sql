-- Where, in which language and under which number somebody is reached decides the lane of their tasks: when it changes,
-- their open tasks are taken out of the lane, and the upkeep finds the lane anew.
CREATE OR REPLACE FUNCTION refit_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET lane_id = NULL, offered = false
    WHERE patient_id = NEW.id AND state IN ('waiting', 'claimed') AND lane_id IS NOT NULL;
    RETURN NULL;
END $$;


-- Only when it really changed: an import writes the same values again every night.
CREATE OR REPLACE TRIGGER refit AFTER UPDATE OF phone, phone_key, state, zip, stated_zone, language ON patients FOR EACH ROW
WHEN ((OLD.phone_key, OLD.state, OLD.zip, OLD.stated_zone, OLD.language)
      IS DISTINCT FROM (NEW.phone_key, NEW.state, NEW.zip, NEW.stated_zone, NEW.language))
EXECUTE FUNCTION refit_tasks();
