-- What changes of a galaxy's position, magnitudes, votes or vector, whoever writes: a row a statement, in its transaction.
-- Galaxies held in memory (catalog/search/memory) are brought up to date by it. What goes is not told: whoever holds a
-- galaxy asks the database whether it is still there.

CREATE OR REPLACE FUNCTION galcat.tell_change()
RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO galcat.galaxy_change (changed_ids)
    SELECT CASE WHEN count(*) <= 50000 THEN array_agg(c.object_id) END FROM changed AS c HAVING count(*) > 0;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION galcat.tell_change IS 'Trigger: tells which galaxies a statement changed.';
REVOKE EXECUTE ON FUNCTION galcat.tell_change FROM PUBLIC;

CREATE OR REPLACE FUNCTION galcat.tell_changes_of(relation regclass)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER tell_inserted AFTER INSERT ON %s REFERENCING NEW TABLE AS changed '
        'FOR EACH STATEMENT EXECUTE FUNCTION galcat.tell_change()', relation);
    EXECUTE format('CREATE OR REPLACE TRIGGER tell_updated AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed '
        'FOR EACH STATEMENT EXECUTE FUNCTION galcat.tell_change()', relation);
END
$$;
COMMENT ON FUNCTION galcat.tell_changes_of IS 'Makes the triggers that tell of changes in a table. Owner only.';

-- A statement on a partitioned table fires its triggers alone, one on a partition the partition's.
SELECT galcat.tell_changes_of(t.relation) FROM (
    VALUES ('galcat.source'::regclass), ('galcat.embedding'), ('galcat.morphology')
    UNION ALL
    SELECT i.inhrelid::regclass FROM pg_catalog.pg_inherits AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
    WHERE i.inhparent IN ('galcat.embedding'::regclass, 'galcat.morphology'::regclass)) AS t (relation)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = t.relation AND g.tgname = 'tell_updated');

CREATE OR REPLACE FUNCTION galcat.forget_changes(kept_rows integer DEFAULT 5000)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    IF (SELECT count(*) FROM galcat.galaxy_change) > kept_rows THEN
        -- Whoever holds galaxies may not have seen what goes here: they read everything anew.
        DELETE FROM galcat.galaxy_change;
        INSERT INTO galcat.galaxy_change (changed_ids) VALUES (NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION galcat.forget_changes IS
    'Shortens the list of changes where it has more rows than are kept; whoever holds galaxies in memory reads them anew. Owner only.';
