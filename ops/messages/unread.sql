-- What has been said of contacting somebody that nobody has understood, by every number and address it is about: nobody
-- contacts these until somebody has. Two sources: what people wrote to us, until it is read, whatever the words are
-- (`decide_reply`; a plain stop is no such reply, it has ended contact); and a row of a practice's file that was put aside
-- and says a no or an unknown word, until the row is made right.

-- The patients such a row may be about: by the practice's number, by any number or address that stands in it, where it
-- has no number of the practice's by name and birth date, and those it was found to be about once.
CREATE OR REPLACE VIEW rows_about AS
    SELECT q.id AS row_id, q.practice_id, a.id AS patient_id FROM quarantined_rows q
    JOIN patients a ON a.practice_id = q.practice_id AND a.external_id = q.about
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL
    UNION ALL
    SELECT q.id, q.practice_id, a.id FROM quarantined_rows q CROSS JOIN LATERAL unnest(q.about_keys) k (key)
    JOIN patients a ON a.practice_id = q.practice_id AND a.phone_key = k.key
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL
    UNION ALL
    SELECT q.id, q.practice_id, a.id FROM quarantined_rows q CROSS JOIN LATERAL unnest(q.about_keys) k (key)
    JOIN patients a ON a.practice_id = q.practice_id AND a.email_key = k.key
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL
    UNION ALL
    SELECT q.id, q.practice_id, a.id FROM quarantined_rows q
    JOIN patients a ON a.practice_id = q.practice_id
     AND lower(regexp_replace(a.first_name || a.last_name, '[^[:alnum:]]', '', 'g'))
       = lower(regexp_replace(q.about_name, '[^[:alnum:]]', '', 'g'))
     AND (q.about_born IS NULL OR a.birth_date IS NULL OR a.birth_date = q.about_born)
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL AND q.about_name <> ''
    UNION ALL
    SELECT q.id, q.practice_id, p.patient_id FROM quarantined_rows q
    CROSS JOIN LATERAL unnest(q.about_people) p (patient_id)
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL;


-- Both sources, by key.
CREATE OR REPLACE VIEW not_understood AS
    SELECT i.id AS reply_id, NULL::bigint AS row_id, i.practice_id, i.contact_key AS key FROM inbound_messages i
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL
    UNION
    SELECT i.id, NULL, i.practice_id, k.key FROM inbound_messages i JOIN patients a ON a.id = i.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL AND k.key IS NOT NULL
    UNION
    SELECT i.id, NULL, i.practice_id, k.key FROM inbound_messages i
    CROSS JOIN LATERAL merged_with(i.practice_id, i.patient_id) m JOIN patients a ON a.id = m.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL AND k.key IS NOT NULL
    UNION
    SELECT NULL, q.id, q.practice_id, k.key FROM quarantined_rows q CROSS JOIN LATERAL unnest(q.about_keys) k (key)
    WHERE q.about IS NOT NULL AND q.corrected_at IS NULL
    UNION
    SELECT NULL, r.row_id, r.practice_id, k.key FROM rows_about r JOIN patients a ON a.id = r.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE k.key IS NOT NULL
    UNION
    SELECT NULL, r.row_id, r.practice_id, k.key FROM rows_about r
    CROSS JOIN LATERAL merged_with(r.practice_id, r.patient_id) m JOIN patients a ON a.id = m.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE k.key IS NOT NULL;


