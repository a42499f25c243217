"""Does a survey look like what the encoder was trained on? By survey and by tile, from stored distances."""

import psycopg
from scipy.stats import binom

from catalog.checks.integrity import CheckResult

EXPECTED_SHARE = 0.01
"""Share of real training galaxies that lie further from the others than 1: what the distance's unit means."""
NOTED_SHARE = 0.05
"""A share above this is a shift: more than is met between samples of the same sky (docs/calibration.md)."""
_CHANCE = 0.001
_COUNTS = (
    "SELECT v.name, t.name, count(*), count(*) FILTER (WHERE m.domain_distance > 1) "
    "FROM galcat.morphology AS m JOIN galcat.source AS s USING (object_id) "
    "JOIN galcat.tile AS t USING (tile_id) JOIN galcat.survey AS v ON v.survey_id = s.survey_id "
    "WHERE m.release_id = (SELECT galcat.current_release()) AND m.domain_distance IS NOT NULL "
    "AND NOT s.is_retired GROUP BY 1, 2 ORDER BY 1, 2"
)


def check_domain(connection: psycopg.Connection) -> list[CheckResult]:
    """For each survey, whether its galaxies lie where the current release's real training galaxies do.

    Nothing is broken where they do not: the results are notes. A survey for which no distances are known,
    since the release has no sample of its training galaxies, has none.

    Args:
        connection: Open connection; only read from.
    """
    tiles: dict[str, list[tuple[str, int, int]]] = {}
    for survey, tile, n, n_far in connection.execute(_COUNTS):
        tiles.setdefault(survey, []).append((tile, n, n_far))
    return [_result(survey, found) for survey, found in tiles.items()]


def is_shifted(n: int, n_far: int) -> bool:
    """Whether so many of n galaxies are further than 1 that it is neither chance nor small."""
    return n_far / n > NOTED_SHARE and binom.sf(n_far - 1, n, EXPECTED_SHARE) < _CHANCE


def _result(survey: str, tiles: list[tuple[str, int, int]]) -> CheckResult:
    n, n_far = sum(tile[1] for tile in tiles), sum(tile[2] for tile in tiles)
    shifted = [tile for tile in tiles if is_shifted(tile[1], tile[2])]
    description = (
        f"of {n} galaxies of {survey} {n_far / n:.1%} lie further from the real galaxies that the encoder "
        f"was trained on than {1 - EXPECTED_SHARE:.0%} of those do"
    )
    if not (shifted or is_shifted(n, n_far)):
        return CheckResult("domain", description, 0, None, is_note=True)
    worst = max(shifted or tiles, key=lambda tile: tile[2] / tile[1])
    return CheckResult(
        "domain",
        description,
        max(len(shifted), 1),
        f"tile {worst[0]}, {worst[2]} of {worst[1]} galaxies; {len(shifted)} of {len(tiles)} tiles shifted",
        f"do not count with its vote fractions as they are: galcat calibrate {survey} VOTES where somebody "
        "has voted, or leave them out by domain_distance <= 1",
        is_note=True,
    )
