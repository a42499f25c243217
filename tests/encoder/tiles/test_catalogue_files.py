"""Catalogues of a survey's tiles: paths, several tables, none, every unit and frame of positions."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Table

from encoder.errors import SurveyError, TileError
from encoder.surveys.survey_file import load_survey, survey_from_text
from encoder.tiles.tiles import CutoutTile, SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import legacy_rows, tan_wcs, write_legacy_brick
from tests.encoder.tiles.small_surveys import CUTOUTS, DEC, RA, SHAPE, one_band

LEGACY = load_survey("legacy_dr10")


BRICK = "1501p202"


def test_a_brick_without_sources_is_a_tile_without_galaxies(tmp_path: Path) -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    rows = legacy_rows(np.array([RA]), np.array([DEC]))[:0]
    write_legacy_brick(tmp_path, BRICK, dict.fromkeys("grz", np.ones(SHAPE, np.float32)), wcs, rows)
    tile = read_tile(LEGACY, find_tiles(LEGACY, tmp_path)[0])
    assert isinstance(tile, SkyTile)
    assert (len(tile.sources), tile.pixels.shape) == (0, (3, *SHAPE))


def test_a_cutout_table_may_name_files_by_absolute_and_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = survey_from_text(CUTOUTS, tmp_path / "s.toml")
    root, elsewhere = tmp_path / "set", tmp_path / "elsewhere"
    for folder in (root, elsewhere):
        folder.mkdir()
    names = [root / "a.jpg", elsewhere / "b.jpg", Path("c.jpg"), Path("../elsewhere/d.jpg"), Path("gone.jpg")]
    for name in names[:-1]:
        (root / name).write_bytes(b"no picture, but a file")
    Table({"id": range(5), "ra": [10.0] * 5, "dec": [0.0] * 5, "file": [str(name) for name in names]}).write(
        root / "table.csv"
    )
    (tile,) = find_tiles(survey, root)
    read = read_tile(survey, tile)
    assert isinstance(read, CutoutTile)
    assert [path.resolve() for path in read.images] == [(root / name).resolve() for name in names]
    monkeypatch.chdir(tmp_path)
    (again,) = find_tiles(survey, Path("set"))
    assert (again.content_hash(), again.fingerprint) == (tile.content_hash(), tile.fingerprint)


def test_names_that_are_no_text_or_no_files_do_not_end_the_search(tmp_path: Path) -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    rows = legacy_rows(np.array([RA]), np.array([DEC]))
    write_legacy_brick(tmp_path, BRICK, dict.fromkeys("grz", np.ones(SHAPE, np.float32)), wcs, rows)
    odd = os.fsdecode(b"15\xff1p202")
    folder = tmp_path / "coadd" / odd[:3] / odd
    folder.mkdir(parents=True)
    (folder / f"legacysurvey-{odd}-image-g.fits.fz").write_bytes(b"")
    (tmp_path / "coadd" / "151" / "1511p202" / "legacysurvey-1511p202-image-r.fits.fz").mkdir(parents=True)
    found = {tile.name: tile for tile in find_tiles(LEGACY, tmp_path)}
    assert set(found) == {BRICK, odd, "1511p202"}
    assert len(read_tile(LEGACY, found.pop(BRICK)).sources) == 1
    for tile in found.values():
        with pytest.raises(TileError):
            read_tile(LEGACY, tile)


def test_a_cutout_table_without_rows_is_named(tmp_path: Path) -> None:
    survey = survey_from_text(CUTOUTS, tmp_path / "s.toml")
    (tmp_path / "table.csv").write_text("id,ra,dec,file\n")
    with pytest.raises(SurveyError, match=r"table\.csv: the catalogue has no rows"):
        find_tiles(survey, tmp_path)


SPELLINGS = {
    "degrees": ("deg", "icrs", None),
    "hours": ("h", "icrs", None),
    "radians": ("rad", "icrs", None),
    "sexagesimal": (None, "icrs", None),
    "FK4": ("deg", "fk4", "B1950"),
    "FK5 of 1975": ("deg", "fk5", "J1975"),
    "FK5": ("deg", "icrs", "J2000"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("ending", ["fits", "vot"])
def test_a_catalogue_in_any_unit_and_frame_gives_icrs_degrees(
    tmp_path: Path, spelling: str, ending: str
) -> None:
    unit, system, equinox = SPELLINGS[spelling]
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.uint8), 1)
    (root / "t.csv").unlink()
    survey = survey_from_text(
        survey.toml.replace("{tile}.csv", f"{{tile}}.cat.{ending}"), tmp_path / "s.toml"
    )
    given = {} if system == "icrs" else {"equinox": equinox}
    there = SkyCoord(RA * units.deg, DEC * units.deg).transform_to(
        SkyCoord(0, 0, unit="deg", frame=system, **given)
    )
    table = Table({"id": [1], "shape_r": [2.0]})
    if unit is None:
        table["ra"] = [there.ra.to_string(units.hourangle, sep=":", precision=6)]
        table["dec"] = [
            there.dec.to_string(units.deg, sep=":", precision=6).replace(
                "-", "\u2212" if ending == "vot" else "-"
            )
        ]
    else:
        of_dec = "deg" if unit == "h" else unit
        table["ra"] = Column([there.ra.hour if unit == "h" else there.ra.to_value(unit)], unit=unit)
        table["dec"] = Column([there.dec.to_value(of_dec)], unit=of_dec)
    write_in_frame(
        root / f"t.cat.{ending}",
        table,
        {"icrs": "FK5"}.get(system, system.upper()) if equinox else None,
        equinox,
    )

    tile = read_tile(survey, find_tiles(survey, root)[0])

    assert (tile.sources.ra[0], tile.sources.dec[0]) == pytest.approx((RA, DEC), abs=3e-9)


def write_in_frame(path: Path, table: Table, system: str | None, equinox: str | None) -> None:
    """Write a table whose file declares the frame of its positions, as its format does."""
    if path.suffix == ".fits":
        cards = {} if system is None else {"RADESYS": system, "EQUINOX": float(str(equinox)[1:])}
        hdu = fits.table_to_hdu(table)
        hdu.header.update(cards)
        hdu.writeto(path)
        return
    table.write(path, format="votable", tabledata_format="tabledata")
    if system is not None:
        coosys = f'<COOSYS ID="s" system="eq_{system}" equinox="{equinox}"/>'
        path.write_text(
            path.read_text(encoding="utf-8").replace("<TABLE", f"{coosys}<TABLE", 1), encoding="utf-8"
        )


def test_a_frame_that_is_not_converted_is_refused_by_its_name(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.uint8), 1)
    (root / "t.csv").unlink()
    survey = survey_from_text(survey.toml.replace("{tile}.csv", "{tile}.cat.fits"), tmp_path / "s.toml")
    table = Table({"id": [1], "shape_r": [2.0], "ra": [RA], "dec": [DEC]})
    write_in_frame(root / "t.cat.fits", table, "GAPPT", "J2000")
    with pytest.raises(TileError, match=r"t\.cat\.fits: its RADESYS says 'GAPPT'.*convert them to ICRS"):
        read_tile(survey, find_tiles(survey, root)[0])


def test_a_catalogue_with_several_tables_is_chosen_in_the_description(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.uint8), 1)
    tables = [
        fits.table_to_hdu(Table({"id": [i], "ra": [RA], "dec": [DEC], "shape_r": [2.0], extra: [0]}))
        for i, extra in ((1, "x"), (2, "y"))
    ]
    path = root / "t.cat.fits"
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    plain = survey_from_text(survey.toml.replace("{tile}.csv", "{tile}.cat.fits"), tmp_path / "s.toml")
    both = read_tile(plain, find_tiles(plain, root)[0])
    assert both.sources.source_id == ["1", "2"]
    assert both.notes == (f"{path}: of its 2 tables the rows of 1, 2 were read, one after the other",)
    chosen = survey_from_text(survey.toml.replace("{tile}.csv", "{tile}.cat.fits#2"), tmp_path / "s.toml")
    (tile,) = find_tiles(chosen, root, ["t"])
    assert path in tile.files
    read = read_tile(chosen, tile)
    assert (read.sources.source_id, read.notes) == (["2"], ())
