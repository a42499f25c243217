-- Everything of the catalogue belongs to galcat_owner, whoever made it, so that every member of that role can replace it.
-- What galcat_uploads made stays that role's, and views that users made in their own schemas stay theirs.
DO $$
DECLARE
    foreign_one record;
    schemas CONSTANT oid[] := ARRAY[
        'galcat'::regnamespace, 'galcat_tap'::regnamespace, 'tap_schema'::regnamespace, 'ivoa'::regnamespace];
BEGIN
    FOR foreign_one IN
        SELECT p.oid::regprocedure::text AS name FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = ANY (schemas) AND p.proowner <> 'galcat_owner'::regrole
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO galcat_owner', foreign_one.name);
    END LOOP;
    FOR foreign_one IN
        SELECT c.oid::regclass::text AS name, c.relkind = 'v' AS is_view FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = ANY (schemas) AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner <> 'galcat_owner'::regrole
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO galcat_owner',
            CASE WHEN foreign_one.is_view THEN 'VIEW' ELSE 'TABLE' END, foreign_one.name);
    END LOOP;
END
$$;
