-- What the page may do for who is logged in. A session's token says who speaks: nobody can speak in another's name,
-- not the page either, which has the rights of galcat_labeller and these functions.

GRANT SELECT, INSERT, UPDATE, DELETE ON galcat_tap.person, galcat_tap.session TO galcat_writer;
GRANT USAGE ON SCHEMA galcat_tap TO galcat_labeller, galcat_owner;
GRANT CREATE ON SCHEMA galcat_tap TO galcat_owner;
GRANT SELECT, UPDATE, DELETE ON galcat_tap.person TO galcat_owner;
GRANT SELECT, INSERT, DELETE ON galcat_tap.session TO galcat_owner;

CREATE OR REPLACE FUNCTION galcat_tap.enter(link text, token text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    entered text;
BEGIN
    DELETE FROM galcat_tap.session AS s WHERE s.ends_at < pg_catalog.clock_timestamp();
    UPDATE galcat_tap.person AS p SET link_digest = NULL, link_until = NULL
    WHERE p.link_digest = pg_catalog.sha256(link::bytea) AND p.link_until > pg_catalog.clock_timestamp()
    RETURNING p.name INTO entered;
    IF entered IS NOT NULL THEN
        INSERT INTO galcat_tap.session (token_digest, person, ends_at)
        VALUES (pg_catalog.sha256(token::bytea), entered, pg_catalog.clock_timestamp() + interval '90 days');
    END IF;
    RETURN entered;
END
$$;
COMMENT ON FUNCTION galcat_tap.enter IS
    'Uses a one-time link up, and begins a session that its token opens for 90 days; NULL for a link that was used, is too old or never was.';

CREATE OR REPLACE FUNCTION galcat_tap.leave(token text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    DELETE FROM galcat_tap.session AS s WHERE s.token_digest = pg_catalog.sha256(token::bytea);
END;
COMMENT ON FUNCTION galcat_tap.leave IS 'Ends a session.';

CREATE OR REPLACE FUNCTION galcat_tap.person_of(token text)
RETURNS TABLE (name text, role text) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    SELECT p.name, p.role
    FROM galcat_tap.session AS s JOIN galcat_tap.person AS p ON p.name = s.person
    WHERE s.token_digest = pg_catalog.sha256(token::bytea) AND s.ends_at > pg_catalog.clock_timestamp();
END;
COMMENT ON FUNCTION galcat_tap.person_of IS 'Who is logged in with a session, and as what; no row where nobody is.';

CREATE OR REPLACE FUNCTION galcat_tap.require_labeller(token text)
RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    who record;
BEGIN
    SELECT p.name, p.role INTO who FROM galcat_tap.person_of(token) AS p;
    IF who.name IS NULL THEN
        RAISE EXCEPTION 'nobody is logged in here: use the link of galcat people' USING ERRCODE = 'insufficient_privilege';
    ELSIF who.role <> 'labeller' THEN
        RAISE EXCEPTION '% may read and not label', who.name USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN who.name;
END
$$;
COMMENT ON FUNCTION galcat_tap.require_labeller IS 'The name of who is logged in and may label. Part of say() and put_tag().';

CREATE OR REPLACE FUNCTION galcat_tap.say(
    token text, task text, object_id bigint, answer text, rating real, said_at timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    who CONSTANT text := galcat_tap.require_labeller(token);
    at CONSTANT timestamptz := least(said_at, pg_catalog.clock_timestamp());
    last record;
BEGIN
    SELECT l.answer, l.rating, l.labelled_at INTO last FROM galcat.label AS l
    WHERE l.task = say.task AND l.object_id = say.object_id AND l.labeller = who
    ORDER BY l.label_id DESC LIMIT 1;
    -- The same said again after a lost connection changes nothing, nor does what is older than the last word.
    IF last.labelled_at >= at OR (FOUND AND (last.answer, last.rating) IS NOT DISTINCT FROM (say.answer, say.rating))
        OR (NOT FOUND AND say.answer IS NULL AND say.rating IS NULL) THEN
        RETURN false;
    END IF;
    INSERT INTO galcat.label (task, object_id, answer, rating, labeller, labelled_at, origin)
    VALUES (say.task, say.object_id, say.answer, say.rating, who, at, 'page');
    RETURN true;
END
$$;
COMMENT ON FUNCTION galcat_tap.say IS
    'Stores what who is logged in says of a galaxy, a class or a rating, or takes it back where both are NULL; false where it was said already.';

CREATE OR REPLACE FUNCTION galcat_tap.put_tag(token text, object_id bigint, tag text, is_withdrawn boolean)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    who CONSTANT text := galcat_tap.require_labeller(token);
BEGIN
    IF is_withdrawn <> EXISTS (
        SELECT FROM galcat.current_tag AS t
        WHERE t.tag = put_tag.tag AND t.object_id = put_tag.object_id AND t.labeller = who) THEN
        RETURN false;
    END IF;
    INSERT INTO galcat.tag (object_id, tag, is_withdrawn, labeller, origin)
    VALUES (put_tag.object_id, put_tag.tag, put_tag.is_withdrawn, who, 'page');
    RETURN true;
END
$$;
COMMENT ON FUNCTION galcat_tap.put_tag IS
    'Puts a tag on a galaxy in the name of who is logged in, or takes it off; false where that is so already.';

DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'galcat_tap'::regnamespace
            AND p.proname IN ('enter', 'leave', 'person_of', 'require_labeller', 'say', 'put_tag')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO galcat_owner', own);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO galcat_labeller', own);
    END LOOP;
END
$$;

COMMENT ON TABLE galcat_tap.person IS 'People who may log in to the page';
COMMENT ON COLUMN galcat_tap.person.name IS 'Under which labels and ratings are said [-]';
COMMENT ON COLUMN galcat_tap.person.role IS 'reader, or labeller who may also say labels [-]';
COMMENT ON COLUMN galcat_tap.person.link_digest IS 'SHA-256 of the secret in the one-time link; NULL once it was used [-]';
COMMENT ON COLUMN galcat_tap.person.link_until IS 'When the link loses its power [-]';
COMMENT ON COLUMN galcat_tap.person.created_at IS 'When the person was added [-]';
COMMENT ON TABLE galcat_tap.session IS 'Browsers in which somebody is logged in';
COMMENT ON COLUMN galcat_tap.session.token_digest IS 'SHA-256 of the secret in the cookie [-]';
COMMENT ON COLUMN galcat_tap.session.person IS 'Who is logged in [-]';
COMMENT ON COLUMN galcat_tap.session.ends_at IS 'When the session ends [-]';
