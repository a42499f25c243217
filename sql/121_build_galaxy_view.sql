-- galcat.galaxy made anew when its columns change, with everything that stands on it: views and functions of ours and
-- of users, their owners, grants and comments.

CREATE OR REPLACE FUNCTION galcat.dependants_of_galaxy()
RETURNS TABLE (depth integer, is_view boolean, signature text, definition text)
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE edge AS (
        -- An object and what it stands on; a view stands on others through its rule, others on it also by its row type.
        SELECT CASE d.classid WHEN 'pg_rewrite'::regclass THEN 'pg_class'::regclass ELSE d.classid END AS class,
            CASE d.classid WHEN 'pg_rewrite'::regclass THEN r.ev_class ELSE d.objid END AS id,
            CASE d.refclassid WHEN 'pg_type'::regclass THEN y.typrelid ELSE d.refobjid END AS on_id,
            CASE d.refclassid WHEN 'pg_type'::regclass THEN 'pg_class'::regclass ELSE d.refclassid END AS on_class
        FROM pg_depend AS d
        LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        LEFT JOIN pg_type AS y ON d.refclassid = 'pg_type'::regclass AND y.oid = d.refobjid
        WHERE d.deptype = 'n' AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
    ), above AS (
        SELECT 'pg_class'::regclass AS class, 'galcat.galaxy'::regclass::oid AS id, 0 AS depth
        UNION ALL
        SELECT e.class, e.id, a.depth + 1
        FROM above AS a JOIN edge AS e ON e.on_class = a.class AND e.on_id = a.id
        WHERE (e.class, e.id) <> (a.class, a.id)
    ), latest AS (
        SELECT a.class, a.id, max(a.depth) AS depth FROM above AS a WHERE a.depth > 0 GROUP BY 1, 2
    )
    SELECT l.depth, l.class = 'pg_class'::regclass,
        CASE l.class WHEN 'pg_class'::regclass THEN l.id::regclass::text ELSE l.id::regprocedure::text END,
        CASE l.class WHEN 'pg_class'::regclass THEN galcat.view_definition(l.id) ELSE galcat.function_definition(l.id) END
    FROM latest AS l
    ORDER BY l.depth;
END
$$;
COMMENT ON FUNCTION galcat.dependants_of_galaxy IS 'What stands on galcat.galaxy, the nearest first, with the SQL that makes it again. Part of build_galaxy_view().';

CREATE OR REPLACE FUNCTION galcat.grants_text(kind text, signature text, grants aclitem[])
RETURNS text LANGUAGE sql STABLE SET search_path = ''
BEGIN ATOMIC
    SELECT coalesce(string_agg(format('GRANT %s ON %s %s TO %s%s;', a.privilege_type, kind, signature,
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' '), '')
    FROM aclexplode(grants) AS a;
END;
COMMENT ON FUNCTION galcat.grants_text IS 'The GRANTs that an access list amounts to. Part of build_galaxy_view().';

CREATE OR REPLACE FUNCTION galcat.view_definition(id oid)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
    made record;
    name text := id::regclass::text;
BEGIN
    SELECT c.relkind, c.relacl, pg_get_userbyid(c.relowner) AS owner, array_to_string(c.reloptions, ', ') AS options
    INTO made FROM pg_class AS c WHERE c.oid = id;
    -- What is not made again below is not lost: it must go by somebody's own hand.
    IF made.relkind <> 'v' OR EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = id) THEN
        RAISE EXCEPTION '% stands on galcat.galaxy, whose columns change: drop it, and make it again afterwards', name
            USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    RETURN format('CREATE VIEW %s%s AS %s ALTER VIEW %s OWNER TO %I; ', name, ' WITH (' || made.options || ')',
            pg_get_viewdef(id), name, made.owner)
        || galcat.grants_text('TABLE', name, made.relacl)
        || coalesce((SELECT string_agg(format('GRANT %s (%I) ON TABLE %s TO %s;', p.privilege_type, a.attname, name,
                CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE p.grantee::regrole::text END), ' ')
            FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS p WHERE a.attrelid = id), '')
        || coalesce((SELECT string_agg(format('COMMENT ON %s %s IS %L;',
                CASE d.objsubid WHEN 0 THEN 'VIEW' ELSE 'COLUMN' END,
                name || CASE d.objsubid WHEN 0 THEN '' ELSE '.' || quote_ident(a.attname) END, d.description), ' ')
            FROM pg_description AS d
            LEFT JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
            WHERE d.classoid = 'pg_class'::regclass AND d.objoid = id), '');
END
$$;
COMMENT ON FUNCTION galcat.view_definition IS 'The SQL that makes a view as it is: query, options, owner, grants, comments. Part of build_galaxy_view().';

CREATE OR REPLACE FUNCTION galcat.function_definition(id oid)
RETURNS text LANGUAGE sql STABLE SET search_path = ''
BEGIN ATOMIC
    SELECT format('%s; ALTER ROUTINE %s OWNER TO %I; ', pg_get_functiondef(id), id::regprocedure, pg_get_userbyid(p.proowner))
        || CASE WHEN p.proacl IS NULL THEN '' ELSE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC; ', id::regprocedure) END
        || galcat.grants_text('ROUTINE', id::regprocedure::text, p.proacl)
        || coalesce(format('COMMENT ON ROUTINE %s IS %L;', id::regprocedure, obj_description(id, 'pg_proc')), '')
    FROM pg_proc AS p WHERE p.oid = id;
END;
COMMENT ON FUNCTION galcat.function_definition IS 'The SQL that makes a function as it is: body, owner, grants, comment. Part of build_galaxy_view().';

CREATE OR REPLACE FUNCTION galcat.build_galaxy_view()
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    dependant record;
    grants aclitem[];
    made_again text[] := '{}';
    gone text[] := '{}';
BEGIN
    BEGIN
        EXECUTE 'CREATE OR REPLACE VIEW galcat.galaxy AS ' || galcat.galaxy_view_query();
        RETURN;
    EXCEPTION WHEN invalid_table_definition THEN
        NULL; -- a column is gone, or a new one stands before another: the view must go and come again
    END;
    SELECT c.relacl INTO grants FROM pg_class AS c WHERE c.oid = 'galcat.galaxy'::regclass;
    FOR dependant IN SELECT * FROM galcat.dependants_of_galaxy() LOOP
        made_again := made_again || dependant.definition;
        gone := format('DROP %s %s', CASE WHEN dependant.is_view THEN 'VIEW' ELSE 'ROUTINE' END, dependant.signature) || gone;
    END LOOP;
    FOR i IN 1..cardinality(gone) LOOP
        EXECUTE gone[i];
    END LOOP;
    DROP VIEW galcat.galaxy; -- not CASCADE: what is not known above stops it
    EXECUTE 'CREATE VIEW galcat.galaxy AS ' || galcat.galaxy_view_query();
    ALTER VIEW galcat.galaxy OWNER TO galcat_owner;
    EXECUTE coalesce(nullif(galcat.grants_text('TABLE', 'galcat.galaxy', grants), ''), 'SELECT');
    FOR i IN 1..cardinality(made_again) LOOP
        EXECUTE made_again[i];
    END LOOP;
END
$$;
COMMENT ON FUNCTION galcat.build_galaxy_view IS
    'Makes galcat.galaxy with today''s tasks; everything that stands on it is made again, or nothing changes. Comments of its columns: describe_columns(). Owner only.';

SELECT galcat.build_galaxy_view();
ALTER VIEW galcat.galaxy OWNER TO galcat_owner;
