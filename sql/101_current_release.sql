-- Which release is shown, said once: a view for views, which give it to whoever may read them, a function for all else.
-- Both stand in sub-selects: so the release is looked up once a query, and prunes the partitions of others.

CREATE OR REPLACE VIEW galcat.current_release AS
SELECT r.release_id, r.name FROM galcat.release AS r WHERE r.is_current;
ALTER VIEW galcat.current_release OWNER TO galcat_owner;
COMMENT ON VIEW galcat.current_release IS 'The release that galcat.galaxy shows.';
COMMENT ON COLUMN galcat.current_release.release_id IS 'Key of the release [-]';
COMMENT ON COLUMN galcat.current_release.name IS 'Name of the release [-]';

-- It reads the table, as strangers may: a search calls it with the rights of who asks.
CREATE OR REPLACE FUNCTION galcat.current_release()
RETURNS smallint LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT r.release_id FROM galcat.release AS r WHERE r.is_current);
COMMENT ON FUNCTION galcat.current_release IS 'The release that galcat.galaxy shows.';
