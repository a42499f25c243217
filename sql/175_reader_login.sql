-- The login of strangers' queries, on a server whose socket asks nobody for a password: the embedded one.

CREATE OR REPLACE FUNCTION galcat_tap.let_readers_in()
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    -- Another database of this cluster may alter the same role at this moment: then look again.
    FOR attempt IN 1..50 LOOP
        BEGIN
            IF NOT (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = 'galcat_public') THEN
                ALTER ROLE galcat_public LOGIN;
            END IF;
            RETURN;
        EXCEPTION WHEN internal_error THEN
            PERFORM pg_sleep(0.02);
        END;
    END LOOP;
    RAISE EXCEPTION 'galcat_public cannot be let in: others keep altering the role';
END
$$;
COMMENT ON FUNCTION galcat_tap.let_readers_in IS
    'Lets galcat_public log in. Elsewhere than on the embedded server an administrator does, with a password.';
REVOKE EXECUTE ON FUNCTION galcat_tap.let_readers_in FROM PUBLIC;
