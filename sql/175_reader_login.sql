-- The login of strangers' queries, on a server whose socket asks nobody for a password: the embedded one.

CREATE OR REPLACE FUNCTION galcat_tap.let_readers_in()
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    IF NOT (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = 'galcat_public') THEN
        ALTER ROLE galcat_public LOGIN;
    END IF;
END
$$;
COMMENT ON FUNCTION galcat_tap.let_readers_in IS
    'Lets galcat_public log in. Elsewhere than on the embedded server an administrator does, with a password.';
REVOKE EXECUTE ON FUNCTION galcat_tap.let_readers_in FROM PUBLIC;
