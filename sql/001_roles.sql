-- The roles. They belong to the cluster, so another database may be making them at this moment.
-- galcat_public runs the queries of strangers; galcat_uploads makes the tables that come with them.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'galcat_owner', 'galcat_writer', 'galcat_reader', 'galcat_labeller', 'galcat_public', 'galcat_uploads'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by another database of this cluster since we looked
            END;
        END IF;
        -- The connected user takes these roles; a superuser need not be told.
        IF NOT pg_catalog.pg_has_role(current_user, wanted, 'MEMBER') THEN
            EXECUTE pg_catalog.format('GRANT %I TO CURRENT_USER', wanted);
        END IF;
    END LOOP;
END
$$;

-- What a stranger's session begins with. They hold where galcat_public itself logs in, not for its members.
-- temp_file_limit ends a query that would fill the disk; only a superuser may set it.
DO $$
DECLARE
    setting text[];
BEGIN
    FOREACH setting SLICE 1 IN ARRAY ARRAY[
        ['default_transaction_read_only', 'on'],
        ['search_path', ''],
        ['statement_timeout', '60s'],
        ['temp_file_limit', '4GB']
    ] LOOP
        FOR attempt IN 1..100 LOOP
            -- What is set already is left alone: databases that migrate at once would be in each other's way.
            EXIT WHEN EXISTS (
                SELECT FROM pg_catalog.pg_roles AS r
                WHERE r.rolname = 'galcat_public' AND r.rolconfig @> ARRAY[
                    setting[1] || '=' || CASE setting[2] WHEN '' THEN '""' ELSE setting[2] END]);
            BEGIN
                EXECUTE pg_catalog.format('ALTER ROLE galcat_public SET %s = %L', setting[1], setting[2]);
            EXCEPTION
                WHEN insufficient_privilege THEN
                    RAISE NOTICE 'galcat_public is without %: %', setting[1], SQLERRM;
                    EXIT;
                WHEN internal_error OR unique_violation THEN -- tuple concurrently updated
                    PERFORM pg_catalog.pg_sleep(0.05);
            END;
        END LOOP;
    END LOOP;
END
$$;
