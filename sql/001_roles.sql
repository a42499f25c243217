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
    END LOOP;
END
$$;

-- Who may act as whom. The owner may act as every other role, so that whoever is a member of galcat_owner alone can
-- bring the catalogue up to date. From Postgres 16 on, who makes a role may give it away and not act as it: a login
-- that is no superuser grants itself what it needs. catalog/database/privileges.py asks for the same memberships.
DO $$
DECLARE
    version CONSTANT integer := pg_catalog.current_setting('server_version_num')::integer;
    how CONSTANT text := CASE WHEN version >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
    acting CONSTANT text := CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['galcat_writer', 'galcat_owner'], ['galcat_reader', 'galcat_owner'], ['galcat_labeller', 'galcat_owner'],
        ['galcat_public', 'galcat_owner'], ['galcat_uploads', 'galcat_owner'], ['galcat_reader', 'galcat_labeller'],
        ['galcat_owner', current_user::text]
    ] LOOP
        FOR attempt IN 1..100 LOOP
            -- A superuser is a member of every role.
            EXIT WHEN pg_catalog.pg_has_role(pair[2], pair[1], 'USAGE') AND pg_catalog.pg_has_role(pair[2], pair[1], acting);
            BEGIN
                EXECUTE pg_catalog.format('GRANT %I TO %I%s', pair[1], pair[2], how);
                EXIT;
            EXCEPTION WHEN internal_error OR unique_violation THEN -- tuple concurrently updated
                PERFORM pg_catalog.pg_sleep(0.05);
            END;
        END LOOP;
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
