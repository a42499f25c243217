-- Positions on the sky, with core Postgres only: ICRS degrees in, degrees out.

CREATE OR REPLACE FUNCTION galcat.sky_distance(
    ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- Vincenty's form: exact at 0 and at 180 degrees, where acos and asin lose digits.
-- The distance of points is Postgres' hypot: it does not fail where a square underflows.
RETURN atan2d(
    point(
        cosd(dec2) * sind(ra2 - ra1),
        cosd(dec1) * sind(dec2) - sind(dec1) * cosd(dec2) * cosd(ra2 - ra1)) <-> point(0, 0),
    sind(dec1) * sind(dec2) + cosd(dec1) * cosd(dec2) * cosd(ra2 - ra1));
COMMENT ON FUNCTION galcat.sky_distance IS 'Angle between two positions on the sphere [deg]; arguments in ICRS degrees.';

CREATE OR REPLACE FUNCTION galcat.sky_cosine(
    ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- No product of small numbers: Postgres fails where one underflows, also where an angle of 5e-324 is turned into
-- radians, so next to nothing is added to each. The constant is a degree in radians.
RETURN cos((dec1 - dec2 + 1e-300) * 0.017453292519943295)
    - cos((dec1 + 1e-300) * 0.017453292519943295) * cos((dec2 + 1e-300) * 0.017453292519943295)
        * (1 - cos((ra1 - ra2 + 1e-300) * 0.017453292519943295));
COMMENT ON FUNCTION galcat.sky_cosine IS
    'Cosine of the angle between two positions, right to 1e-15; arguments in ICRS degrees. Part of cone().';

CREATE OR REPLACE FUNCTION galcat.cone_box(
    ra0 double precision, dec0 double precision, radius_deg double precision, turn integer)
RETURNS box LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    pad CONSTANT double precision := 1e-7; -- far above rounding, far below a pixel
    half_width double precision;
BEGIN
    IF ra0 IS NULL OR dec0 IS NULL OR radius_deg IS NULL THEN
        RETURN NULL;
    END IF;
    -- NaN sorts above every number in Postgres, so these tests refuse it too.
    IF NOT (ra0 >= -360 AND ra0 <= 720) THEN
        RAISE EXCEPTION 'cone: right ascension % is not between -360 and 720 degrees', ra0 USING ERRCODE = '22023';
    ELSIF NOT (dec0 >= -90 AND dec0 <= 90) THEN
        RAISE EXCEPTION 'cone: declination % is not between -90 and 90 degrees', dec0 USING ERRCODE = '22023';
    ELSIF NOT (radius_deg >= 0 AND radius_deg <= 180) THEN
        RAISE EXCEPTION 'cone: radius % is not between 0 and 180 degrees', radius_deg USING ERRCODE = '22023';
    END IF;
    IF abs(dec0) + radius_deg >= 90 - pad THEN -- the cone holds a pole: every right ascension
        IF turn <> 0 THEN
            RETURN NULL;
        END IF;
        RETURN box(point(0, dec0 - radius_deg - pad), point(360, dec0 + radius_deg + pad));
    END IF;
    half_width := degrees(asin(least(1, sind(radius_deg) / cosd(dec0)))) + pad;
    ra0 := ra0 + 360 * turn + CASE WHEN ra0 < 0 THEN 360 WHEN ra0 >= 360 THEN -360 ELSE 0 END;
    IF ra0 + half_width < 0 OR ra0 - half_width >= 360 THEN -- this turn does not meet 0..360
        RETURN NULL;
    END IF;
    RETURN box(point(ra0 - half_width, dec0 - radius_deg - pad), point(ra0 + half_width, dec0 + radius_deg + pad));
END
$$;
COMMENT ON FUNCTION galcat.cone_box IS
    'Box in (ra, dec) degrees around a cone, shifted by whole turns; NULL where that turn holds nothing. Part of cone().';

CREATE OR REPLACE FUNCTION galcat.cone(
    ra double precision, "dec" double precision, -- dec is a type name in SQL
    ra0 double precision, dec0 double precision, radius_deg double precision)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
        point(ra, dec) <@ galcat.cone_box(ra0, dec0, radius_deg, 0)
        OR point(ra, dec) <@ galcat.cone_box(ra0, dec0, radius_deg, 1)
        OR point(ra, dec) <@ galcat.cone_box(ra0, dec0, radius_deg, -1))
    -- The cosine of the angle is cheap; the angle itself is needed where its last digits decide.
    AND (galcat.sky_cosine(ra, dec, ra0, dec0) > cos((radius_deg + 1e-300) * 0.017453292519943295) + 1e-14
        OR galcat.sky_cosine(ra, dec, ra0, dec0) > cos((radius_deg + 1e-300) * 0.017453292519943295) - 1e-14
            AND galcat.sky_distance(ra, dec, ra0, dec0) <= radius_deg);
COMMENT ON FUNCTION galcat.cone IS
    'True where (ra, dec) lies within radius_deg of (ra0, dec0), all in ICRS degrees. Uses the sky index of galcat.source.';
