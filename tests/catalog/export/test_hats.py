"""The export holds what the database holds, by cell and with margins, and takes the former one's place."""

from pathlib import Path

import astropy.units as u
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import Latitude, Longitude, angular_separation
from cdshealpix.nested import lonlat_to_healpix

from catalog.errors import CatalogError
from catalog.export.hats import HatsError, export_hats
from catalog.export.hats_files import HEALPIX
from catalog.export.partitions import ORDER
from catalog.ingestion.writer import write_tile
from tests.catalog.galaxies import DIMENSION, fill, galaxy_rows, tile_record

N = 300
MARGIN_DEG = 4.0


def parts(folder: Path, catalogue: str) -> dict[tuple[int, int], pa.Table]:
    """Every file of a catalogue by its order and pixel, as the list of its partitions names them."""
    base = folder / catalogue
    rows = (base / "partition_info.csv").read_text().splitlines()
    assert rows[0] == "Norder,Npix"
    cells = [tuple(map(int, row.split(","))) for row in rows[1:]]
    found = {}
    for order, pixel in cells:
        found[order, pixel] = pq.read_table(
            base / f"dataset/Norder={order}/Dir={pixel // 10000 * 10000}/Npix={pixel}.parquet",
            partitioning=None,
        )
    assert len(list(base.rglob("Npix=*.parquet"))) == len(found)
    return found


