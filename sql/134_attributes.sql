-- Likeness in some attributes alone, in all but some, or with an own weight for each of the 40 axes.
-- An attribute's axis points from the mean vector of the quarter of galaxies that have least of it to that of the
-- quarter that have most: without its component along the axis, a vector tells nothing more of it, as far as a
-- straight line can tell (Ravfogel et al. 2022).

CREATE OR REPLACE FUNCTION galcat.attribute_values()
RETURNS TABLE (attribute text, value_text text, asked_text text) LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT v.* FROM (VALUES
        ('disk', 'm.smooth_or_featured_featured_or_disk_fraction', '1'),
        ('edge_on', 'm.disk_edge_on_yes_fraction', 'm.smooth_or_featured_featured_or_disk_fraction'),
        ('arms', 'm.has_spiral_arms_yes_fraction', 'm.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction'),
        ('bar', 'm.bar_strong_fraction + m.bar_weak_fraction',
            'm.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction'),
        ('bulge', 'm.bulge_size_dominant_fraction + m.bulge_size_large_fraction',
            'm.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction'),
        ('roundness', 'm.how_rounded_round_fraction', 'm.smooth_or_featured_smooth_fraction'),
        ('disturbance', '1 - m.merging_none_fraction', '1'),
        ('colour', 's.mag_g - s.mag_r', '1')) AS v;
END;
COMMENT ON FUNCTION galcat.attribute_values IS
    'The attributes that likeness can be limited to: what measures each, and the share of volunteers who would be asked.';

CREATE OR REPLACE FUNCTION galcat.measure_attributes(release smallint)
RETURNS integer LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
DECLARE
    measured record;
    n integer := 0;
BEGIN
    DELETE FROM galcat.attribute_axis AS a WHERE a.release_id = release;
    FOR measured IN SELECT v.* FROM galcat.attribute_values() AS v LOOP
        -- Ids are hashes, so the lowest are a random sample. A quarter of fewer than 20 galaxies tells nothing.
        EXECUTE format(
            'WITH sample AS MATERIALIZED (SELECT e.search, (%s)::float8 AS value FROM galcat.embedding AS e '
            'JOIN galcat.morphology AS m ON m.object_id = e.object_id AND m.release_id = e.release_id '
            'JOIN galcat.source AS s ON s.object_id = e.object_id WHERE e.release_id = $1 AND %s >= 0.5 '
            'AND NOT s.is_retired ORDER BY e.object_id LIMIT 20000), '
            'known AS (SELECT * FROM sample AS s WHERE s.value IS NOT NULL AND s.value < ''infinity''), '
            'ends AS (SELECT percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY k.value) AS q, count(*) AS galaxies FROM known AS k), '
            'means AS (SELECT public.avg(k.search) FILTER (WHERE k.value >= e.q[2]) AS high, '
            'public.avg(k.search) FILTER (WHERE k.value <= e.q[1]) AS low, min(e.galaxies) AS galaxies '
            'FROM known AS k CROSS JOIN ends AS e WHERE e.q[1] < e.q[2] AND e.galaxies >= 80) '
            'INSERT INTO galcat.attribute_axis (release_id, attribute, axis, galaxies) '
            'SELECT $1, $2, public.l2_normalize((m.high OPERATOR(public.-) m.low)::public.halfvec(40)), m.galaxies '
            'FROM means AS m WHERE m.high IS NOT NULL AND m.high OPERATOR(public.<>) m.low',
            measured.value_text, measured.asked_text)
        USING release, measured.attribute;
        n := n + CASE WHEN FOUND THEN 1 ELSE 0 END;
    END LOOP;
    RETURN n;
END
$$;
COMMENT ON FUNCTION galcat.measure_attributes IS
    'Finds the axes of attributes of a release anew, on at most 20,000 galaxies each; returns how many it has. Part of build_search_index(). Owner only.';

