-- Which regions lie in which, and which meet: circles and polygons as in 115. Ends belong to a region, and what is
-- 1e-11 degrees beyond them (rounding) does too. True or false; NULL where a region is.

CREATE OR REPLACE FUNCTION galcat.polygon_reach(vertices double precision[])
RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- A cone of less than 90 degrees that holds the vertices holds the polygon (see polygon_cone), and this one costs little.
DECLARE
    reach double precision := 0;
BEGIN
    IF array_ndims(vertices) IS DISTINCT FROM 1 OR cardinality(vertices) < 6 OR cardinality(vertices) % 2 = 1 THEN
        PERFORM galcat.polygon_cone(vertices); -- says what is wrong
    END IF;
    FOR i IN 1..cardinality(vertices) / 2 LOOP
        IF NOT coalesce(vertices[2 * i - 1] BETWEEN -360 AND 720 AND vertices[2 * i] BETWEEN -90 AND 90, false) THEN
            PERFORM galcat.polygon_cone(vertices);
        END IF;
        reach := greatest(reach, galcat.sky_distance(vertices[1], vertices[2], vertices[2 * i - 1], vertices[2 * i]));
    END LOOP;
    IF reach > 45 THEN
        PERFORM galcat.polygon_cone(vertices); -- it may be too large
    END IF;
    RETURN CASE WHEN reach < 90 THEN reach ELSE 180 END;
END
$$;
COMMENT ON FUNCTION galcat.polygon_reach IS
    'How far a polygon reaches from its first vertex at most [deg]. Part of polygon_meets_polygon().';

CREATE OR REPLACE FUNCTION galcat.unit_vectors(positions double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    xyz double precision[] := '{}';
    east double precision;
    north double precision;
BEGIN
    FOR i IN 1..cardinality(positions) / 2 LOOP
        east := sind(positions[2 * i - 1]);
        north := sind(positions[2 * i]);
        -- What is nothing beside the rest is none: products of it would underflow.
        east := CASE WHEN abs(east) < 1e-30 THEN 0 ELSE east END;
        north := CASE WHEN abs(north) < 1e-30 THEN 0 ELSE north END;
        xyz := xyz || ARRAY[cosd(positions[2 * i]) * cosd(positions[2 * i - 1]), cosd(positions[2 * i]) * east, north];
    END LOOP;
    RETURN xyz;
END
$$;
COMMENT ON FUNCTION galcat.unit_vectors IS
    'Positions {ra1, dec1, ...} as {x1, y1, z1, ...} on the unit sphere. Part of outline_distance().';

CREATE OR REPLACE FUNCTION galcat.cross_product(a double precision[], b double precision[])
RETURNS double precision[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1]];
COMMENT ON FUNCTION galcat.cross_product IS 'Cross product of two vectors in space. Part of outline_distance().';

CREATE OR REPLACE FUNCTION galcat.dot_product(a double precision[], b double precision[])
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
COMMENT ON FUNCTION galcat.dot_product IS 'Dot product of two vectors in space. Part of outline_distance().';

CREATE OR REPLACE FUNCTION galcat.edge_normal(a double precision[], b double precision[])
RETURNS double precision[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- a x b, without its loss of digits where they are close.
RETURN galcat.cross_product(
    ARRAY[(a[1] - b[1]) / 2, (a[2] - b[2]) / 2, (a[3] - b[3]) / 2], ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3]]);
COMMENT ON FUNCTION galcat.edge_normal IS 'Normal of the plane of a great circle through two unit vectors. Part of outline_distance().';

CREATE OR REPLACE FUNCTION galcat.outline_distance(
    ra double precision, "dec" double precision, vertices double precision[])
RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    n CONSTANT integer := cardinality(vertices) / 2;
    xyz CONSTANT double precision[] := galcat.unit_vectors(vertices);
    here CONSTANT double precision[] := galcat.unit_vectors(ARRAY[ra, dec]);
    a double precision[] := xyz[3 * n - 2:3 * n];
    b double precision[];
    normal double precision[];
    length double precision;
    nearest double precision := 180;