def properties(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    return tmp_path / "sky"


def export(connection: psycopg.Connection, sky: Path, **options: float) -> tuple[int, int]:
    made = export_hats(connection, sky, max_rows=40, margin_arcsec=3600 * MARGIN_DEG, **options)  # type: ignore[arg-type]
    return made.n_files, made.n_written


def test_every_galaxy_is_in_its_cell_with_all_its_columns(connection: psycopg.Connection, sky: Path) -> None:
    fill(connection, N)
    seen: list[tuple[int, int]] = []
    made = export_hats(connection, sky, 40, 3600 * MARGIN_DEG, lambda *done: seen.append(done))
    tables = parts(sky, "galaxy")
    assert (made.n_galaxies, seen[-1]) == (N, (len(tables), len(tables)))
    for (order, pixel), table in tables.items():
        index = table[HEALPIX].to_numpy()
        ra, dec = (table[name].to_numpy() for name in ("ra", "dec"))
        np.testing.assert_array_equal(
            index, lonlat_to_healpix(Longitude(ra * u.deg), Latitude(dec * u.deg), ORDER).astype(np.int64)
        )
        assert set(index >> 2 * (ORDER - order)) == {pixel}
        assert (np.diff(index) >= 0).all()
        assert len(table) <= 40
    whole = pa.concat_tables(tables.values())
    rows = connection.execute(
        "SELECT object_id, healpix29, ra, dec, mag_r, survey_source_id, smooth_or_featured_smooth_fraction "
        "FROM galcat.galaxy ORDER BY healpix29"
    ).fetchall()
    by_id = {row["object_id"]: row for row in whole.to_pylist()}
    for object_id, healpix, ra, dec, magnitude, source, smooth in rows:
        row = by_id.pop(object_id)
        assert (row[HEALPIX], row["ra"], row["dec"], row["survey_source_id"]) == (healpix, ra, dec, source)
        assert row["mag_r"] == (None if magnitude is None else pytest.approx(magnitude))
        assert row["smooth_or_featured_smooth_fraction"] == pytest.approx(smooth)
    assert by_id == {}
    field = whole.schema.field("ra")
    assert field.metadata[b"unit"] == b"deg"
    assert b"scension" in field.metadata[b"description"]


def test_search_and_full_vectors_are_lists_of_half_precision(
    connection: psycopg.Connection, sky: Path
) -> None:
    fill(connection, N)
    export(connection, sky)
    galaxies = pa.concat_tables(parts(sky, "galaxy").values())
    vectors = pa.concat_tables(parts(sky, "vectors").values())
    for table, name, width, query in (
        (galaxies, "search", 40, "SELECT object_id, search FROM galcat_tap.embedding"),
        (vectors, "vector", DIMENSION, "SELECT object_id, vector FROM galcat_tap.embedding"),
    ):
        assert table.schema.field(name).type == pa.list_(pa.float16())
        stored = dict(connection.execute(query.encode()).fetchall())
        assert len(stored) == table.num_rows == N
        for object_id, vector in zip(table["object_id"].to_pylist(), table[name].to_pylist(), strict=True):
            assert len(vector) == width
            np.testing.assert_array_equal(vector, np.array(stored[object_id], np.float16))


def test_the_margin_of_a_cell_holds_all_that_is_near_and_outside(
    connection: psycopg.Connection, sky: Path
) -> None:
    fill(connection, N)
    export(connection, sky)
    tables = parts(sky, "galaxy")
    margins = parts(sky, f"galaxy_{3600 * MARGIN_DEG:g}arcs")
    whole = pa.concat_tables(tables.values())
    ra, dec, ids = (whole[name].to_numpy() for name in ("ra", "dec", "object_id"))
    for cell, own in tables.items():
        margin = margins[cell]["object_id"].to_pylist() if cell in margins else []
        inside = set(own["object_id"].to_pylist())
        assert not inside & set(margin)
        away = angular_separation(
            *np.radians([ra[:, None], dec[:, None]]),
            *np.radians([own["ra"].to_numpy(), own["dec"].to_numpy()]),
        ).min(axis=1)
        near = set(ids[away <= np.radians(MARGIN_DEG)].tolist()) - inside
        assert near <= set(margin)
    about = properties(sky / f"galaxy_{3600 * MARGIN_DEG:g}arcs" / "hats.properties")
    assert (about["dataproduct_type"], about["hats_primary_table_url"]) == ("margin", "galaxy")
    assert float(about["hats_margin_threshold"]) == 3600 * MARGIN_DEG


def test_what_describes_the_catalogues_agrees_with_their_files(
    connection: psycopg.Connection, sky: Path
) -> None:
    fill(connection, N)
    export(connection, sky)
    collection = properties(sky / "collection.properties")
    assert collection["hats_primary_table_url"] == "galaxy"
    for name in ("galaxy", "vectors", collection["default_margin"]):
        tables = parts(sky, name)
        about = properties(sky / name / "hats.properties")
        n_rows = sum(table.num_rows for table in tables.values())
        assert about["obs_collection"] == name
        assert int(about["hats_nrows"]) == n_rows
        assert int(about["hats_order"]) == max(order for order, _ in tables)
        assert pq.read_metadata(sky / name / "dataset" / "_metadata").num_rows == n_rows
        schema = pq.read_schema(sky / name / "dataset" / "_common_metadata")
        assert schema.equals(next(iter(tables.values())).schema)


def test_the_next_export_writes_what_changed_and_takes_the_place_of_the_former(
    connection: psycopg.Connection, sky: Path
) -> None:
    survey_id, release_id = fill(connection, N)
    n_files, n_written = export(connection, sky)
    assert n_written == n_files
    inodes = {path.name: path.stat().st_ino for path in (sky / "galaxy").rglob("Npix=*")}
    assert export(connection, sky) == (n_files, 0)
    assert {path.name: path.stat().st_ino for path in (sky / "galaxy").rglob("Npix=*")} == inodes
    rows = galaxy_rows(1, 77, prefix="new")
    write_tile(connection, survey_id, release_id, tile_record("another", "new"), rows, [])
    _, n_written = export(connection, sky)
    assert 0 < n_written < n_files / 2
    assert sum(table.num_rows for table in parts(sky, "galaxy").values()) == N + 1
    assert len(list(sky.parent.iterdir())) == 2  # the link and what it leads to


def test_a_failed_export_leaves_the_former_one_and_nothing_else(
    connection: psycopg.Connection, sky: Path
) -> None:
    fill(connection, N)
    export(connection, sky)
    before = sky.resolve()

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_hats(connection, sky, progress=stop)
    assert sky.resolve() == before
    assert len(list(sky.parent.iterdir())) == 2
    mine = sky.with_name("mine")
    mine.mkdir()
    theirs = sky.with_name("theirs")  # a link of somebody's own, which leads elsewhere
    theirs.symlink_to(mine)
    for taken in (mine, theirs):
        with pytest.raises(HatsError, match="is there and no export of galcat"):
            export_hats(connection, taken)
    assert theirs.resolve() == mine


def test_two_exports_at_once_do_not_meet_and_what_a_killed_one_left_goes(
    connection: psycopg.Connection, sky: Path
) -> None:
    fill(connection, N)
    for left in (".sky.0123456789ab", ".sky.7.part", ".sky.mine"):
        sky.with_name(left).mkdir(parents=True)
    refused: list[str] = []

    def try_too(_done: int, _of: int) -> None:
        with pytest.raises(HatsError) as caught:
            export_hats(connection, sky)
        refused.append(str(caught.value))

    made = export_hats(connection, sky, progress=try_too)
    assert set(refused) == {f"another export to {sky} runs: wait until it has ended"}
    assert {path.name for path in sky.parent.iterdir()} == {"sky", ".sky.mine", sky.resolve().name}
    sky.rename(sky.with_name("sky2"))  # whoever renames the link goes on with what it leads to
    again = export_hats(connection, sky.with_name("sky2"))
    assert (again.n_galaxies, again.n_written) == (made.n_galaxies, 0)


def test_a_catalogue_without_galaxies_is_one_line(connection: psycopg.Connection, sky: Path) -> None:
    with pytest.raises(CatalogError, match="the catalogue has no galaxies to export"):
        export_hats(connection, sky)
    assert list(sky.parent.iterdir()) == []