CREATE OR REPLACE FUNCTION galcat.attribute_basis(attributes text[])
RETURNS public.vector[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
#variable_conflict use_variable
DECLARE
    attribute text;
    axis public.vector;
    one public.vector;
    basis public.vector[] := '{}';
BEGIN
    IF coalesce(cardinality(attributes), 0) = 0 THEN
        RAISE EXCEPTION 'likeness in no attribute: name some of %',
            (SELECT string_agg(v.attribute, ', ') FROM galcat.attribute_values() AS v) USING ERRCODE = '22023';
    END IF;
    FOREACH attribute IN ARRAY attributes LOOP
        SELECT a.axis::public.vector INTO axis FROM galcat.attribute_axis AS a
        WHERE a.attribute = attribute AND a.release_id = (SELECT galcat.current_release());
        IF axis IS NULL THEN
            RAISE EXCEPTION 'no attribute is called % in this catalogue: it has %', coalesce(attribute, 'NULL'), coalesce(
                (SELECT string_agg(a.attribute, ', ' ORDER BY a.attribute) FROM galcat.attribute_axis AS a
                    WHERE a.release_id = (SELECT galcat.current_release())), 'none') USING ERRCODE = '22023';
        END IF;
        -- Twice, for a component that rounding left: Gram-Schmidt.
        FOR i IN 1..2 LOOP
            FOREACH one IN ARRAY basis LOOP
                axis := axis OPERATOR(public.-)
                    (one OPERATOR(public.*) array_fill(public.inner_product(axis, one)::real, ARRAY[40])::public.vector);
            END LOOP;
        END LOOP;
        IF public.vector_norm(axis) > 1e-3 THEN -- else it is named twice, or lies among the others
            basis := basis || public.l2_normalize(axis);
        END IF;
    END LOOP;
    RETURN basis;
END
$$;
COMMENT ON FUNCTION galcat.attribute_basis IS
    'Perpendicular unit vectors that span the axes of some attributes, in the current release; an unknown attribute is an error.';

CREATE OR REPLACE FUNCTION galcat.vector_in(vector public.halfvec, attributes text[])
RETURNS public.halfvec LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT public.sum(b.one OPERATOR(public.*)
        array_fill(public.inner_product(vector::public.vector, b.one)::real, ARRAY[40])::public.vector)::public.halfvec(40)
    FROM unnest((SELECT galcat.attribute_basis(attributes))) AS b (one);
END;
COMMENT ON FUNCTION galcat.vector_in IS 'What a search vector says of some attributes, such as ARRAY[''bar'', ''arms'']: its component along their axes.';

CREATE OR REPLACE FUNCTION galcat.vector_mixed(wanted bigint, attributes text[], other bigint DEFAULT NULL)
RETURNS public.halfvec LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT v.own OPERATOR(public.-) galcat.vector_in(v.own, attributes)
        OPERATOR(public.+) CASE WHEN other IS NULL THEN array_fill(0::real, ARRAY[40])::public.halfvec(40)
            ELSE galcat.vector_in(galcat.vector_of(other), attributes) END
    FROM (SELECT galcat.vector_of(wanted)) AS v (own);
END;
COMMENT ON FUNCTION galcat.vector_mixed IS
    'Search vector of a galaxy with some attributes of another, or without any of its own where no other is named: ORDER BY search <-> (SELECT galcat.vector_mixed(123, ARRAY[''bar''], 456)) finds galaxies like 123 with the bar of 456, by the index.';

CREATE OR REPLACE FUNCTION galcat.similar_in(id bigint, attributes text[], n integer)
RETURNS TABLE (object_id bigint, distance double precision)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 AS $$
DECLARE
    wanted public.halfvec := galcat.vector_of(id);
    basis public.vector[] := galcat.attribute_basis(attributes);
    apart text;
BEGIN
    apart := (SELECT string_agg(format(
            '(public.inner_product(e.search::public.vector, %L::public.vector) - %s::float8) ^ 2', b.one,
            public.inner_product(wanted::public.vector, b.one)), ' + ')
        FROM unnest(basis) AS b (one));
    RETURN QUERY EXECUTE format(
        'SELECT e.object_id, sqrt(%s) FROM galcat.embedding AS e '
        'WHERE e.release_id = (SELECT galcat.current_release()) AND e.object_id <> $1 ORDER BY 2, 1 LIMIT $2', apart)
    USING id, n;
END
$$;
COMMENT ON FUNCTION galcat.similar_in IS
    'The n galaxies most like one in some attributes, whatever they look like else: similar_in(123, ARRAY[''colour''], 20). It compares all galaxies. BEFORE outer filters act.';

CREATE OR REPLACE FUNCTION galcat.similar_weighted(id bigint, weights real[], n integer)
RETURNS TABLE (object_id bigint, distance double precision)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 100 AS $$
DECLARE
    factors public.halfvec;
    weighted public.halfvec;
BEGIN
    IF cardinality(weights) IS DISTINCT FROM 40 OR EXISTS (
            SELECT FROM unnest(weights) AS w (x) WHERE NOT coalesce(w.x >= 0 AND w.x <= 100, false)) THEN
        RAISE EXCEPTION 'similar_weighted: 40 weights from 0 to 100 are wanted, one an axis; these are %', coalesce(cardinality(weights), 0)
            USING ERRCODE = '22023';
    END IF;
    factors := weights::public.halfvec(40);
    weighted := galcat.vector_of(id) OPERATOR(public.*) factors;
    RETURN QUERY
    SELECT e.object_id, (e.search OPERATOR(public.*) factors) OPERATOR(public.<->) weighted
    FROM galcat.embedding AS e
    WHERE e.release_id = (SELECT galcat.current_release()) AND e.object_id <> id
    ORDER BY 2, 1
    LIMIT n;
END
$$;
COMMENT ON FUNCTION galcat.similar_weighted IS
    'The n galaxies most like one when each of the 40 axes counts with a weight of its own, 1 as it is. It compares all galaxies. BEFORE outer filters act.';
