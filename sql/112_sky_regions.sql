-- Boxes and polygons on the sky: ICRS degrees in, true or false out, by the index that serves cones.
-- The plpgsql functions are IMMUTABLE: of a constant region they are evaluated once, while the query is planned.

CREATE OR REPLACE FUNCTION galcat.sky_box(
    ra_min double precision, ra_max double precision, dec_min double precision, dec_max double precision, turn integer)
RETURNS box LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF ra_min IS NULL OR ra_max IS NULL OR dec_min IS NULL OR dec_max IS NULL THEN
        RETURN NULL;
    END IF;
    -- NaN sorts above every number in Postgres, so these tests refuse it too.
    IF NOT (ra_min >= 0 AND ra_min <= 360) THEN
        RAISE EXCEPTION 'in_box: right ascension % is not between 0 and 360 degrees', ra_min USING ERRCODE = '22023';
    ELSIF NOT (ra_max >= 0 AND ra_max <= 360) THEN
        RAISE EXCEPTION 'in_box: right ascension % is not between 0 and 360 degrees', ra_max USING ERRCODE = '22023';
    ELSIF NOT (dec_min >= -90 AND dec_min <= 90) THEN
        RAISE EXCEPTION 'in_box: declination % is not between -90 and 90 degrees', dec_min USING ERRCODE = '22023';
    ELSIF NOT (dec_max >= dec_min AND dec_max <= 90) THEN
        RAISE EXCEPTION 'in_box: declination % is not between % and 90 degrees', dec_max, dec_min USING ERRCODE = '22023';
    END IF;
    IF ra_min <= ra_max THEN
        RETURN box(point(ra_min, dec_min), point(ra_max, dec_max));
    END IF;
    RETURN CASE turn
        WHEN 0 THEN box(point(ra_min, dec_min), point(360, dec_max))
        ELSE box(point(0, dec_min), point(ra_max, dec_max))
    END;
END
$$;
COMMENT ON FUNCTION galcat.sky_box IS
    'Box in (ra, dec) degrees; of one over ra = 0 the part west of it (turn 0) or east of it (turn 1). Part of in_box().';

CREATE OR REPLACE FUNCTION galcat.in_box(
    ra double precision, "dec" double precision, -- dec is a type name in SQL
    ra_min double precision, ra_max double precision, dec_min double precision, dec_max double precision)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(ra, dec) <@ galcat.sky_box(ra_min, ra_max, dec_min, dec_max, 0)
    OR point(ra, dec) <@ galcat.sky_box(ra_min, ra_max, dec_min, dec_max, 1);
COMMENT ON FUNCTION galcat.in_box IS
    'True where (ra, dec) lies between two right ascensions, eastwards from ra_min to ra_max (over 0 where ra_min > ra_max), and two declinations, ends included; all in ICRS degrees. Uses the sky index.';

