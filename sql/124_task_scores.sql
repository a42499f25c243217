-- Scores of a task: a table a task, a partition a version, written whole and then shown. The rest of the dynamic DDL.

CREATE OR REPLACE FUNCTION galcat.prepare_scores(task text)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    scores text := galcat.score_table(task);
BEGIN
    PERFORM FROM galcat.task AS t WHERE t.name = task FOR NO KEY UPDATE; -- two at once would both make it
    IF to_regclass('galcat.' || scores) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE galcat.%I (version_id integer NOT NULL, class smallint NOT NULL, object_id bigint NOT NULL, '
            'value real NOT NULL, uncertainty real, PRIMARY KEY (version_id, class, object_id)) '
            'PARTITION BY LIST (version_id)', scores);
        EXECUTE format('ALTER TABLE galcat.%I OWNER TO galcat_owner', scores);
        EXECUTE format('GRANT SELECT ON galcat.%I TO galcat_reader, galcat_writer', scores);
        EXECUTE format('GRANT DELETE ON galcat.%I TO galcat_writer', scores); -- of galaxies whose vectors change
        EXECUTE format('COMMENT ON TABLE galcat.%I IS %L', scores, 'What the versions of task ' || task || ' say of each galaxy');
    END IF;
END
$$;
COMMENT ON FUNCTION galcat.prepare_scores IS 'Makes the table of a task''s scores, where there is none. Owner only.';

CREATE OR REPLACE FUNCTION galcat.show_task(task text)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    PERFORM galcat.prepare_scores(task);
    UPDATE galcat.task AS t SET has_column = true, is_dropped = false WHERE t.name = task;
    PERFORM galcat.build_galaxy_view();
    PERFORM galcat.describe_columns('galaxy');
END
$$;
COMMENT ON FUNCTION galcat.show_task IS 'Gives a task its columns in galcat.galaxy. Owner only.';

CREATE OR REPLACE FUNCTION galcat.hide_task(task text)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    UPDATE galcat.task AS t SET has_column = false, is_dropped = true WHERE t.name = task;
    UPDATE galcat.task_version AS n SET is_current = false WHERE n.task = hide_task.task AND n.is_current;
    PERFORM galcat.build_galaxy_view();
    EXECUTE format('DROP TABLE IF EXISTS galcat.%I', galcat.score_table(task));
    PERFORM galcat.describe_columns('galaxy');
END
$$;
COMMENT ON FUNCTION galcat.hide_task IS 'Takes a task''s columns and scores away; its labels and models stay. Owner only.';

CREATE OR REPLACE FUNCTION galcat.add_score_partition(id integer)
RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    scores text := (SELECT galcat.score_table(n.task) FROM galcat.task_version AS n WHERE n.version_id = id);
BEGIN
    -- Filled apart from the others, so that readers see nothing of it and are not in the way.
    EXECUTE format('CREATE TABLE galcat.%I (LIKE galcat.%I INCLUDING DEFAULTS)', scores || '_v' || id, scores);
    RETURN scores || '_v' || id;
END
$$;
COMMENT ON FUNCTION galcat.add_score_partition IS 'Makes the empty table of a version''s scores. Owner only.';

CREATE OR REPLACE FUNCTION galcat.show_version(id integer)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    shown record;
    scores text;
    filled text;
BEGIN
    SELECT n.task, n.release_id INTO shown FROM galcat.task_version AS n WHERE n.version_id = id;
    scores := galcat.score_table(shown.task);
    filled := scores || '_v' || id;
    EXECUTE format('ALTER TABLE galcat.%I ADD PRIMARY KEY (version_id, class, object_id)', filled);
    EXECUTE format('ALTER TABLE galcat.%I ADD CHECK (version_id = %s)', filled, id);
    EXECUTE format('CREATE INDEX ON galcat.%I (class, value)', filled);
    EXECUTE format('ANALYZE galcat.%I', filled);
    EXECUTE format('GRANT SELECT ON galcat.%I TO galcat_reader, galcat_writer', filled);
    EXECUTE format('ALTER TABLE galcat.%I ATTACH PARTITION galcat.%I FOR VALUES IN (%s)', scores, filled, id);
    UPDATE galcat.task_version AS n SET is_current = false
    WHERE n.task = shown.task AND n.release_id = shown.release_id AND n.is_current;
    UPDATE galcat.task_version AS n SET is_current = true WHERE n.version_id = id;
    PERFORM galcat.describe_columns('galaxy');
