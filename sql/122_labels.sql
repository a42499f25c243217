-- What a person may say of a galaxy, checked in the database, so that a plain INSERT is as safe as the program.

CREATE OR REPLACE FUNCTION galcat.check_labeller(claimed text)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = '' AS $$
BEGIN
    -- Programs write for people; people write for themselves. The owner runs say(), which knows who speaks.
    IF claimed IS DISTINCT FROM current_user::text AND current_user <> 'galcat_owner'
        AND NOT pg_has_role(current_user, 'galcat_writer', 'MEMBER') THEN
        RAISE EXCEPTION 'labeller % is not you, %', coalesce(claimed, 'NULL'), current_user
            USING ERRCODE = 'insufficient_privilege';
    -- Who logged in as a person stays that person, whatever role was taken since.
    ELSIF claimed IS DISTINCT FROM session_user::text AND current_user <> 'galcat_owner'
        AND NOT pg_has_role(session_user, 'galcat_writer', 'MEMBER') THEN
        RAISE EXCEPTION 'labeller % is not you, %', coalesce(claimed, 'NULL'), session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
COMMENT ON FUNCTION galcat.check_labeller IS 'Refuses a label in somebody else''s name. Part of label and tag.';

CREATE OR REPLACE FUNCTION galcat.check_galaxy(id bigint)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = '' AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM galcat.source AS s WHERE s.object_id = id AND NOT s.is_retired) THEN
        RAISE EXCEPTION 'no galaxy has object_id %', coalesce(id::text, 'NULL') USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION galcat.check_galaxy IS 'Refuses an object_id that no galaxy has. Part of label and tag.';

CREATE OR REPLACE FUNCTION galcat.check_label()
RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    asked record;
BEGIN
    SELECT t.name, t.kind, t.classes INTO asked FROM galcat.task AS t WHERE t.name = NEW.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no task is called %', coalesce(NEW.task, 'NULL') USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM galcat.check_labeller(NEW.labeller);
    PERFORM galcat.check_galaxy(NEW.object_id);
    NEW.labelled_at := least(NEW.labelled_at, clock_timestamp());
    IF asked.kind = 'interest' THEN
        IF NEW.answer IS NOT NULL THEN
            RAISE EXCEPTION 'task % takes a rating of 0 to 5, not the answer %', asked.name, NEW.answer
                USING ERRCODE = '22023';
        ELSIF NOT (NEW.rating >= 0 AND NEW.rating <= 5) THEN -- NaN sorts above every number
            RAISE EXCEPTION 'rating % of galaxy % is not between 0 and 5', NEW.rating, NEW.object_id
                USING ERRCODE = '22023';
        END IF;
    ELSIF NEW.rating IS NOT NULL THEN
        RAISE EXCEPTION 'task % takes an answer (%), not a rating', asked.name, array_to_string(asked.classes, ', ')
            USING ERRCODE = '22023';
    ELSIF NOT NEW.answer = ANY (asked.classes) THEN
        RAISE EXCEPTION 'answer % of galaxy % is not one of task %: %', NEW.answer, NEW.object_id, asked.name,
            array_to_string(asked.classes, ', ') USING ERRCODE = '22023';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION galcat.check_label IS 'Trigger: a label fits its task, its galaxy is there, its labeller is who writes.';

CREATE OR REPLACE FUNCTION galcat.check_tag()
RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    NEW.tag := lower(ltrim(NEW.tag, '#'));
    IF NOT NEW.tag ~ '^[[:alnum:]][[:alnum:]_-]*$' THEN
        RAISE EXCEPTION 'tag % is not a word of letters, digits, _ and -', quote_literal(NEW.tag) USING ERRCODE = '22023';
    END IF;
    PERFORM galcat.check_labeller(NEW.labeller);
    PERFORM galcat.check_galaxy(NEW.object_id);
    NEW.labelled_at := least(NEW.labelled_at, clock_timestamp());
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION galcat.check_tag IS 'Trigger: a tag is one word, without #, of a galaxy that is there.';

CREATE OR REPLACE FUNCTION galcat.keep_history()
RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    RAISE EXCEPTION '% is history and is not changed: insert a newer row, which counts in its place', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION galcat.keep_history IS 'Trigger: what somebody said is never overwritten.';

CREATE OR REPLACE TRIGGER check_label BEFORE INSERT ON galcat.label
    FOR EACH ROW EXECUTE FUNCTION galcat.check_label();
CREATE OR REPLACE TRIGGER check_tag BEFORE INSERT ON galcat.tag
    FOR EACH ROW EXECUTE FUNCTION galcat.check_tag();
CREATE OR REPLACE TRIGGER keep_history BEFORE UPDATE OR DELETE ON galcat.label
    FOR EACH ROW EXECUTE FUNCTION galcat.keep_history();
CREATE OR REPLACE TRIGGER keep_history BEFORE UPDATE OR DELETE ON galcat.tag
    FOR EACH ROW EXECUTE FUNCTION galcat.keep_history();

CREATE OR REPLACE VIEW galcat.current_label AS
SELECT l.label_id, l.task, l.object_id, l.answer, l.rating, l.labeller, l.labelled_at, l.origin
FROM (
    SELECT DISTINCT ON (h.task, h.object_id, h.labeller) h.*
    FROM galcat.label AS h
    ORDER BY h.task, h.object_id, h.labeller, h.label_id DESC) AS l
WHERE l.answer IS NOT NULL OR l.rating IS NOT NULL;
ALTER VIEW galcat.current_label OWNER TO galcat_owner;

CREATE OR REPLACE VIEW galcat.current_tag AS
SELECT g.tag_id, g.object_id, g.tag, g.labeller, g.labelled_at, g.origin
FROM (
    SELECT DISTINCT ON (h.tag, h.object_id, h.labeller) h.*
    FROM galcat.tag AS h
    ORDER BY h.tag, h.object_id, h.labeller, h.tag_id DESC) AS g
WHERE NOT g.is_withdrawn;
ALTER VIEW galcat.current_tag OWNER TO galcat_owner;
