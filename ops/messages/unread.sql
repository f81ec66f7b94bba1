-- What people wrote to us that nobody has read, by every number and address of whoever wrote: nobody contacts these until
-- somebody has read it, whatever the words are (`decide_reply`). A plain stop is no such reply: it has ended contact.
CREATE OR REPLACE VIEW unread_replies AS
    SELECT i.id AS reply_id, i.practice_id, i.contact_key AS key FROM inbound_messages i
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL
    UNION
    SELECT i.id, i.practice_id, k.key FROM inbound_messages i JOIN patients a ON a.id = i.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL AND k.key IS NOT NULL
    UNION
    SELECT i.id, i.practice_id, k.key FROM inbound_messages i
    CROSS JOIN LATERAL merged_with(i.practice_id, i.patient_id) m JOIN patients a ON a.id = m.patient_id
    CROSS JOIN LATERAL (VALUES (a.phone_key), (a.email_key)) k (key)
    WHERE i.meaning <> 'stop' AND i.decided_at IS NULL AND k.key IS NOT NULL;


-- The same as rows of unread_keys, which each claim looks into several times: one look at one index instead of three
-- joins. Only these triggers write them, in the transaction of whatever changed.
CREATE OR REPLACE FUNCTION keep_unread_keys(replies bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM unread_keys WHERE reply_id = ANY (replies);
    INSERT INTO unread_keys (reply_id, practice_id, key)
    SELECT u.reply_id, u.practice_id, u.key FROM unread_replies u WHERE u.reply_id = ANY (replies);
$$;


-- For a reply that came, was read, or is somebody else's.
CREATE OR REPLACE FUNCTION note_reply_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- whoever corrects the patient's number at the same time does so before this, or sees the reply
    PERFORM FROM patients a WHERE a.id = NEW.patient_id FOR SHARE;
    PERFORM keep_unread_keys(ARRAY[NEW.id]);
    RETURN NULL;
END $$;


-- Whatever changes what a reply says.
CREATE OR REPLACE TRIGGER unread_keys AFTER INSERT OR UPDATE OF meaning, decided_at, patient_id, contact_key
ON inbound_messages FOR EACH ROW EXECUTE FUNCTION note_reply_keys();


-- For a patient whose number or address changed: what they wrote holds back the new one.
CREATE OR REPLACE FUNCTION note_patient_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_unread_keys(ARRAY(SELECT i.id FROM inbound_messages i
                                   WHERE (i.patient_id = NEW.id
                                          OR i.patient_id IN (SELECT patient_id FROM merged_with(NEW.practice_id, NEW.id)))
                                     AND i.meaning <> 'stop' AND i.decided_at IS NULL));
    RETURN NULL;
END $$;


-- Whatever changes the keys of a patient, and nothing else.
CREATE OR REPLACE TRIGGER unread_keys AFTER UPDATE OF phone_key, email_key ON patients FOR EACH ROW
WHEN ((OLD.phone_key, OLD.email_key) IS DISTINCT FROM (NEW.phone_key, NEW.email_key))
EXECUTE FUNCTION note_patient_keys();


-- For two records that are one human now, or are not any more.
CREATE OR REPLACE FUNCTION note_merge_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_unread_keys(ARRAY(
        SELECT i.id FROM inbound_messages i
        WHERE (i.patient_id IN (NEW.kept_id, NEW.merged_id)
               OR i.patient_id IN (SELECT patient_id FROM merged_with(NEW.practice_id, NEW.kept_id)))
          AND i.meaning <> 'stop' AND i.decided_at IS NULL));
    RETURN NULL;
END $$;


-- Merged, and taken back.
CREATE OR REPLACE TRIGGER unread_keys AFTER INSERT OR UPDATE OF undone_at ON record_merges FOR EACH ROW
EXECUTE FUNCTION note_merge_keys();
