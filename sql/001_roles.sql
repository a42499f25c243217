-- The four roles. Roles belong to the cluster, so another database may be making them at this moment.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['galcat_owner', 'galcat_writer', 'galcat_reader', 'galcat_labeller'] LOOP
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
