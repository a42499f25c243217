"""Valid queries that use every part of ADQL."""

_QUERIES = """
SELECT TOP 10 g.object_id, ra AS x, mag_r - 1 AS m FROM galcat.galaxy AS g WHERE mag_r < 17 AND NOT (dec >
0 OR ra IS NULL) ORDER BY m DESC

SELECT DISTINCT survey, COUNT(*) AS n, AVG(mag_r) FROM galcat.galaxy AS g GROUP BY survey HAVING COUNT(*)
> 1 ORDER BY n, 1

SELECT * FROM galcat.galaxy AS g JOIN TAP_UPLOAD.mine AS t ON 1=CONTAINS(POINT('ICRS', g.ra, g.dec),
CIRCLE('ICRS', t.ra, t.dec, 0.001))

SELECT g.object_id, t.* FROM galcat.galaxy AS g, TAP_UPLOAD.mine AS t WHERE DISTANCE(g.ra, g.dec, t.ra,
t.dec) < 5 / 3600.0

SELECT TOP 5 object_id, morph_distance(object_id, t.vector) AS d FROM galcat.galaxy AS g, TAP_UPLOAD.probe
AS t WHERE 1=CONTAINS(POINT(ra, dec), CIRCLE(150, 2, 30)) AND mag_r < t.r ORDER BY d OFFSET 2

SELECT g.object_id, morph_distance(g.object_id, p.vector) FROM galcat.galaxy AS g, TAP_UPLOAD.probes AS p
WHERE p.id IN (0, 1)

SELECT e.object_id FROM galcat.embedding AS e WHERE morph_distance(e.search, e.vector, 'first') < 2

WITH a AS (SELECT id, x FROM TAP_UPLOAD.mine), b AS (SELECT * FROM a WHERE x > 0) SELECT a.id, b.x FROM a
LEFT JOIN b USING (id)

SELECT id FROM TAP_UPLOAD.mine NATURAL FULL JOIN TAP_UPLOAD.probe WHERE id = 1 OR r BETWEEN 1 AND 20

(SELECT TOP 2 ra FROM TAP_UPLOAD.mine ORDER BY ra) UNION ALL SELECT dec FROM galcat.galaxy AS g EXCEPT
SELECT x FROM TAP_UPLOAD.mine ORDER BY ra

SELECT id FROM TAP_UPLOAD.mine INTERSECT SELECT id FROM TAP_UPLOAD.probe

SELECT CASE WHEN mag_r < 17 THEN 'bright' WHEN mag_r IS NULL THEN NULL ELSE 'faint' END, CASE survey WHEN
'survey' THEN 1 ELSE 0 END FROM galcat.galaxy AS g

SELECT CAST(ra AS INTEGER), CAST(ra AS DOUBLE PRECISION), CAST(survey AS VARCHAR(3)), COALESCE(mag_r, 0.0)
FROM galcat.galaxy AS g

SELECT LOWER(survey) || UPPER('x'), IN_UNIT(ra, 'rad'), ROUND(ra, 2), MOD(object_id, 7), PI(), RAND(),
RAND(3) FROM galcat.galaxy AS g

SELECT table_name, column_name, "size" FROM TAP_SCHEMA.columns WHERE column_name LIKE 'r_' AND datatype
NOT ILIKE 'D%'

SELECT POINT(ra, dec), CENTROID(BOX(ra, 0, 1, 1)), AREA(POLYGON(1, 2, 3, 4, 5, 0)), COORD1(POINT(ra,
dec)), COORDSYS(POINT(ra, dec)) FROM galcat.galaxy AS g WHERE ABS(dec) < 80

SELECT t.name FROM galcat.tile AS t WHERE 1=INTERSECTS(t.s_region, REGION('CIRCLE ICRS 10 2 1')) AND
finished_at > '2020-01-01'

SELECT ivo_healpix_index(8, ra, dec) AS h, COUNT(DISTINCT tile) FROM galcat.galaxy AS g GROUP BY
ivo_healpix_index(8, ra, dec)

SELECT m.id FROM TAP_UPLOAD.mine AS m WHERE EXISTS (SELECT 1 FROM galcat.galaxy AS g WHERE g.ra > m.ra)
AND id IN (SELECT id FROM TAP_UPLOAD.probe)

SELECT ra, (SELECT MAX(ra) FROM TAP_UPLOAD.mine) - ra AS gap FROM galcat.galaxy AS g WHERE
ivo_hasword(survey, 'survey') = 1 -- the end

SELECT galcat_fraction_quantile(bar_no_fraction, bar_concentration, 0.05) FROM galcat.galaxy AS g WHERE
object_id IN (1, 2, 3, 4);

SELECT s.a FROM (SELECT ra + dec AS a, is_current FROM galcat.galaxy, galcat.release WHERE is_current =
'true') AS s

SELECT ((((ra)))), -(-dec), 0x1F, 1.5E-3, .5, NULL, TRUE FROM galcat.galaxy AS g WHERE
TIMESTAMP('2020-01-01') < TIMESTAMP('2021-01-01')
"""
SEEDS = tuple(_QUERIES.strip().split("\n\n"))
