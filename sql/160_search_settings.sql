-- How deep the vector index is searched, for everybody who asks this database, whatever server it is on.
-- The values and why: catalog/database/embedded/settings.py; a test keeps both the same.
-- Only the database's owner may set them; where that is somebody else, `galcat check` says what is missing, and
-- `galcat init --plan` what an administrator runs. No dump carries them: migrate() runs this file again where they are
-- not in force.
DO $$
DECLARE
    setting text[];
BEGIN
    -- Who is no superuser may set only what a loaded library knows: a vector loads it.
    EXECUTE (SELECT format('SELECT ''[1]''::%I.vector', n.nspname) FROM pg_catalog.pg_extension AS e
        JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'vector');
    FOREACH setting SLICE 1 IN ARRAY ARRAY[
        ['hnsw.ef_search', '100'],
        ['hnsw.iterative_scan', 'strict_order'],
        ['hnsw.max_scan_tuples', '100000'],
        ['hnsw.scan_mem_multiplier', '4']
    ] LOOP
        EXECUTE format('ALTER DATABASE %I SET %s = %L', current_database(), setting[1], setting[2]);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'the search settings are not set: %', SQLERRM;
END
$$;