CREATE OR REPLACE FUNCTION galcat.polygon_cone(vertices double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
-- A cone around a polygon. Edges are the shorter arcs, so a cone of less than 90 degrees that holds the vertices
-- holds the edges, and the side of the polygon that it does not hold is the larger one.
DECLARE
    n CONSTANT integer := coalesce(cardinality(vertices) / 2, 0);
    x double precision[];
    y double precision[];
    z double precision[];
    centre double precision[] := '{0, 0, 0}';
    length double precision;
    farthest integer;
    least_cosine double precision;
    cosine double precision;
    ra0 double precision;
    dec0 double precision;
    radius_deg double precision;
BEGIN
    IF vertices IS NULL THEN
        RETURN NULL;
    END IF;
    IF array_ndims(vertices) IS DISTINCT FROM 1 OR cardinality(vertices) % 2 = 1 OR n < 3 THEN
        RAISE EXCEPTION 'in_polygon: % numbers are not right ascension and declination of three vertices or more',
            cardinality(vertices) USING ERRCODE = '22023';
    END IF;
    FOR i IN 1..n LOOP
        IF NOT coalesce(vertices[2 * i - 1] >= -360 AND vertices[2 * i - 1] <= 720, false) THEN
            RAISE EXCEPTION 'in_polygon: right ascension % of vertex % is not between -360 and 720 degrees',
                coalesce(vertices[2 * i - 1]::text, 'NULL'), i USING ERRCODE = '22023';
        ELSIF NOT coalesce(vertices[2 * i] >= -90 AND vertices[2 * i] <= 90, false) THEN
            RAISE EXCEPTION 'in_polygon: declination % of vertex % is not between -90 and 90 degrees',
                coalesce(vertices[2 * i]::text, 'NULL'), i USING ERRCODE = '22023';
        END IF;
        x[i] := cosd(vertices[2 * i]) * cosd(vertices[2 * i - 1]);
        y[i] := cosd(vertices[2 * i]) * sind(vertices[2 * i - 1]);
        z[i] := sind(vertices[2 * i]);
        centre := ARRAY[centre[1] + x[i] / n, centre[2] + y[i] / n, centre[3] + z[i] / n];
    END LOOP;
    -- Towards the centre of the smallest ball around the vertices (Badoiu & Clarkson 2003).
    FOR step IN 1..100 LOOP
        least_cosine := 'Infinity';
        FOR i IN 1..n LOOP
            cosine := centre[1] * x[i] + centre[2] * y[i] + centre[3] * z[i];
            IF cosine < least_cosine THEN
                least_cosine := cosine;
                farthest := i;
            END IF;
        END LOOP;
        centre := ARRAY[
            centre[1] + (x[farthest] - centre[1]) / (step + 1),
            centre[2] + (y[farthest] - centre[2]) / (step + 1),
            centre[3] + (z[farthest] - centre[3]) / (step + 1)];
    END LOOP;
    length := sqrt(centre[1] ^ 2 + centre[2] ^ 2 + centre[3] ^ 2);
    IF length > 0 THEN
        ra0 := atan2d(centre[2], centre[1]);
        dec0 := asind(greatest(-1, least(1, centre[3] / length)));
        radius_deg := 0;
        FOR i IN 1..n LOOP
            radius_deg := greatest(radius_deg, galcat.sky_distance(vertices[2 * i - 1], vertices[2 * i], ra0, dec0));
        END LOOP;
    END IF;
    IF length = 0 OR radius_deg > 89 THEN
        RAISE EXCEPTION 'in_polygon: the polygon reaches % degrees from its centre, and 89 are the most: cut it into parts',
            coalesce(round(radius_deg::numeric, 1), 90) USING ERRCODE = '22023';
    END IF;
    RETURN ARRAY[ra0, dec0, radius_deg + 1e-9];
END
$$;
COMMENT ON FUNCTION galcat.polygon_cone IS 'Right ascension, declination and radius [deg] of a cone that holds a polygon. Part of in_polygon().';

-- Seen from the centre of the sphere a great circle is a line on the tangent plane (the gnomonic projection), so
-- inside on the sphere is inside on the plane. Postgres takes coordinates 1e-6 apart for equal: hence the scale,
-- by which that is 1e-11 arcseconds.
CREATE OR REPLACE FUNCTION galcat.on_plane(
    ra double precision, "dec" double precision, ra0 double precision, dec0 double precision)
RETURNS point LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(
    1e11 * cosd(dec) * sind(ra - ra0)
        / nullif(sind(dec0) * sind(dec) + cosd(dec0) * cosd(dec) * cosd(ra - ra0), 0),
    1e11 * (cosd(dec0) * sind(dec) - sind(dec0) * cosd(dec) * cosd(ra - ra0))
        / nullif(sind(dec0) * sind(dec) + cosd(dec0) * cosd(dec) * cosd(ra - ra0), 0));
COMMENT ON FUNCTION galcat.on_plane IS
    'Gnomonic projection about (ra0, dec0) of a position less than 90 degrees away, in units of 1e-11. Part of in_polygon().';

CREATE OR REPLACE FUNCTION galcat.polygon_on_plane(vertices double precision[])
RETURNS polygon LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    cone double precision[];
    corners text[];
BEGIN
    IF vertices IS NULL THEN
        RETURN NULL;
    END IF;
    cone := galcat.polygon_cone(vertices);
    FOR i IN 1..cardinality(vertices) / 2 LOOP
        corners[i] := galcat.on_plane(vertices[2 * i - 1], vertices[2 * i], cone[1], cone[2])::text;
    END LOOP;
    RETURN ('(' || array_to_string(corners, ',') || ')')::polygon;
END
$$;
COMMENT ON FUNCTION galcat.polygon_on_plane IS 'A polygon as on_plane() draws it about the centre of its cone. Part of in_polygon().';

CREATE OR REPLACE FUNCTION galcat.in_polygon(
    ra double precision, "dec" double precision, vertices double precision[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN galcat.cone(
        ra, dec,
        (galcat.polygon_cone(vertices))[1], (galcat.polygon_cone(vertices))[2], (galcat.polygon_cone(vertices))[3])
    AND galcat.on_plane(ra, dec, (galcat.polygon_cone(vertices))[1], (galcat.polygon_cone(vertices))[2])
        <@ galcat.polygon_on_plane(vertices);
COMMENT ON FUNCTION galcat.in_polygon IS
    'True where (ra, dec) lies in the polygon {ra1, dec1, ra2, dec2, ...}: edges are great circles, in either order round, its smaller side is the inside; all in ICRS degrees. Uses the sky index.';
