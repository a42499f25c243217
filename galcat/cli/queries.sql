-- Ten questions, each one SQL statement over galcat.galaxy; `galcat demo` asks them, the README shows the answers.

-- Q: 1. What is in the catalogue?
SELECT survey, count(*) AS galaxies, count(DISTINCT tile) AS tiles,
       min(mag_r) AS brightest, max(mag_r) AS faintest
FROM galcat.galaxy GROUP BY survey;

-- Q: 2. What lies within 6 arcminutes of a position, nearest first?
SELECT object_id, 60 * galcat.sky_distance(ra, dec, 150.1, 2.0) AS arcmin, mag_g - mag_r AS colour, mag_r
FROM galcat.galaxy WHERE galcat.cone(ra, dec, 150.1, 2.0, 0.1)
ORDER BY arcmin LIMIT 5;

-- Q: 3. Which are clean face-on spirals: asked of more than half the volunteers, and most said yes?
SELECT object_id, ra, dec, mag_r, has_spiral_arms_proportion_asked AS asked, has_spiral_arms_yes_fraction AS spiral
FROM galcat.galaxy
WHERE has_spiral_arms_proportion_asked > 0.5 AND has_spiral_arms_yes_fraction > 0.7
ORDER BY mag_r LIMIT 5;

-- Q: 4. Which are the best edge-on disks?
SELECT object_id, ra, dec, disk_edge_on_yes_fraction AS edge_on, edge_on_bulge_rounded_fraction AS round_bulge
FROM galcat.galaxy WHERE disk_edge_on_proportion_asked > 0.5
ORDER BY disk_edge_on_yes_fraction DESC LIMIT 5;

-- Q: 5. How does the share of barred disks run with magnitude?
SELECT floor(mag_r) AS r_mag, count(*) AS disks,
       avg(bar_strong_fraction + bar_weak_fraction) AS mean_bar_vote,
       avg((bar_no_fraction < 0.5)::int) AS barred
FROM galcat.galaxy WHERE bar_proportion_asked > 0.5
GROUP BY r_mag ORDER BY r_mag;

-- Q: 6. Which are most probably merging?
SELECT object_id, ra, dec, mag_r, merging_merger_fraction AS merger, merging_major_disturbance_fraction AS disturbed
FROM galcat.galaxy WHERE merging_proportion_asked > 0.5
ORDER BY merging_merger_fraction + merging_major_disturbance_fraction DESC LIMIT 5;

-- Q: 7. What looks like the clearest spiral?
WITH mine AS (
    SELECT search FROM galcat.galaxy
    ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC LIMIT 1)
SELECT object_id, search <-> (SELECT search FROM mine) AS distance, mag_r, has_spiral_arms_yes_fraction AS spiral
FROM galcat.galaxy ORDER BY distance LIMIT 6;

-- Q: 8. And within half a degree of it, face-on, and fainter than r = 17?
WITH mine AS (
    SELECT ra, dec, search FROM galcat.galaxy
    ORDER BY has_spiral_arms_proportion_asked * has_spiral_arms_yes_fraction DESC LIMIT 1)
SELECT g.object_id, g.search <-> mine.search AS distance, galcat.sky_distance(g.ra, g.dec, mine.ra, mine.dec) AS degrees,
       g.mag_r, g.disk_edge_on_no_fraction AS face_on
FROM mine JOIN galcat.galaxy AS g ON galcat.cone(g.ra, g.dec, mine.ra, mine.dec, 0.5)
WHERE g.disk_edge_on_no_fraction > 0.7 AND g.mag_r > 17
ORDER BY distance LIMIT 5;

-- Q: 9. Of which galaxies is the encoder least sure whether they are smooth?
SELECT object_id, mag_r, smooth_or_featured_smooth_fraction AS smooth,
       sqrt(smooth_or_featured_smooth_fraction * (1 - smooth_or_featured_smooth_fraction)
            / (smooth_or_featured_concentration + 1)) AS deviation
FROM galcat.galaxy ORDER BY deviation DESC LIMIT 5;

-- Q: 10. Which sources got no vector, and why?
SELECT reason, count(*) AS sources, min(detail) AS for_example
FROM galcat.skipped_row GROUP BY reason ORDER BY sources DESC;
