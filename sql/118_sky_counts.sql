-- How many galaxies to expect in a cone, from counts by HEALPix cell: Postgres itself takes every cone to hold
-- one row in some thousands, whatever its radius. A guess that chooses a plan; it never decides what is answered.

CREATE OR REPLACE FUNCTION galcat.count_sky()
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
    LOCK TABLE galcat.sky_count IN SHARE ROW EXCLUSIVE MODE; -- two counts at once would collide
    DELETE FROM galcat.sky_count;
    -- The length of the mean of unit vectors is 1 - s^2 / 2 for galaxies s radians from their centre (r.m.s.);
    -- a disk filled evenly out to R has s^2 = R^2 / 2.
    WITH fine AS (
        SELECT s.healpix29 >> 46 AS cell, count(*) AS galaxies, sum(cosd(s.dec) * cosd(s.ra)) AS x,
            sum(cosd(s.dec) * sind(s.ra)) AS y, sum(sind(s.dec)) AS z
        FROM galcat.source AS s
        WHERE NOT s.is_retired
        GROUP BY 1
    ), summed AS (
        SELECT o.cell_order, f.cell >> (2 * (6 - o.cell_order)) AS cell, sum(f.galaxies) AS galaxies,
            sum(f.x) AS x, sum(f.y) AS y, sum(f.z) AS z
        FROM fine AS f, unnest(ARRAY[2, 4, 6]) AS o (cell_order)
        GROUP BY 1, 2
    )
    INSERT INTO galcat.sky_count (cell_order, cell, galaxies, ra, dec, spread_deg)
    SELECT c.cell_order, c.cell, c.galaxies,
        CASE WHEN atan2d(c.y, c.x) < 0 THEN atan2d(c.y, c.x) + 360 ELSE atan2d(c.y, c.x) END,
        atan2d(c.z, sqrt(c.x ^ 2 + c.y ^ 2)),
        degrees(2 * sqrt(greatest(0, 1 - sqrt(c.x ^ 2 + c.y ^ 2 + c.z ^ 2) / c.galaxies)))
    FROM summed AS c;
END
$$;
COMMENT ON FUNCTION galcat.count_sky IS 'Counts the galaxies of every HEALPix cell anew, for galaxies_expected(). Owner only.';

CREATE OR REPLACE FUNCTION galcat.galaxies_expected(
    ra0 double precision, dec0 double precision, radius_deg double precision)
RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- Cells no larger than the cone, where there are such, and as far away as they may reach into it. What share
    -- of a cell's disk the cone covers: a ramp.
    SELECT coalesce(sum(c.galaxies
            * least(1, (greatest(radius_deg, 1e-9) / greatest(c.spread_deg, 1e-9)) ^ 2)
            * greatest(0, least(1, (radius_deg + c.spread_deg - galcat.sky_distance(c.ra, c.dec, ra0, dec0))
                / (2 * greatest(least(radius_deg, c.spread_deg), 1e-9))))),
        CASE WHEN EXISTS (SELECT FROM galcat.sky_count) THEN 0 END)
    FROM galcat.sky_count AS c
    WHERE c.cell_order = CASE WHEN radius_deg > 20 THEN 2 WHEN radius_deg > 4 THEN 4 ELSE 6 END
        AND galcat.cone(c.ra, c.dec, ra0, dec0,
            least(180, radius_deg + CASE WHEN radius_deg > 20 THEN 20 WHEN radius_deg > 4 THEN 5 ELSE 1.3 END));
END;
COMMENT ON FUNCTION galcat.galaxies_expected IS
    'About how many galaxies a cone holds (ICRS degrees), from the counts of the last statistics; NULL where none are known.';
