-- Regions on the sky as ADQL 2.1 has them: a circle is {ra, dec, radius}, a polygon {ra1, dec1, ra2, dec2, ...}, all
-- in ICRS degrees. Polygons as in_polygon() takes them: edges are great circles, the smaller side is the inside.

CREATE OR REPLACE FUNCTION galcat.checked_circle(circle double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF circle IS NULL OR (cardinality(circle) = 3 AND array_position(circle, NULL) IS NOT NULL) THEN
        RETURN NULL;
    ELSIF array_ndims(circle) IS DISTINCT FROM 1 OR cardinality(circle) <> 3 THEN
        RAISE EXCEPTION 'circle: % numbers are not right ascension, declination and radius', cardinality(circle)
            USING ERRCODE = '22023';
    -- NaN sorts above every number in Postgres, so these tests refuse it too.
    ELSIF NOT (circle[1] >= -360 AND circle[1] <= 720) THEN
        RAISE EXCEPTION 'circle: right ascension % is not between -360 and 720 degrees', circle[1] USING ERRCODE = '22023';
    ELSIF NOT (circle[2] >= -90 AND circle[2] <= 90) THEN
        RAISE EXCEPTION 'circle: declination % is not between -90 and 90 degrees', circle[2] USING ERRCODE = '22023';
    ELSIF NOT (circle[3] >= 0 AND circle[3] <= 180) THEN
        RAISE EXCEPTION 'circle: radius % is not between 0 and 180 degrees', circle[3] USING ERRCODE = '22023';
    END IF;
    RETURN circle;
END
$$;
COMMENT ON FUNCTION galcat.checked_circle IS
    'A circle {ra, dec, radius} as it is, if there is such a one; NULL where a number is. Part of the regions.';

CREATE OR REPLACE FUNCTION galcat.box_polygon(
    ra double precision, "dec" double precision, width_deg double precision, height_deg double precision)
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    west double precision;
    east double precision;
BEGIN
    IF NOT (ra >= -360 AND ra <= 720) THEN
        RAISE EXCEPTION 'box: right ascension % is not between -360 and 720 degrees', ra USING ERRCODE = '22023';
    ELSIF NOT (width_deg >= 0 AND width_deg <= 178) THEN
        RAISE EXCEPTION 'box: width % is not between 0 and 178 degrees', width_deg USING ERRCODE = '22023';
    ELSIF NOT (height_deg >= 0 AND height_deg <= 180) THEN
        RAISE EXCEPTION 'box: height % is not between 0 and 180 degrees', height_deg USING ERRCODE = '22023';
    ELSIF NOT (dec - height_deg / 2 >= -90 AND dec + height_deg / 2 <= 90) THEN
        RAISE EXCEPTION 'box: declinations % to % reach beyond a pole', dec - height_deg / 2, dec + height_deg / 2
            USING ERRCODE = '22023';
    END IF;
    ra := ra - 360 * floor(ra / 360);
    west := ra - width_deg / 2;
    east := ra + width_deg / 2;
    RETURN ARRAY[west, dec - height_deg / 2, east, dec - height_deg / 2,
        east, dec + height_deg / 2, west, dec + height_deg / 2];
END
$$;
COMMENT ON FUNCTION galcat.box_polygon IS
    'ADQL''s BOX as a polygon: its corners lie half its width and height [deg] from its centre in right ascension and declination.';

CREATE OR REPLACE FUNCTION galcat.region_of(region text)
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    part CONSTANT text[] := regexp_match(region,
        '^\s*(circle|polygon)(?:\s+icrs)?((?:\s+[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)+)\s*$', 'i');
    numbers double precision[];
BEGIN
    IF part IS NULL THEN
        RAISE EXCEPTION 'region: % is neither CIRCLE ICRS nor POLYGON ICRS with numbers behind it', quote_literal(left(region, 60))
            USING ERRCODE = '22023';
    END IF;
    numbers := regexp_split_to_array(btrim(part[2], E' \t\n\r'), '\s+')::double precision[];
    IF lower(part[1]) = 'circle' THEN
        RETURN galcat.checked_circle(numbers);
    END IF;
    PERFORM galcat.polygon_cone(numbers);
    RETURN numbers;
END
$$;
COMMENT ON FUNCTION galcat.region_of IS
    'The numbers of a region that is written as text: CIRCLE ICRS ra dec radius, or POLYGON ICRS ra1 dec1 ra2 dec2 ... (STC-S).';

CREATE OR REPLACE FUNCTION galcat.circle_area(circle double precision[])
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Of half the radius: 1 - cos loses the digits of small ones. Postgres fails where a square underflows.
RETURN CASE WHEN (galcat.checked_circle(circle))[3] < 1e-100 THEN 0
    ELSE 4 * pi() * degrees(1) ^ 2 * sind((galcat.checked_circle(circle))[3] / 2) ^ 2 END;
COMMENT ON FUNCTION galcat.circle_area IS 'Area of a circle {ra, dec, radius} on the sphere [deg2].';

CREATE OR REPLACE FUNCTION galcat.polygon_xy(vertices double precision[], cone double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    drawn point;
    xy double precision[] := vertices;
BEGIN
    FOR i IN 1..cardinality(vertices) / 2 LOOP
        drawn := galcat.on_plane(vertices[2 * i - 1], vertices[2 * i], cone[1], cone[2]);
        -- What is nothing beside the rest is none: products of it would underflow.
        xy[2 * i - 1] := CASE WHEN abs(drawn[0]) < 1e-20 THEN 0 ELSE drawn[0] / 1e11 END;
        xy[2 * i] := CASE WHEN abs(drawn[1]) < 1e-20 THEN 0 ELSE drawn[1] / 1e11 END;
    END LOOP;
    RETURN xy;
END
$$;
COMMENT ON FUNCTION galcat.polygon_xy IS
    'Vertices in the gnomonic projection about the centre of their cone, in radians there. Part of polygon_area().';

CREATE OR REPLACE FUNCTION galcat.polygon_area(vertices double precision[])
RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- The sum of the triangles between the centre and each edge: tan(E / 2) of a spherical excess E is the triple product of
-- its corners over 1 + their cosines (Van Oosterom & Strackee 1983).
DECLARE
    n CONSTANT integer := cardinality(vertices) / 2;
    xy CONSTANT double precision[] := galcat.polygon_xy(vertices, galcat.polygon_cone(vertices));
    x1 double precision := xy[2 * n - 1];
    y1 double precision := xy[2 * n];
    x2 double precision;
    y2 double precision;
    length1 double precision := sqrt(1 + x1 ^ 2 + y1 ^ 2);
    length2 double precision;
    area double precision := 0;
BEGIN
    FOR i IN 1..n LOOP
        x2 := xy[2 * i - 1];
        y2 := xy[2 * i];
        length2 := sqrt(1 + x2 ^ 2 + y2 ^ 2);
        area := area + 2 * atan2(x1 * y2 - x2 * y1, length1 * length2 + length1 + length2 + 1 + x1 * x2 + y1 * y2);
        x1 := x2;
        y1 := y2;
        length1 := length2;
    END LOOP;
    RETURN abs(area) * degrees(1) ^ 2;
END
$$;
COMMENT ON FUNCTION galcat.polygon_area IS 'Area of a polygon that does not cross itself, on the sphere [deg2].';

CREATE OR REPLACE FUNCTION galcat.polygon_centroid(vertices double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- By Stokes' theorem the integral of the position over the inside is half the sum over the edges of their angle times the
-- normal of their plane. Taken on the tangent plane, where a polygon of some arcseconds is flat: there the sum would lose
-- its digits.
DECLARE
    n CONSTANT integer := cardinality(vertices) / 2;
    cone CONSTANT double precision[] := galcat.polygon_cone(vertices);
    xy CONSTANT double precision[] := galcat.polygon_xy(vertices, cone);
    x1 double precision := xy[2 * n - 1];
    y1 double precision := xy[2 * n];
    x2 double precision;
    y2 double precision;
    length double precision; -- of the cross product of (1, x1, y1) and (1, x2, y2)
    angle double precision;
    total double precision := 0;
    east double precision := 0;
    north double precision := 0;
    ra double precision;
BEGIN
    FOR i IN 1..n LOOP
        x2 := xy[2 * i - 1];
        y2 := xy[2 * i];
        length := sqrt((x1 * y2 - x2 * y1) ^ 2 + (y1 - y2) ^ 2 + (x2 - x1) ^ 2);
        IF cone[3] < 0.005 THEN
            total := total + (x1 * y2 - x2 * y1);
            east := east + (x1 * y2 - x2 * y1) * (x1 + x2) / 3;
            north := north + (x1 * y2 - x2 * y1) * (y1 + y2) / 3;
        ELSIF length > 0 THEN
            angle := atan2(length, 1 + x1 * x2 + y1 * y2);
            total := total + angle / length * (x1 * y2 - x2 * y1);
            east := east + angle / length * (y1 - y2);
            north := north + angle / length * (x2 - x1);
        END IF;
        x1 := x2;
        y1 := y2;
    END LOOP;
    IF total = 0 THEN
        RETURN NULL;
    END IF;
    east := east / total;
    north := north / total;
    ra := cone[1] + atan2d(east, cosd(cone[2]) - north * sind(cone[2]));
    RETURN ARRAY[ra - 360 * floor(ra / 360), atan2d(sind(cone[2]) + north * cosd(cone[2]),
        point(east, cosd(cone[2]) - north * sind(cone[2])) <-> point(0, 0))];
END
$$;
COMMENT ON FUNCTION galcat.polygon_centroid IS
    'Centre of mass of a polygon that does not cross itself, as {ra, dec} with 0 <= ra < 360; NULL where it has no area.';