BEGIN
    FOR i IN 1..n LOOP
        b := xyz[3 * i - 2:3 * i];
        normal := galcat.edge_normal(a, b);
        length := sqrt(galcat.dot_product(normal, normal));
        -- The foot of the perpendicular lies between the ends, or an end is nearest.
        IF length > 0 AND galcat.dot_product(galcat.cross_product(normal, a), here) >= 0
            AND galcat.dot_product(galcat.cross_product(b, normal), here) >= 0 THEN
            nearest := least(nearest, asind(least(1, abs(galcat.dot_product(
                normal, ARRAY[here[1] - a[1], here[2] - a[2], here[3] - a[3]])) / length)));
        END IF;
        nearest := least(nearest, galcat.sky_distance(ra, dec, vertices[2 * i - 1], vertices[2 * i]));
        a := b;
    END LOOP;
    RETURN nearest;
END
$$;
COMMENT ON FUNCTION galcat.outline_distance IS 'Angle between a position and the nearest point of a polygon''s edges [deg].';

CREATE OR REPLACE FUNCTION galcat.in_closed_polygon(
    ra double precision, "dec" double precision, vertices double precision[], cone double precision[], drawn polygon)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN galcat.sky_distance(ra, dec, cone[1], cone[2]) <= cone[3]
    AND (galcat.on_plane(ra, dec, cone[1], cone[2]) <@ drawn OR galcat.outline_distance(ra, dec, vertices) <= 1e-11);
COMMENT ON FUNCTION galcat.in_closed_polygon IS
    'True where a position lies in a polygon or on its edges; its polygon_cone() and polygon_on_plane() are given. Part of polygon_in_polygon().';