END
$$;
COMMENT ON FUNCTION galcat.show_version IS 'Puts a version''s scores, all written, in the place of the former ones. Owner only.';

CREATE OR REPLACE FUNCTION galcat.drop_old_scores(task text)
RETURNS integer LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    old record;
    dropped integer := 0;
BEGIN
    FOR old IN
        SELECT i.inhrelid::regclass::text AS name
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('galcat.' || galcat.score_table(drop_old_scores.task))
            AND NOT EXISTS (SELECT FROM galcat.task_version AS n
                WHERE n.is_current AND c.relname = galcat.score_table(n.task) || '_v' || n.version_id)
    LOOP
        EXECUTE 'DROP TABLE ' || old.name;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION galcat.drop_old_scores IS 'Drops the scores of versions that are no longer shown, or whose release is gone; models stay. Owner only.';

CREATE OR REPLACE FUNCTION galcat.most_probable(task text, n integer, class text DEFAULT NULL)
RETURNS TABLE (object_id bigint, probability real, uncertainty real)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 AS $$
#variable_conflict use_column
DECLARE
    asked record;
    place integer;
BEGIN
    SELECT t.kind, t.classes, t.has_column INTO asked FROM galcat.task AS t WHERE t.name = most_probable.task;
    IF n IS NULL OR n < 0 THEN
        RAISE EXCEPTION 'most_probable: % is no number of galaxies', coalesce(n::text, 'NULL') USING ERRCODE = '22023';
    ELSIF asked.kind IS NULL THEN
        RAISE EXCEPTION 'no task is called %', coalesce(most_probable.task, 'NULL') USING ERRCODE = 'no_data_found';
    ELSIF NOT asked.has_column THEN
        RAISE EXCEPTION 'task % has no scores', most_probable.task USING ERRCODE = 'no_data_found';
    END IF;
    place := CASE asked.kind WHEN 'interest' THEN 0 WHEN 'binary' THEN 2
        ELSE array_position(asked.classes, most_probable.class) END;
    IF place IS NULL OR (most_probable.class IS NOT NULL AND most_probable.class IS DISTINCT FROM asked.classes[place]) THEN
        RAISE EXCEPTION 'task %: % is none of its classes that have a column (%)', most_probable.task,
            coalesce(most_probable.class, 'NULL'), array_to_string(asked.classes, ', ') USING ERRCODE = '22023';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT v.object_id, v.value, v.uncertainty FROM galcat.%I AS v JOIN galcat.source AS s USING (object_id) '
        'WHERE v.class = $1 AND NOT s.is_retired AND v.version_id = (SELECT n.version_id FROM galcat.task_version AS n '
        'WHERE n.task = $2 AND n.is_current AND n.release_id = (SELECT galcat.current_release())) '
        'ORDER BY v.value DESC, v.object_id LIMIT $3', galcat.score_table(most_probable.task))
    USING place, most_probable.task, n;
END
$$;
COMMENT ON FUNCTION galcat.most_probable IS
    'The n galaxies for which a task''s probability (or interest) is highest, by its index: for several classes name one. Join it with galcat.galaxy for more columns.';

CREATE OR REPLACE FUNCTION galcat.forget_scores(release smallint, ids bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT n.version_id, galcat.score_table(n.task) AS scores, greatest(cardinality(t.classes), 2) AS classes
        FROM galcat.task_version AS n JOIN galcat.task AS t ON t.name = n.task
        WHERE n.is_current AND n.release_id = release AND to_regclass('galcat.' || galcat.score_table(n.task)) IS NOT NULL
    LOOP
        EXECUTE format('DELETE FROM galcat.%I WHERE version_id = $1 AND class BETWEEN 0 AND $2 AND object_id = ANY ($3)',
            shown.scores) USING shown.version_id, shown.classes, ids;
    END LOOP;
END
$$;
COMMENT ON FUNCTION galcat.forget_scores IS
    'Takes the scores of galaxies away whose vectors have changed, until their tasks score them again. Part of write_tile.';
