-- The extension and the schema everything lives in.
CREATE EXTENSION IF NOT EXISTS vector;
-- Where they are there already, nobody need have the right to make schemas; a dump may have been read in by another
-- login than theirs.
DO $$
DECLARE
    other record;
BEGIN
    IF to_regnamespace('galcat') IS NULL THEN
        CREATE SCHEMA galcat;
    END IF;
    FOR other IN
        SELECT n.nspname, w.owner FROM pg_catalog.pg_namespace AS n
        JOIN (VALUES ('galcat', 'galcat_owner'), ('galcat_tap', 'galcat_owner'), ('tap_schema', 'galcat_owner'),
            ('ivoa', 'galcat_owner'), ('tap_upload', 'galcat_uploads')) AS w (schema, owner) ON w.schema = n.nspname
        WHERE pg_catalog.pg_get_userbyid(n.nspowner) <> w.owner
    LOOP
        EXECUTE format('ALTER SCHEMA %I OWNER TO %I', other.nspname, other.owner);
    END LOOP;
END
$$;
COMMENT ON SCHEMA galcat IS 'A galaxy catalogue that understands images: positions, morphology, embeddings';

CREATE TABLE IF NOT EXISTS galcat.schema_history (
    file text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER TABLE galcat.schema_history OWNER TO galcat_owner;
COMMENT ON TABLE galcat.schema_history IS 'The sql/ files this database was built from, as last applied';
