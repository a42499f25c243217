-- The columns that tasks have in galcat.galaxy, and the tables behind them: part of the only dynamic DDL.

CREATE OR REPLACE FUNCTION galcat.score_table(task text)
RETURNS text LANGUAGE sql STABLE SET search_path = ''
BEGIN ATOMIC
    SELECT 'task_score_t' || t.task_id FROM galcat.task AS t WHERE t.name = score_table.task;
END;
COMMENT ON FUNCTION galcat.score_table IS 'Name of the table, in galcat, that a task''s scores are in.';

CREATE OR REPLACE FUNCTION galcat.task_columns()
RETURNS TABLE (task text, class smallint, column_name text, value_name text, meaning text)
LANGUAGE sql STABLE SET search_path = ''
BEGIN ATOMIC
    WITH answer AS (
        SELECT t.task_id, t.name, t.kind, t.question, 0::smallint AS class, t.name AS stem, NULL AS answer
        FROM galcat.task AS t WHERE t.has_column AND t.kind = 'interest'
        UNION ALL
        SELECT t.task_id, t.name, t.kind, t.question, 2::smallint, t.name, t.classes[2]
        FROM galcat.task AS t WHERE t.has_column AND t.kind = 'binary'
        UNION ALL
        SELECT t.task_id, t.name, t.kind, t.question, c.i::smallint, t.name || '_' || c.class, c.class
        FROM galcat.task AS t, unnest(t.classes) WITH ORDINALITY AS c (class, i)
        WHERE t.has_column AND t.kind = 'classes'
    )
    SELECT a.name, a.class, a.stem || '_' || v.ending, v.value_name, v.meaning
    FROM answer AS a
    CROSS JOIN LATERAL (VALUES
        (1, CASE a.kind WHEN 'interest' THEN 'interest' ELSE 'probability' END, 'value',
            CASE a.kind WHEN 'interest' THEN 'Expected rating, 0 to 5, to: '
                ELSE 'Probability of ' || a.answer || ' to: ' END || a.question),
        (2, 'uncertainty', 'uncertainty', 'Standard deviation of ' || a.stem || '_'
            || CASE a.kind WHEN 'interest' THEN 'interest' ELSE 'probability' END)
    ) AS v (i, ending, value_name, meaning)
    ORDER BY a.task_id, a.class, v.i;
END;
COMMENT ON FUNCTION galcat.task_columns IS 'The columns of galcat.galaxy that tasks have, in their order.';

CREATE OR REPLACE FUNCTION galcat.task_columns_text()
RETURNS text LANGUAGE sql STABLE SET search_path = ''
BEGIN ATOMIC
    -- The version is a sub-select of its own: it is looked up once, and prunes the other versions' partitions.
    SELECT coalesce(string_agg(format(
        E',\n    (SELECT v.%1$I FROM galcat.%2$I AS v WHERE v.object_id = s.object_id AND v.class = %3$s'
        ' AND v.version_id = (SELECT n.version_id FROM galcat.task_version AS n WHERE n.task = %4$L AND n.is_current'
        ' AND n.release_id = (SELECT c.release_id FROM galcat.current_release AS c))) AS %5$I',
        c.value_name, galcat.score_table(c.task), c.class, c.task, c.column_name), '' ORDER BY c.ordinality), '')
    FROM galcat.task_columns() WITH ORDINALITY AS c;
END;
COMMENT ON FUNCTION galcat.task_columns_text IS 'The tasks'' part of galcat.galaxy. Part of build_galaxy_view().';
