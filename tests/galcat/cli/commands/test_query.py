"""Commands that ask: sql, similar, match, check."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from catalog.database.connection import connect
from catalog.ingestion.records import object_id
from catalog.releases.releases import build_search_index, refresh_statistics
from encoder.model.recipe import FramingRule
from tests.catalog.galaxies import galaxy_rows
from tests.encoder.cutouts.test_framing import make_picture
from tests.galcat.bricks import write_brick
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder


def test_sql_prints_a_table_with_whole_ids(filled: Galcat) -> None:
    said = filled("sql", "SELECT object_id, mag_r, search FROM galcat.galaxy WHERE survey_source_id = 'g5'")
    assert said.code == 0
    header, row, count = said.out.strip().splitlines()
    assert header.split() == ["object_id", "mag_r", "search"]
    assert row.split()[0].isdecimal()
    assert row.split()[1] == "-"
    assert "40 numbers" in row
    assert count == "(1 row)"


def test_sql_writes_csv_to_the_terminal_and_to_a_file(filled: Galcat, tmp_path: Path) -> None:
    query = "SELECT survey_source_id, ra FROM galcat.galaxy ORDER BY ra"
    rows = galaxy_rows(20, 0)
    wanted = sorted(zip(rows.ra.tolist(), rows.survey_source_id, strict=True))
    file = tmp_path / "answer.csv"
    assert filled("sql", query, "-o", file).code == 0
    for text in (filled("sql", query, "--format", "csv").out, file.read_text()):
        header, *found = csv.reader(io.StringIO(text))
        assert header == ["survey_source_id", "ra"]
        assert [(float(ra), name) for name, ra in found] == wanted


def test_sql_writes_each_format_that_it_offers(filled: Galcat, tmp_path: Path) -> None:
    query = "SELECT object_id, ra, mag_r, survey_source_id, search FROM galcat.galaxy ORDER BY object_id"
    ids = sorted(object_id("survey", f"g{i}") for i in range(20))
    for name in ("a.csv", "a.tsv", "a.vot", "a.xml", "a.fits"):
        assert filled("sql", query, "-o", tmp_path / name).code == 0
        options = {"format": "ascii.tab"} if name == "a.tsv" else {}
        table = Table.read(tmp_path / name, **options)
        assert table["object_id"].tolist() == ids
        assert len(table.colnames) == 5
    assert filled("sql", query, "-o", tmp_path / "a.parquet").code == 0
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["object_id"].to_pylist() == ids
    assert {len(vector) for vector in table["search"].to_pylist()} == {40}
    assert filled("sql", query, "-o", tmp_path / "a.json").code == 0
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["object_id"] for row in rows] == ids
    assert {len(row["search"]) for row in rows} == {40}


def test_similar_understands_ids_positions_names_and_lists(filled: Galcat, tmp_path: Path) -> None:
    rows = galaxy_rows(20, 0)
    identity = str(object_id("survey", "g3"))
    place = (repr(float(rows.ra[3])), repr(float(rows.dec[3])))
    Table({"ra": rows.ra[3:4], "dec": rows.dec[3:4]}).write(tmp_path / "list.csv")
    answers = [
        filled("similar", *words, "-n", "4", "-f", "csv").out
        for words in ([identity], place, ["g3"], ["survey:g3"], ["--list", tmp_path / "list.csv"])
    ]
    assert len(answers[0].splitlines()) == 5
    assert answers == answers[:1] * 5
    ids = [int(line.split(",")[0]) for line in answers[0].splitlines()[1:]]
    for name in ("a.csv", "a.vot", "a.parquet"):
        assert filled("similar", "g3", "-n", "4", "--columns", "ra,mag_r", "-o", tmp_path / name).code == 0
        table = Table.read(tmp_path / name)
        assert table.colnames == ["object_id", "distance", "ra", "mag_r"]
        assert table["object_id"].tolist() == ids


def test_similar_finds_all_that_fulfil_its_conditions(filled: Galcat) -> None:
    rows = galaxy_rows(20, 0)
    bright = {object_id("survey", f"g{i}") for i in range(20) if rows.magnitudes["r"][i] < 17 and i != 3}
    words = ["similar", "g3", "--where", "mag_r < 17", "--near", "10", "-20", "180", "-f", "csv"]
    for exact in ([], ["--exact"], ["--distinct"]):
        lines = filled(*words, *exact, "-n", "50").out.splitlines()[1:]
        assert {int(line.split(",")[0]) for line in lines} == bright


def test_match_gives_every_row_of_a_list_and_names_those_without_a_galaxy(
    filled: Galcat, tmp_path: Path
) -> None:
    rows = galaxy_rows(20, 0)
    ra, dec = [*rows.ra[:3], (rows.ra[3] + 1) % 360], rows.dec[:4]
    Table({"source": ["a", "b", "c", "d"], "RA": ra, "Dec": dec}).write(tmp_path / "list.fits")
    said = filled("match", tmp_path / "list.fits", "--columns", "survey_source_id, mag_r", "-f", "csv")
    assert said.code == 0
    header, *found = csv.reader(io.StringIO(said.out))
    assert header[0] == "source"
    assert header[3:] == ["object_id", "distance_arcsec", "matches", "survey_source_id", "mag_r"]
    assert [(row[0], row[5], row[6]) for row in found] == [
        ("a", "1", "g0"),
        ("b", "1", "g1"),
        ("c", "1", "g2"),
        ("d", "0", ""),
    ]
    assert said.err.splitlines() == ['3 of 4 positions have a galaxy within 3"', "no galaxy (1): row 4"]


def test_an_empty_catalogue_says_how_to_fill_it(galcat: Galcat) -> None:
    said = galcat("sql", "SELECT 1")
    assert (said.code, said.err) == (
        1,
        "error: the catalogue is empty: fill it with galcat demo or galcat ingest\n",
    )


def test_check_passes_and_fails_with_its_exit_code(filled: Galcat, database: str) -> None:
    said = filled("check")
    assert said.code == 1
    assert "35 violations, the first: embedding_r1_search_hnsw is missing" in said.out
    assert 'to do: in psql "$(galcat url)": SELECT galcat.build_search_index(1::smallint)' in said.out
    with connect(database, autocommit=True) as connection:
        build_search_index(connection, 1)
        refresh_statistics(connection)
        assert filled("check").code == 0
        connection.execute("DELETE FROM galcat.thumbnail")
    said = filled("check")
    assert said.code == 1
    assert "20 violations, the first: object_id" in said.out


def test_an_image_is_compared_by_the_weights_of_the_release(
    galcat: Galcat, tmp_path: Path, weights: Path
) -> None:
    write_brick(tmp_path / "bricks", "0100p000")
    assert galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights).code == 0
    Image.new("RGB", (60, 60), (200, 90, 30)).save(tmp_path / "mine.png")
    kept = galcat("similar", tmp_path / "mine.png", "--format", "csv")
    given = galcat("similar", tmp_path / "mine.png", "--weights", weights, "--format", "csv")
    assert (kept.code, kept.out) == (0, given.out)
    sheet = tmp_path / "sheet.png"
    said = galcat("similar", tmp_path / "mine.png", "--weights", weights, "--sheet", sheet)
    assert said.code == 0
    assert said.out.strip().endswith("(3 rows)")
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    cube = np.random.default_rng(0).random((3, 64, 64), np.float32) + 1
    fits.writeto(tmp_path / "mine.fits", cube)
    options = ("--weights", weights, "--survey", "decals_fits", "--sheet", sheet)
    said = galcat("similar", tmp_path / "mine.fits", *options)
    assert said.code == 0, said.err
    assert said.out.strip().endswith("(3 rows)")


def test_an_image_is_seen_the_same_from_two_frames_and_the_sheet_shows_what_the_network_saw(
    galcat: Galcat, tmp_path: Path
) -> None:
    weights = write_small_encoder(tmp_path / "w.safetensors", framing=FramingRule())
    write_brick(tmp_path / "bricks", "0100p000")
    said = galcat("ingest", tmp_path / "bricks", "--survey", "legacy_dr10", "--weights", weights)
    assert said.code == 0
    picture = make_picture(300, 24, axis_ratio=0.4)
    pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(pixels).save(tmp_path / "field.png")
    Image.fromarray(pixels[60:240, 60:240]).save(tmp_path / "half.png")
    sheets = []
    for name in ("field", "half"):
        sheet = tmp_path / f"{name}_sheet.png"
        said = galcat("similar", tmp_path / f"{name}.png", "--weights", weights, "--sheet", sheet)
        assert said.code == 0, said.err
        with Image.open(sheet) as drawn:
            sheets.append(np.asarray(drawn.convert("RGB"), np.float64))
    assert np.abs(sheets[0] - sheets[1]).mean() < 1
    noise = (make_picture(120, 10, peak=0).permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(noise).save(tmp_path / "noise.png")
    said = galcat("similar", tmp_path / "noise.png", "--weights", weights)
    assert said.err.splitlines()[0] == "the frame is in doubt: 1 picture shows no object; say it by --frame"
    said = galcat("similar", tmp_path / "noise.png", "--weights", weights, "--frame", "whole")
    assert "in doubt" not in said.err


def test_a_position_without_a_galaxy_names_the_nearest_and_the_radius_that_takes_it(filled: Galcat) -> None:
    rows = galaxy_rows(20, 0)
    place = (repr(float(rows.ra[3])), repr(float(rows.dec[3]) + 10.02 / 3600))
    said = filled("similar", *place)
    assert (said.code, said.err.count("\n")) == (1, 1)
    nearest = f': the nearest, {object_id("survey", "g3")}, is 10.0" away; --radius-arcsec '
    assert nearest in said.err
    radius = said.err.split("--radius-arcsec ")[1].split()[0]
    assert filled("similar", *place, "--radius-arcsec", radius).code == 0


def test_a_list_that_finds_little_is_told_where_the_galaxies_are(
    filled: Galcat, database: str, tmp_path: Path
) -> None:
    rows = galaxy_rows(20, 0)
    away = 90 if float(rows.dec.max()) < 80 else -90
    Table({"ra": [1.0, 2.0, rows.ra[0]], "dec": [away, away, rows.dec[0]]}).write(tmp_path / "list.csv")
    said = filled("match", tmp_path / "list.csv")
    ra_deg = np.sort(rows.ra)
    groups = np.split(ra_deg, np.flatnonzero(np.diff(np.floor(ra_deg)) > 1) + 1)
    named = ", ".join(f"{group[0]:.2f} to {group[-1]:.2f}" for group in groups[:3])
    ra = f"RA {named} and {len(groups) - 3} more ranges"
    dec = f"Dec {rows.dec.min():.2f} to {rows.dec.max():.2f} degrees"
    assert said.err.splitlines()[1] == f"the catalogue has 20 galaxies at {ra}, {dec}"
    with connect(database, autocommit=True) as connection:  # across the origin
        connection.execute(
            "UPDATE galcat.source SET ra = (ARRAY[359.2, 359.6, 0.8])[1 + (object_id % 3)::int], "
            "dec = object_id % 2"
        )
    said = filled("match", tmp_path / "list.csv")
    assert (
        said.err.splitlines()[1]
        == "the catalogue has 20 galaxies at RA 359.20 to 0.80, Dec 0.00 to 1.00 degrees"
    )


def test_a_picture_is_looked_at_before_a_network_is_loaded(filled: Galcat, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    said = filled("similar", tmp_path / "a.png", "--weights", "nosuch")
    assert (said.code, said.out) == (1, "")
    assert "a.png: unreadable picture" in said.err
    (tmp_path / "a.fits").write_bytes(b"no FITS")
    said = filled("similar", tmp_path / "a.fits", "--weights", "nosuch")
    assert "a.fits: name by --survey the survey, or its TOML file" in said.err
    said = filled("similar", tmp_path / "a.fits", "--weights", "nosuch", "--survey", "decals_fits")
    assert "a.fits: " in said.err
    assert "nosuch" not in said.err
    assert filled("similar", tmp_path / "b.fits").err == f"error: {tmp_path}/b.fits: no such file\n"
