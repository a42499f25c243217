-- Lists in: positions to match with the catalogue, galaxies to search by together.

CREATE OR REPLACE FUNCTION galcat.crossmatch(
    ra double precision[], "dec" double precision[], radius_deg double precision, nearest boolean DEFAULT true)
RETURNS TABLE (position_number integer, object_id bigint, distance double precision)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1000 AS $$
DECLARE
    wrong integer;
BEGIN
    IF cardinality(ra) IS DISTINCT FROM cardinality("dec") THEN
        RAISE EXCEPTION 'crossmatch: % right ascensions, but % declinations',
            coalesce(cardinality(ra), 0), coalesce(cardinality("dec"), 0) USING ERRCODE = '22023';
    ELSIF NOT coalesce(radius_deg >= 0 AND radius_deg <= 180, false) THEN
        RAISE EXCEPTION 'crossmatch: radius % is not between 0 and 180 degrees', coalesce(radius_deg::text, 'NULL')
            USING ERRCODE = '22023';
    END IF;
    SELECT p.i INTO wrong
    FROM unnest(ra, "dec") WITH ORDINALITY AS p (a, d, i)
    WHERE NOT coalesce(p.a >= -360 AND p.a <= 720 AND p.d >= -90 AND p.d <= 90, false) ORDER BY p.i LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'crossmatch: position % is (%, %), nowhere on the sky in degrees', wrong,
            coalesce(ra[wrong]::text, 'NULL'), coalesce("dec"[wrong]::text, 'NULL') USING ERRCODE = '22023';
    END IF;
    RETURN QUERY
    SELECT p.i::integer, m.object_id, m.distance
    FROM unnest(ra, "dec") WITH ORDINALITY AS p (a, d, i)
    CROSS JOIN LATERAL (
        SELECT g.object_id, galcat.sky_distance(g.ra, g.dec, p.a, p.d) AS distance
        FROM galcat.galaxy AS g
        WHERE galcat.cone(g.ra, g.dec, p.a, p.d, radius_deg)
        ORDER BY 2, 1
        LIMIT CASE WHEN nearest THEN 1 END) AS m
    ORDER BY p.i, m.distance, m.object_id;
END
$$;
COMMENT ON FUNCTION galcat.crossmatch IS
    'Galaxies within radius_deg of each of many positions (ICRS degrees), numbered from 1: the nearest, or with nearest := false all of them, with their distance [deg]. A position without a galaxy has no row.';

CREATE OR REPLACE FUNCTION galcat.vector_of_many(wanted bigint[], unwanted bigint[] DEFAULT '{}')
RETURNS public.halfvec LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    centre public.vector;
    away public.vector;
    half CONSTANT public.vector := array_fill(0.5::real, ARRAY[40])::public.vector;
BEGIN
    IF coalesce(cardinality(wanted), 0) = 0 THEN
        RAISE EXCEPTION 'similar_to_many: no galaxy is wanted' USING ERRCODE = '22023';
    END IF;
    SELECT public.avg(galcat.vector_of(w)::public.vector) INTO centre FROM unnest(wanted) AS w;
    IF coalesce(cardinality(unwanted), 0) = 0 THEN
        RETURN centre::public.halfvec;
    END IF;
    SELECT public.avg(galcat.vector_of(u)::public.vector) INTO away FROM unnest(unwanted) AS u;
    -- Rocchio's: from the mean of the wanted, half as far again from the mean of the unwanted.
    RETURN (centre OPERATOR(public.+) ((centre OPERATOR(public.-) away) OPERATOR(public.*) half))::public.halfvec;
END
$$;
COMMENT ON FUNCTION galcat.vector_of_many IS
    'Search vector between several galaxies, moved away from unwanted ones by half their distance. An unknown id is an error.';

CREATE OR REPLACE FUNCTION galcat.similar_to_many(wanted bigint[], unwanted bigint[], n integer)
RETURNS TABLE (object_id bigint, distance double precision) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT e.object_id, e.search OPERATOR(public.<->) (SELECT galcat.vector_of_many(wanted, unwanted))
    FROM galcat.embedding AS e
    WHERE e.release_id = (SELECT galcat.current_release())
        AND NOT e.object_id = ANY (wanted)
        AND NOT e.object_id = ANY (coalesce(unwanted, '{}'))
    ORDER BY e.search OPERATOR(public.<->) (SELECT galcat.vector_of_many(wanted, unwanted))
    LIMIT n;
END;
COMMENT ON FUNCTION galcat.similar_to_many IS
    'The n galaxies most like all the wanted and unlike the unwanted, without any of them, BEFORE outer filters act.';

CREATE OR REPLACE FUNCTION galcat.records_of(id bigint, radius_deg double precision DEFAULT 3 / 3600.0)
RETURNS TABLE (object_id bigint, distance double precision) LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT o.object_id, galcat.sky_distance(o.ra, o.dec, g.ra, g.dec)
    FROM galcat.galaxy AS g
    JOIN galcat.galaxy AS o ON galcat.cone(o.ra, o.dec, g.ra, g.dec, radius_deg)
    WHERE g.object_id = id AND (o.survey <> g.survey OR o.tile <> g.tile);
END;
COMMENT ON FUNCTION galcat.records_of IS
    'Other records of a galaxy: what lies within 3 arcsec of it in another tile or survey, with the distance [deg]. To leave them out: WHERE object_id NOT IN (SELECT object_id FROM galcat.records_of(123)).';
