-- How deep the vector index is searched, for everybody who asks this database, whatever server it is on.
-- The values and why: catalog/database/embedded/settings.py; a test keeps both the same.
-- Only the database's owner may set them; where that is somebody else, `galcat check` says what is missing.
DO $$
DECLARE
    setting text[];
BEGIN
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