-- The same as rows of unread_keys, which each claim looks into several times: one look at one index instead of five
-- joins. Only these triggers, and the end of a load, write them, in the transaction of whatever changed.
CREATE OR REPLACE FUNCTION keep_unread_keys(replies bigint[], rows bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE quarantined_rows q SET about_people = r.people
    FROM (SELECT row_id, array_agg(DISTINCT patient_id ORDER BY patient_id) AS people FROM rows_about
          WHERE row_id = ANY (rows) GROUP BY row_id) r
    WHERE q.id = r.row_id AND q.about_people IS DISTINCT FROM r.people;
    DELETE FROM unread_keys WHERE reply_id = ANY (replies) OR row_id = ANY (rows);
    INSERT INTO unread_keys (reply_id, row_id, practice_id, key)
    SELECT u.reply_id, u.row_id, u.practice_id, u.key FROM not_understood u
    WHERE u.reply_id = ANY (replies) OR u.row_id = ANY (rows);
$$;


-- For a reply that came, was read, or is somebody else's.
CREATE OR REPLACE FUNCTION note_reply_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- whoever corrects the patient's number at the same time does so before this, or sees the reply
    PERFORM FROM patients a WHERE a.id = NEW.patient_id FOR SHARE;
    PERFORM keep_unread_keys(ARRAY[NEW.id], '{}');
    RETURN NULL;
END $$;


-- Whatever changes what a reply says.
CREATE OR REPLACE TRIGGER unread_keys AFTER INSERT OR UPDATE OF meaning, decided_at, patient_id, contact_key
ON inbound_messages FOR EACH ROW EXECUTE FUNCTION note_reply_keys();


-- For a row that was put aside, or was made right.
CREATE OR REPLACE FUNCTION note_row_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM patients a WHERE a.id IN (SELECT r.patient_id FROM rows_about r WHERE r.row_id = NEW.id) FOR SHARE;
    PERFORM keep_unread_keys('{}', ARRAY[NEW.id]);
    RETURN NULL;
END $$;


-- Rows that were put aside and say nothing of contacting anybody are the most: nothing is done for them.
CREATE OR REPLACE TRIGGER unread_keys AFTER INSERT ON quarantined_rows FOR EACH ROW WHEN (NEW.about IS NOT NULL)
EXECUTE FUNCTION note_row_keys();


-- Whatever ends that it holds somebody back.
CREATE OR REPLACE TRIGGER unread_keys_of_corrected AFTER UPDATE OF about, corrected_at ON quarantined_rows FOR EACH ROW
WHEN ((OLD.about, OLD.corrected_at) IS DISTINCT FROM (NEW.about, NEW.corrected_at))
EXECUTE FUNCTION note_row_keys();


-- For a record and all that were merged with it: whatever was said about any of them.
CREATE OR REPLACE FUNCTION keep_keys_of(a_practice bigint, a_patient bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    people bigint[] := a_patient || ARRAY(SELECT m.patient_id FROM merged_with(a_practice, a_patient) m);
BEGIN
    PERFORM keep_unread_keys(
        ARRAY(SELECT i.id FROM inbound_messages i
              WHERE i.patient_id = ANY (people) AND i.meaning <> 'stop' AND i.decided_at IS NULL),
        ARRAY(SELECT DISTINCT r.row_id FROM rows_about r
              WHERE r.practice_id = a_practice AND r.patient_id = ANY (people)));
END $$;


-- For a patient whose number or address changed: what was said holds back the new one.
CREATE OR REPLACE FUNCTION note_patient_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_keys_of(NEW.practice_id, NEW.id);
    RETURN NULL;
END $$;


-- Whatever changes the keys of a patient, and nothing else.
CREATE OR REPLACE TRIGGER unread_keys AFTER UPDATE OF phone_key, email_key ON patients FOR EACH ROW
WHEN ((OLD.phone_key, OLD.email_key) IS DISTINCT FROM (NEW.phone_key, NEW.email_key))
EXECUTE FUNCTION note_patient_keys();


-- For two records that are one human now, or are not any more.
CREATE OR REPLACE FUNCTION note_merge_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_keys_of(NEW.practice_id, NEW.kept_id);
    PERFORM keep_keys_of(NEW.practice_id, NEW.merged_id);
    RETURN NULL;
END $$;


-- Merged, and taken back.
CREATE OR REPLACE TRIGGER unread_keys AFTER INSERT OR UPDATE OF undone_at ON record_merges FOR EACH ROW
EXECUTE FUNCTION note_merge_keys();