CREATE OR REPLACE FUNCTION galcat.circle_in_circle(circle double precision[], outer_circle double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision[] := galcat.checked_circle(circle);
    b CONSTANT double precision[] := galcat.checked_circle(outer_circle);
BEGIN
    -- Nothing is farther away than 180 degrees.
    RETURN CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN
        least(180, galcat.sky_distance(a[1], a[2], b[1], b[2]) + a[3]) <= b[3] + 1e-11 END;
END
$$;
COMMENT ON FUNCTION galcat.circle_in_circle IS 'True where the first circle lies wholly in the second.';

CREATE OR REPLACE FUNCTION galcat.circle_meets_circle(circle double precision[], other double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision[] := galcat.checked_circle(circle);
    b CONSTANT double precision[] := galcat.checked_circle(other);
BEGIN
    RETURN galcat.sky_distance(a[1], a[2], b[1], b[2]) <= a[3] + b[3] + 1e-11;
END
$$;
COMMENT ON FUNCTION galcat.circle_meets_circle IS 'True where two circles have a point in common.';

CREATE OR REPLACE FUNCTION galcat.circle_in_polygon(circle double precision[], vertices double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision[] := galcat.checked_circle(circle);
BEGIN
    IF galcat.sky_distance(a[1], a[2], vertices[1], vertices[2]) > galcat.polygon_reach(vertices) + 1e-9 THEN
        RETURN false;
    END IF;
    RETURN galcat.in_closed_polygon(a[1], a[2], vertices, galcat.polygon_cone(vertices), galcat.polygon_on_plane(vertices))
        AND galcat.outline_distance(a[1], a[2], vertices) >= a[3] - 1e-11;
END
$$;
COMMENT ON FUNCTION galcat.circle_in_polygon IS 'True where a circle lies wholly in a polygon.';

CREATE OR REPLACE FUNCTION galcat.circle_meets_polygon(circle double precision[], vertices double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision[] := galcat.checked_circle(circle);
BEGIN
    IF galcat.sky_distance(a[1], a[2], vertices[1], vertices[2]) > galcat.polygon_reach(vertices) + a[3] + 1e-9 THEN
        RETURN false;
    END IF;
    RETURN galcat.outline_distance(a[1], a[2], vertices) <= a[3] + 1e-11
        OR galcat.in_closed_polygon(a[1], a[2], vertices, galcat.polygon_cone(vertices), galcat.polygon_on_plane(vertices));
END
$$;
COMMENT ON FUNCTION galcat.circle_meets_polygon IS 'True where a circle and a polygon have a point in common.';

CREATE OR REPLACE FUNCTION galcat.polygon_in_circle(vertices double precision[], circle double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    a CONSTANT double precision[] := galcat.checked_circle(circle);
    reach CONSTANT double precision := galcat.polygon_reach(vertices);
    opposite CONSTANT double precision := a[1] + CASE WHEN a[1] > 180 THEN -180 ELSE 180 END;
BEGIN
    IF a IS NULL OR reach IS NULL THEN
        RETURN NULL;
    ELSIF a[3] <= 90 THEN -- such a circle holds the edges between points that it holds, and what they enclose
        RETURN NOT EXISTS (
            SELECT FROM generate_series(1, cardinality(vertices) / 2) AS i
            WHERE galcat.sky_distance(a[1], a[2], vertices[2 * i - 1], vertices[2 * i]) > a[3] + 1e-11);
    END IF;
    -- What a larger one leaves out is a circle about the point opposite.
    RETURN a[3] = 180
        OR galcat.outline_distance(opposite, -a[2], vertices) >= 180 - a[3] - 1e-11
            AND NOT galcat.in_polygon(opposite, -a[2], vertices);
END
$$;
COMMENT ON FUNCTION galcat.polygon_in_circle IS 'True where a polygon lies wholly in a circle.';

CREATE OR REPLACE FUNCTION galcat.edges_cross(
    a double precision[], b double precision[], c double precision[], d double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    ab CONSTANT double precision[] := galcat.edge_normal(a, b);
    cd CONSTANT double precision[] := galcat.edge_normal(c, d);
    turn CONSTANT double precision := sign(galcat.dot_product(ab, d));
BEGIN
    -- Going round the four ends in the order a, c, b, d one always turns the same way.
    RETURN turn <> 0 AND sign(-galcat.dot_product(ab, c)) = turn
        AND sign(-galcat.dot_product(cd, b)) = turn AND sign(galcat.dot_product(cd, a)) = turn;
END
$$;
COMMENT ON FUNCTION galcat.edges_cross IS
    'True where two arcs of great circles, given by the unit vectors of their ends, cross between these. Part of polygon_meets_polygon().';

CREATE OR REPLACE FUNCTION galcat.near_polygons_meet(vertices double precision[], other double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    n CONSTANT integer := cardinality(vertices) / 2;
    m CONSTANT integer := cardinality(other) / 2;
    cone CONSTANT double precision[] := galcat.polygon_cone(vertices);
    other_cone CONSTANT double precision[] := galcat.polygon_cone(other);
    xyz double precision[];
    other_xyz double precision[];
    a double precision[];
    b double precision[];
BEGIN
    IF galcat.sky_distance(cone[1], cone[2], other_cone[1], other_cone[2]) > cone[3] + other_cone[3] THEN
        RETURN false;
    ELSIF EXISTS (
            SELECT FROM generate_series(1, n) AS i WHERE galcat.in_closed_polygon(
                vertices[2 * i - 1], vertices[2 * i], other, other_cone, galcat.polygon_on_plane(other)))
        OR EXISTS (
            SELECT FROM generate_series(1, m) AS i WHERE galcat.in_closed_polygon(
                other[2 * i - 1], other[2 * i], vertices, cone, galcat.polygon_on_plane(vertices))) THEN
        RETURN true;
    END IF;
    xyz := galcat.unit_vectors(vertices);
    other_xyz := galcat.unit_vectors(other);
    FOR i IN 1..n LOOP
        a := xyz[3 * i - 2:3 * i];
        b := xyz[3 * (i % n) + 1:3 * (i % n) + 3];
        FOR j IN 1..m LOOP
            IF galcat.edges_cross(a, b, other_xyz[3 * j - 2:3 * j], other_xyz[3 * (j % m) + 1:3 * (j % m) + 3]) THEN
                RETURN true;
            END IF;
        END LOOP;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION galcat.near_polygons_meet IS 'polygon_meets_polygon() where both are near each other. Part of it.';

CREATE OR REPLACE FUNCTION galcat.polygon_meets_polygon(vertices double precision[], other double precision[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- The reach of a constant polygon is found once, while the query is planned; most others are too far away.
RETURN CASE
    WHEN galcat.sky_distance(vertices[1], vertices[2], other[1], other[2])
        > galcat.polygon_reach(vertices) + galcat.polygon_reach(other) + 1e-9 THEN false
    ELSE galcat.near_polygons_meet(vertices, other) END;
COMMENT ON FUNCTION galcat.polygon_meets_polygon IS 'True where two polygons have a point in common.';

CREATE OR REPLACE FUNCTION galcat.edge_cuts(a double precision[], b double precision[], other_xyz double precision[])
RETURNS double precision[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    m CONSTANT integer := cardinality(other_xyz) / 3;
    normal double precision[] := galcat.edge_normal(a, b);
    length CONSTANT double precision := sqrt(galcat.dot_product(normal, normal));
    ahead double precision[];
    end_angle CONSTANT double precision := atan2(length, galcat.dot_product(a, b));
    crossing double precision[];
    angle double precision;
    cuts double precision[] := ARRAY[0, end_angle];
BEGIN
    IF length = 0 THEN
        RETURN '{0}';
    END IF;
    normal := ARRAY[normal[1] / length, normal[2] / length, normal[3] / length];
    ahead := galcat.cross_product(normal, a);
    FOR j IN 1..m LOOP
        crossing := galcat.cross_product(normal,
            galcat.edge_normal(other_xyz[3 * j - 2:3 * j], other_xyz[3 * (j % m) + 1:3 * (j % m) + 3]));
        angle := atan2(galcat.dot_product(ahead, crossing), galcat.dot_product(a, crossing));
        angle := CASE WHEN angle < 0 THEN angle + pi() ELSE angle END; -- and opposite
        IF angle > 0 AND angle < end_angle THEN
            cuts := cuts || angle;
        END IF;
    END LOOP;
    RETURN (SELECT array_agg(c ORDER BY c) FROM unnest(cuts) AS c);
END
$$;
COMMENT ON FUNCTION galcat.edge_cuts IS
    'Angles from a [rad] at which the great circles of a polygon''s edges cut the arc from a to b, ends included. Part of polygon_in_polygon().';

CREATE OR REPLACE FUNCTION galcat.near_polygon_in_polygon(vertices double precision[], outer_vertices double precision[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
-- Between two cuts an edge is wholly inside or wholly outside: its middle tells.
DECLARE
    n CONSTANT integer := cardinality(vertices) / 2;
    cone CONSTANT double precision[] := galcat.polygon_cone(outer_vertices);
    drawn CONSTANT polygon := galcat.polygon_on_plane(outer_vertices);
    xyz CONSTANT double precision[] := galcat.unit_vectors(vertices);
    outer_xyz CONSTANT double precision[] := galcat.unit_vectors(outer_vertices);
    a double precision[];
    b double precision[];
    ahead double precision[];
    cuts double precision[];
    middle double precision[];
    angle double precision;
BEGIN
    PERFORM galcat.polygon_cone(vertices); -- refuses what is too large
    FOR i IN 1..n LOOP
        IF NOT galcat.in_closed_polygon(vertices[2 * i - 1], vertices[2 * i], outer_vertices, cone, drawn) THEN
            RETURN false;
        END IF;
    END LOOP;
    FOR i IN 1..n LOOP
        a := xyz[3 * i - 2:3 * i];
        b := xyz[3 * (i % n) + 1:3 * (i % n) + 3];
        ahead := galcat.cross_product(galcat.edge_normal(a, b), a);
        angle := sqrt(galcat.dot_product(ahead, ahead));
        CONTINUE WHEN angle = 0;
        ahead := ARRAY[ahead[1] / angle, ahead[2] / angle, ahead[3] / angle];
        cuts := galcat.edge_cuts(a, b, outer_xyz);
        FOR j IN 2..cardinality(cuts) LOOP
            CONTINUE WHEN cuts[j] - cuts[j - 1] < 1e-12;
            angle := (cuts[j] + cuts[j - 1]) / 2;
            middle := ARRAY[a[1] * cos(angle) + ahead[1] * sin(angle), a[2] * cos(angle) + ahead[2] * sin(angle),
                a[3] * cos(angle) + ahead[3] * sin(angle)];
            IF NOT galcat.in_closed_polygon(atan2d(middle[2], middle[1]),
                atan2d(middle[3], point(middle[1], middle[2]) <-> point(0, 0)), outer_vertices, cone, drawn) THEN
                RETURN false;
            END IF;
        END LOOP;
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION galcat.near_polygon_in_polygon IS 'polygon_in_polygon() where both are near each other. Part of it.';

CREATE OR REPLACE FUNCTION galcat.polygon_in_polygon(vertices double precision[], outer_vertices double precision[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN galcat.sky_distance(vertices[1], vertices[2], outer_vertices[1], outer_vertices[2])
        > galcat.polygon_reach(outer_vertices) + 1e-9 THEN galcat.polygon_reach(vertices) < 0 -- false, if it is a polygon
    ELSE galcat.near_polygon_in_polygon(vertices, outer_vertices) END;
COMMENT ON FUNCTION galcat.polygon_in_polygon IS 'True where the first polygon lies wholly in the second.';
