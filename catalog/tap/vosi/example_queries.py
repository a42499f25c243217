"""Example queries in ADQL: the README's ten questions, and what only a catalogue of vectors can answer.

`{galaxy}`, `{ra}` and `{dec}` stand for a galaxy that the catalogue has, the clearest spiral, and its place.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A query that users may begin from.

    Attributes:
        key: The identifier of the example within the page.
        name: A title of a few words.
        text: A sentence or two that say what the query asks.
        query: The query in ADQL, with fields such as `{galaxy}` to be filled in.
        tables: The names of the tables that the query asks.
    """

    key: str
    name: str
    text: str
    query: str
    tables: tuple[str, ...] = ("galcat.galaxy",)

    @property
    def needs_galaxy(self) -> bool:
        """Whether the query has no meaning in an empty catalogue."""
        return "{" in self.query


TEN_QUESTIONS = (
    Example(
        "contents",
        "1. What is in the catalogue?",
        "How many galaxies and tiles each survey has, and how bright they are.",
        """\
SELECT survey, COUNT(*) AS galaxies, COUNT(DISTINCT tile) AS tiles,
       MIN(mag_r) AS brightest, MAX(mag_r) AS faintest
FROM galcat.galaxy
GROUP BY survey""",
    ),
    Example(
        "cone",
        "2. What lies within 6 arcminutes of a position, nearest first?",
        "A cone. CONTAINS and DISTANCE use the index of positions; angles are degrees.",
        """\
SELECT TOP 5 object_id, 60 * DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', {ra}, {dec})) AS arcmin,
       mag_g - mag_r AS colour, mag_r
FROM galcat.galaxy
WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {ra}, {dec}, 0.1))
ORDER BY arcmin""",
    ),
    Example(
        "spirals",
        "3. Which are clean face-on spirals?",
        "Asked of more than half the volunteers, and most said yes: for a clean sample, cut on both.",
        """\
SELECT TOP 5 object_id, ra, dec, mag_r, has_spiral_arms_proportion_asked AS asked,
       has_spiral_arms_yes_fraction AS spiral
FROM galcat.galaxy
WHERE has_spiral_arms_proportion_asked > 0.5 AND has_spiral_arms_yes_fraction > 0.7
ORDER BY mag_r""",
    ),
    Example(
        "edge-on",
        "4. Which are the best edge-on disks?",
        "The largest expected share of votes for an edge-on disk, and how round their bulges are.",
        """\
SELECT TOP 5 object_id, ra, dec, disk_edge_on_yes_fraction AS edge_on,
       edge_on_bulge_rounded_fraction AS round_bulge
FROM galcat.galaxy
WHERE disk_edge_on_proportion_asked > 0.5
ORDER BY disk_edge_on_yes_fraction DESC""",
    ),
    Example(
        "bars",
        "5. How does the share of barred disks run with magnitude?",
        "A histogram: one row a magnitude. CEILING(0.5 - x) is 1 where x is below 0.5, else 0.",
        """\
SELECT r_mag, COUNT(*) AS disks, AVG(bar_vote) AS mean_bar_vote, AVG(is_barred) AS barred
FROM (
    SELECT FLOOR(mag_r) AS r_mag, bar_strong_fraction + bar_weak_fraction AS bar_vote,
           CEILING(0.5 - bar_no_fraction) AS is_barred
    FROM galcat.galaxy
    WHERE bar_proportion_asked > 0.5) AS disk
GROUP BY r_mag
ORDER BY r_mag""",
    ),
    Example(
        "mergers",
        "6. Which are most probably merging?",
        "The largest shares of votes for a merger or a major disturbance.",
        """\
SELECT TOP 5 object_id, ra, dec, mag_r, merging_merger_fraction AS merger,
       merging_major_disturbance_fraction AS disturbed,
       merging_merger_fraction + merging_major_disturbance_fraction AS either
FROM galcat.galaxy
WHERE merging_proportion_asked > 0.5
ORDER BY either DESC""",
    ),
    Example(
        "similar",
        "7. What looks like the clearest spiral?",
        "morph_distance is the distance of two galaxies' looks; two random ones are about 1 apart. "
        "TOP with this order asks the vector index.",
        """\
SELECT TOP 6 object_id, morph_distance(object_id, {galaxy}) AS unlikeness, mag_r,
       has_spiral_arms_yes_fraction AS spiral
FROM galcat.galaxy
ORDER BY unlikeness""",
    ),
    Example(
        "similar-nearby",
        "8. And within half a degree of it, face-on, and fainter than r = 17?",
        "A cone and cuts act before the search: there are never fewer rows than galaxies that fulfil them.",
        """\
SELECT TOP 5 object_id, morph_distance(object_id, {galaxy}) AS unlikeness,
       DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', {ra}, {dec})) AS separation,
       mag_r, disk_edge_on_no_fraction AS face_on
FROM galcat.galaxy
WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {ra}, {dec}, 0.5))
  AND disk_edge_on_no_fraction > 0.7 AND mag_r > 17
ORDER BY unlikeness""",
    ),
    Example(
        "unsure",
        "9. Of which galaxies is the encoder least sure whether they are smooth?",
        "The standard deviation of the expected vote fraction, a Dirichlet posterior.",
        """\
SELECT TOP 5 object_id, mag_r, smooth_or_featured_smooth_fraction AS smooth,
       SQRT(smooth_or_featured_smooth_fraction * (1 - smooth_or_featured_smooth_fraction)
            / (smooth_or_featured_concentration + 1)) AS deviation
FROM galcat.galaxy
ORDER BY deviation DESC""",
    ),
    Example(
        "skipped",
        "10. Which sources got no vector, and why?",
        "What the surveys list and galcat.galaxy lacks.",
        """\
SELECT reason, COUNT(*) AS sources, COUNT(DISTINCT tile) AS tiles, MIN(survey_source_id) AS for_example
FROM galcat.skipped_row
GROUP BY reason
ORDER BY sources DESC""",
        ("galcat.skipped_row",),
    ),
)

