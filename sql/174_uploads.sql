-- Tables that come with queries: part of the only dynamic DDL. They are made as galcat_uploads, which owns nothing else;
-- who keeps the service fills them. A name holds its time of birth, so that what a crash left can be found.

CREATE OR REPLACE FUNCTION tap_upload.job_mark(job text)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = ''
BEGIN ATOMIC
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(job, 'UTF8')), 'hex');
END;
COMMENT ON FUNCTION tap_upload.job_mark IS
    'What a table''s comment says of its job: every login may read that, and who knows a job''s id may do all with it.';

CREATE OR REPLACE FUNCTION tap_upload.make_table(types text[], job text)
RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    name text := pg_catalog.format('u_%s_%s', pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp())),
        pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''));
    columns text;
BEGIN
    IF pg_catalog.cardinality(types) = 0 OR NOT types <@ ARRAY[
        'boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'text', 'timestamp',
        'boolean[]', 'smallint[]', 'integer[]', 'bigint[]', 'real[]', 'double precision[]'
    ] THEN
        RAISE EXCEPTION 'make_table: % are not the types of a table''s columns', types USING ERRCODE = '22023';
    END IF;
    SELECT pg_catalog.string_agg(pg_catalog.format('c%s %s', t.i, t.type), ', ' ORDER BY t.i) INTO columns
    FROM pg_catalog.unnest(types) WITH ORDINALITY AS t (type, i);
    EXECUTE pg_catalog.format('CREATE TABLE tap_upload.%I (%s)', name, columns);
    EXECUTE pg_catalog.format('COMMENT ON TABLE tap_upload.%I IS %L', name, tap_upload.job_mark(job));
    EXECUTE pg_catalog.format('GRANT INSERT ON tap_upload.%I TO galcat_writer', name);
    RETURN name;
END
$$;
COMMENT ON FUNCTION tap_upload.make_table IS
    'Makes an empty table with columns c1, c2, ... of these types, for a job or none; returns its name.';

CREATE OR REPLACE FUNCTION tap_upload.finish_table(name text, ra text, "dec" text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    EXECUTE pg_catalog.format('REVOKE INSERT ON tap_upload.%I FROM galcat_writer', name);
    EXECUTE pg_catalog.format('GRANT SELECT ON tap_upload.%I TO galcat_public', name);
    IF ra IS NOT NULL AND "dec" IS NOT NULL THEN
        EXECUTE pg_catalog.format(
            'CREATE INDEX ON tap_upload.%I USING gist (pg_catalog.point(%I::double precision, %I::double precision))',
            name, ra, "dec");
    END IF;
    EXECUTE pg_catalog.format('ANALYZE tap_upload.%I', name);
END
$$;
COMMENT ON FUNCTION tap_upload.finish_table IS
    'Makes a filled table ready for queries: read-only, with an index on the sky where it has positions.';

-- A query that Postgres cannot end keeps its tables: whoever would drop one does not wait for it.
CREATE OR REPLACE FUNCTION tap_upload.drop_table(name text)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
BEGIN
    EXECUTE pg_catalog.format('DROP TABLE IF EXISTS tap_upload.%I', name);
END
$$;
COMMENT ON FUNCTION tap_upload.drop_table IS 'Removes a table that came with a query, if it is there.';

CREATE OR REPLACE FUNCTION tap_upload.stale_tables(older_than timestamptz)
RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    SELECT c.relname::text
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'tap_upload'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^u_\d+_[0-9a-f]{32}$'
        AND pg_catalog.to_timestamp(pg_catalog.split_part(c.relname, '_', 2)::double precision) < older_than
        AND NOT EXISTS (
            SELECT FROM galcat_tap.job AS j
            WHERE j.phase IN ('PENDING', 'QUEUED', 'EXECUTING')
                AND pg_catalog.obj_description(c.oid, 'pg_class') IN (j.job_id, tap_upload.job_mark(j.job_id)))
    ORDER BY c.relname;
END;
COMMENT ON FUNCTION tap_upload.stale_tables IS
    'Tables of tap_upload that were made before a time, and whose job has ended, is gone or never was.';

DO $$
DECLARE
    marked record;
BEGIN
    FOR marked IN
        SELECT c.relname, j.job_id FROM pg_catalog.pg_class AS c
        JOIN galcat_tap.job AS j ON j.job_id = pg_catalog.obj_description(c.oid, 'pg_class')
        WHERE c.relnamespace = 'tap_upload'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('COMMENT ON TABLE tap_upload.%I IS %L', marked.relname, tap_upload.job_mark(marked.job_id));
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA galcat_tap TO galcat_uploads;
GRANT SELECT (job_id, phase) ON galcat_tap.job TO galcat_uploads;
GRANT USAGE ON SCHEMA tap_upload TO galcat_writer;
DO $$
DECLARE
    own regprocedure;
BEGIN
    FOR own IN SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'tap_upload'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO galcat_uploads', own);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', own);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO galcat_writer', own);
    END LOOP;
END
$$;
