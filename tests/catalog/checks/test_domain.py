"""A survey unlike the training galaxies is noted, by survey and tile; one like them, or unknown, is not."""

from dataclasses import replace

import numpy as np
import psycopg
from scipy.stats import binom

from catalog.checks.domain import check_domain, is_shifted
from catalog.ingestion.records import SurveyRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import register_release
from tests.catalog.galaxies import fill, galaxy_rows, release_record, tile_record


def test_shares_beyond_1_are_told_by_survey_and_tile(connection: psycopg.Connection) -> None:
    release = register_release(connection, release_record())
    for survey, far in (("near", (0, 1)), ("odd", (1, 30))):
        number = register_survey(connection, SurveyRecord(survey, "made up", ("g", "r"), "toml"))
        for tile, n_far in zip(("a", "b"), far, strict=True):
            distances = np.where(np.arange(40) < n_far, 1.5, 0.5).astype(np.float32)
            rows = replace(galaxy_rows(40, 1, f"{survey}{tile}"), domain_distances=distances)
            write_tile(connection, number, release, tile_record(tile), rows, [])
    near, odd = check_domain(connection)
    assert (near.passed, near.is_note) == (True, True)
    assert "of 80 galaxies of near 1.2% lie further" in near.description
    assert (odd.passed, odd.is_note, odd.violations) == (False, True, 1)
    assert "of 80 galaxies of odd 38.8% lie further" in odd.description
    assert odd.example == "tile b, 30 of 40 galaxies; 1 of 2 tiles shifted"
    assert "galcat calibrate odd VOTES" in odd.remedy


def test_nothing_is_said_where_no_distances_are_known(connection: psycopg.Connection) -> None:
    fill(connection, 5)
    assert check_domain(connection) == []


def test_a_share_is_a_shift_where_it_is_neither_chance_nor_small() -> None:
    for n in (1, 3, 10, 50, 400, 5_000):
        fewer = np.concatenate([[0], np.cumsum(binom.pmf(np.arange(n), n, 0.01))])
        for n_far in range(0, n + 1, max(1, n // 100)):
            by_chance = 1 - fewer[n_far]
            assert is_shifted(n, n_far) == (n_far / n > 0.05 and by_chance < 0.001), (n, n_far)
