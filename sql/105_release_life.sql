-- The life of a release after it was made: what it still lacks, and its end.

CREATE OR REPLACE FUNCTION galcat.missing_tiles(release smallint)
RETURNS TABLE (tile_id bigint) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT shown.tile_id
    FROM galcat.ingestion AS shown
    WHERE release <> (SELECT galcat.current_release()) -- else not a row is looked at
        AND shown.release_id = (SELECT galcat.current_release())
        AND (shown.state = 'done' OR shown.n_galaxies > 0) -- a tile that failed keeps the galaxies it had
        AND NOT EXISTS (
            SELECT FROM galcat.ingestion AS own
            WHERE own.tile_id = shown.tile_id AND own.release_id = release AND own.state = 'done'
                AND (shown.state = 'failed' OR own.content_hash = shown.content_hash))
    UNION ALL
    -- The current release may have been promoted before it was whole: what others have is missing in it.
    SELECT DISTINCT other.tile_id
    FROM galcat.ingestion AS other
    WHERE release = (SELECT galcat.current_release())
        AND other.release_id <> release
        AND (other.state = 'done' OR other.n_galaxies > 0)
        AND NOT EXISTS (
            SELECT FROM galcat.ingestion AS own
            WHERE own.tile_id = other.tile_id AND own.release_id = release
                AND (own.state = 'done' OR own.n_galaxies > 0));
END;
COMMENT ON FUNCTION galcat.missing_tiles IS
    'Tiles that the current release shows and this one lacks, or has from older files; of the current release itself, tiles that another release has and it has not.';

CREATE OR REPLACE FUNCTION galcat.drop_release(release smallint)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    PERFORM FROM galcat.release AS r WHERE r.release_id = release AND NOT r.is_current FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'release % is the current one, or there is none', release USING ERRCODE = '55006';
    END IF;
    EXECUTE format('DROP TABLE galcat.embedding_r%1$s, galcat.embedding_full_r%1$s, galcat.morphology_r%1$s', release);
    DELETE FROM galcat.ingestion AS i WHERE i.release_id = release; -- skipped_row follows
    DELETE FROM galcat.release AS r WHERE r.release_id = release; -- with its versions of tasks
    PERFORM galcat.drop_old_scores(t.name) FROM galcat.task AS t WHERE t.has_column;
END
$$;
COMMENT ON FUNCTION galcat.drop_release IS
    'Removes a release that is not the current one, with all its vectors, in the caller''s transaction. Owner only.';

REVOKE EXECUTE ON FUNCTION galcat.drop_release FROM PUBLIC;
ALTER FUNCTION galcat.drop_release OWNER TO galcat_owner;