VECTOR_QUESTIONS = (
    Example(
        "look-alikes-counted",
        "How many galaxies look like one, and how closely?",
        "morph_distance serves in WHERE and in SELECT too; there it compares all galaxies, "
        "so put other conditions beside it where you can.",
        """\
SELECT tenths, COUNT(*) AS galaxies
FROM (
    SELECT FLOOR(10 * morph_distance(object_id, {galaxy})) AS tenths
    FROM galcat.galaxy
    WHERE morph_distance(object_id, {galaxy}) < 0.8 AND mag_r < 18) AS alike
GROUP BY tenths
ORDER BY tenths""",
    ),
    Example(
        "vector",
        "The vectors of the galaxies around a position",
        "Vectors are in a table of their own. Saved as a table, they can be uploaded as in the next example.",
        """\
SELECT g.object_id, g.ra, g.dec, e.search AS vector
FROM galcat.galaxy AS g
JOIN galcat.embedding AS e ON e.object_id = g.object_id
WHERE 1 = CONTAINS(POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', {ra}, {dec}, 0.05))""",
        ("galcat.galaxy", "galcat.embedding"),
    ),
    Example(
        "uploaded-vector",
        "What looks like a vector of my own?",
        "Upload a table t1 of one row with the column vector: 40 numbers as in galcat.embedding.search, "
        "or the full width of the release.",
        """\
SELECT TOP 10 g.object_id, morph_distance(g.object_id, t.vector) AS unlikeness, g.ra, g.dec, g.mag_r
FROM galcat.galaxy AS g, TAP_UPLOAD.t1 AS t
ORDER BY unlikeness""",
    ),
    Example(
        "cross-match",
        "Which galaxies are those of my list?",
        "Upload a table t1 with the columns ra and dec in degrees: every galaxy within 3 arcsec of a row.",
        """\
SELECT t.*, g.object_id, 3600 * DISTANCE(POINT('ICRS', t.ra, t.dec), POINT('ICRS', g.ra, g.dec)) AS arcsec,
       g.mag_r, g.smooth_or_featured_smooth_fraction AS smooth
FROM TAP_UPLOAD.t1 AS t
JOIN galcat.galaxy AS g
  ON 1 = CONTAINS(POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', t.ra, t.dec, 3 / 3600.0))""",
    ),
)

EXAMPLES = TEN_QUESTIONS + VECTOR_QUESTIONS
