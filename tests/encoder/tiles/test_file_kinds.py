"""Tiles as they come: axes in any order, other frames, masks of any width, padding, paths, no sources."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from encoder.cutouts.local_wcs import local_maps
from encoder.errors import SurveyError, TileError
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey, survey_from_text
from encoder.tiles import decode_images
from encoder.tiles.fits_images import celestial_wcs, read_footprint, read_image
from encoder.tiles.image_decoder import ImageDecoder
from encoder.tiles.sky_positions import icrs_to_pixel, pixel_to_icrs
from encoder.tiles.table_columns import read_columns
from encoder.tiles.tiles import CutoutTile, SkyTile, find_tiles, read_tile
from tests.encoder.tiles.fits_tiles import gaussian, legacy_rows, tan_wcs, write_legacy_brick
from tests.encoder.tiles.shape_table import CATALOGUE

LEGACY = load_survey("legacy_dr10")
BRICK = "1501p202"
SHAPE = (120, 140)
RA, DEC = 150.1, 20.25
ONE_BAND = (
    """
name = "oneband"
description = "One image a tile, with a mask"
kind = "tiles"
bands = ["r"]
pixel_scale_arcsec = 0.262
[image]
path = "{tile}.fits"
zero_point = { r = 22.5 }
[mask]
path = "{tile}.mask.fits"
bad_bits = { r = BITS }
"""
    + CATALOGUE
    + """
[rgb]
red = { band = "r", divide_by = 1.0 }
green = { band = "r", divide_by = 1.0 }
blue = { band = "r", divide_by = 1.0 }
"""
)


def transpose(wcs: WCS) -> WCS:
    """The same sky for an image whose rows are the other's columns, with declination as the first axis."""
    other = WCS(naxis=2)
    other.wcs.ctype = ["DEC--TAN", "RA---TAN"]
    other.wcs.crval = wcs.wcs.crval[::-1]
    other.wcs.crpix = wcs.wcs.crpix[::-1]
    other.wcs.cd = wcs.wcs.cd[::-1, ::-1]
    other.wcs.set()
    return other


@pytest.mark.parametrize("ra", [RA, 200.0, 355.0, 0.001])
def test_declination_as_the_first_axis_gives_the_same_tile(tmp_path: Path, ra: float) -> None:
    wcs = tan_wcs(ra, DEC, SHAPE, rotation_deg=20)
    x, y = np.array([40.0, 100.0]), np.array([60.0, 50.0])
    rows = legacy_rows(*wcs.all_pix2world(x, y, 0))
    image = gaussian(SHAPE, 40, 60, 3, 50) + np.float32(1e-3)
    write_legacy_brick(tmp_path / "plain", BRICK, dict.fromkeys("grz", image), wcs, rows)
    write_legacy_brick(tmp_path / "turned", BRICK, dict.fromkeys("grz", image.T), transpose(wcs), rows)
    (plain,) = find_tiles(LEGACY, tmp_path / "plain")
    (turned,) = find_tiles(LEGACY, tmp_path / "turned")
    assert (turned.ra, turned.dec) == pytest.approx((plain.ra, plain.dec), abs=1e-9)
    np.testing.assert_allclose(sorted(turned.footprint), sorted(plain.footprint), atol=1e-9)
    one, other = read_tile(LEGACY, plain), read_tile(LEGACY, turned)
    assert isinstance(one, SkyTile)
    assert isinstance(other, SkyTile)
    np.testing.assert_allclose(other.pixels, one.pixels.transpose(0, 2, 1), atol=2.02e-4)
    field = np.full(2, 20.0)
    maps, _ = local_maps(one.wcs, one.sources.ra, one.sources.dec, field)
    swapped, misfit_px = local_maps(other.wcs, other.sources.ra, other.sources.dec, field)
    np.testing.assert_allclose(swapped[:, ::-1], maps, atol=1e-6)  # x is y, and the cutout the same
    assert misfit_px.max() < 1e-3


@pytest.mark.parametrize(
    ("radesys", "equinox", "frame"),
    [
        ("FK4", 1950.0, "fk4"),
        ("FK5", 1975.0, "fk5"),
        ("FK5", 2000.0, "icrs"),
        ("ICRS", None, "icrs"),
        (None, None, "icrs"),
        (None, 1950.0, "fk4"),
        (None, 2000.0, "icrs"),
    ],
)
@pytest.mark.parametrize("dec_first", [False, True])
def test_an_older_equinox_is_precessed_to_icrs(
    radesys: str | None, equinox: float | None, frame: str, dec_first: bool
) -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    header = (transpose(wcs) if dec_first else wcs).to_header()
    for key, value in (("RADESYS", radesys), ("EQUINOX", equinox)):
        header.pop(key, None)
        if value is not None:
            header[key] = value
    given = {} if frame == "icrs" else {"equinox": f"{'B' if frame == 'fk4' else 'J'}{equinox}"}
    expected = SkyCoord(RA * units.deg, DEC * units.deg, frame=frame, **given).icrs
    found = celestial_wcs(Path("a.fits"), header)
    at = np.array([(SHAPE[1] - 1) / 2]), np.array([(SHAPE[0] - 1) / 2])
    x, y = at[::-1] if dec_first else at
    ra, dec = pixel_to_icrs(found, x, y)
    assert (ra[0], dec[0]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-7)
    np.testing.assert_allclose(icrs_to_pixel(found, ra, dec), (x, y), atol=1e-3)


def test_galactic_coordinates_are_converted_and_helioecliptic_ones_are_refused_by_name() -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    wcs.wcs.ctype = ["GLON-TAN", "GLAT-TAN"]
    header = wcs.to_header()
    ra, dec = pixel_to_icrs(celestial_wcs(Path("a.fits"), header), [69.5], [59.5])
    expected = SkyCoord(RA * units.deg, DEC * units.deg, frame="galactic").icrs
    assert (ra[0], dec[0]) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-7)
    header["RADESYS"], header["EQUINOX"] = "FK5", 2000.0
    again, _ = pixel_to_icrs(celestial_wcs(Path("a.fits"), header), [69.5], [59.5])
    assert again[0] == ra[0]
    header["CTYPE1"], header["CTYPE2"] = "HLON-TAN", "HLAT-TAN"
    with pytest.raises(TileError, match=r"a\.fits: world coordinates: positions of the system HLON-TAN"):
        celestial_wcs(Path("a.fits"), header)


@pytest.mark.parametrize("projection", ["SIN", "ZEA", "ARC", "STG", "CAR", "AIT", "MOL", "TPV", "HPX"])
def test_any_projection_is_read(tmp_path: Path, projection: str) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval, wcs.wcs.crpix = [10.0, 0.0], [40.5, 30.5]
    wcs.wcs.cd = np.diag([-1e-4, 1e-4])
    fits.PrimaryHDU(np.ones((60, 80), np.float32), wcs.to_header()).writeto(tmp_path / "a.fits")
    ra, dec, corners = read_footprint(tmp_path / "a.fits", None)
    assert (ra, dec) == pytest.approx((10, 0), abs=1e-9)
    assert len(corners) == 4


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ({"CRVAL2": 200.0}, "is not on the sky|world coordinates"),
        ({"CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0}, "world coordinates|not on the sky"),
        ({"CTYPE2": "RA---TAN"}, "world coordinates"),
        ({"CTYPE1": "VELO-LSR"}, "world coordinates|no right ascension"),
        ({"CRPIX1": 1e12}, "not on the sky|world coordinates"),
    ],
)
def test_an_impossible_place_is_one_line_and_no_position(
    tmp_path: Path, cards: dict[str, object], message: str
) -> None:
    image = np.ones(SHAPE, np.float32)
    wcs = tan_wcs(RA, DEC, SHAPE)
    rows = legacy_rows(np.array([RA]), np.array([DEC]))
    write_legacy_brick(tmp_path, BRICK, dict.fromkeys("grz", image), wcs, rows)
    for path in (tmp_path / "coadd" / "150" / BRICK).glob("*image*"):
        header = wcs.to_header()
        header.update({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"} if "CRPIX1" in cards else {})
        for name, value in cards.items():
            header[name.replace("CD", "PC") if name.startswith("CD") else name] = value
        fits.CompImageHDU(image, header).writeto(path, overwrite=True)
    (tile,) = find_tiles(LEGACY, tmp_path)
    assert (tile.ra, tile.dec, tile.footprint) == (None, None, ())
    with pytest.raises(TileError, match=message) as caught:
        read_tile(LEGACY, tile)
    assert "\n" not in str(caught.value)


def one_band(folder: Path, bits: NDArray[np.generic], bad_bits: int) -> tuple[Survey, Path]:
    """A tile of one band with a mask; its description asks for some bits."""
    wcs = tan_wcs(RA, DEC, SHAPE)
    fits.PrimaryHDU(np.ones(SHAPE, np.float32), wcs.to_header()).writeto(folder / "t.fits")
    fits.PrimaryHDU(bits).writeto(folder / "t.mask.fits")
    Table({"id": [1], "ra": [RA], "dec": [DEC], "shape_r": [2.0]}).write(folder / "t.csv")
    return survey_from_text(ONE_BAND.replace("BITS", str(bad_bits)), folder / "s.toml"), folder


@pytest.mark.parametrize("kind", ["i2", "i4", "i8", "u1", "u2", "u4", "u8", "i1"])
def test_the_highest_bit_of_a_mask_of_any_width_is_a_bit(tmp_path: Path, kind: str) -> None:
    width = 8 * np.dtype(kind).itemsize
    highest, other = 1 << (width - 1), 1 << (width - 3)
    words = np.zeros(SHAPE, f"u{width // 8}")
    words[3, 4], words[5, 6], words[7, 8] = highest, other, highest | other
    survey, root = one_band(tmp_path, words.view(kind), highest)
    if width < 64:  # TOML's whole numbers end at 63 bits
        assert survey.mask is not None
    tile = read_tile(survey, find_tiles(survey, root)[0])
    assert isinstance(tile, SkyTile)
    assert list(map(tuple, np.argwhere(tile.bad[0]))) == [(3, 4), (7, 8)]


def test_a_bit_that_a_mask_does_not_have_is_refused(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.int16), 1 << 16)
    with pytest.raises(TileError, match=r"t\.mask\.fits: the mask has 16 bits, and bit 16 is asked for"):
        read_tile(survey, find_tiles(survey, root)[0])


@pytest.mark.parametrize("padding", [b"\0" * 2880, b"\0" * 28800, b"\0" * 17])
def test_padding_after_the_last_hdu_is_read_past(tmp_path: Path, padding: bytes) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.arange(12, dtype=np.float32).reshape(3, 4)).writeto(path)
    path.write_bytes(path.read_bytes() + padding)
    pixels = read_image(path, None).pixels
    np.testing.assert_array_equal(pixels, np.arange(12).reshape(3, 4))
    path.write_bytes(path.read_bytes() + b"x" + padding)
    with pytest.raises(TileError, match=r"a\.fits: truncated or damaged, the last \d+ bytes are no HDU"):
        read_image(path, None)


def test_a_brick_without_sources_is_a_tile_without_galaxies(tmp_path: Path) -> None:
    wcs = tan_wcs(RA, DEC, SHAPE)
    rows = legacy_rows(np.array([RA]), np.array([DEC]))[:0]
    write_legacy_brick(tmp_path, BRICK, dict.fromkeys("grz", np.ones(SHAPE, np.float32)), wcs, rows)
    tile = read_tile(LEGACY, find_tiles(LEGACY, tmp_path)[0])
    assert isinstance(tile, SkyTile)
    assert (len(tile.sources), tile.pixels.shape) == (0, (3, *SHAPE))


@pytest.mark.parametrize("sizes", [(40_000, 40_000), (-5, 3), (2**40, 2**40)])
def test_a_header_that_asks_for_absurdly_many_pixels_is_refused_before_they_are_made(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    path = tmp_path / "a.fits"
    fits.CompImageHDU(np.zeros((50, 60), np.float32), compression_type="GZIP_1").writeto(path)
    data = path.read_bytes()
    for axis, size in enumerate(sizes, 1):
        start = data.index(b"ZNAXIS%d " % axis)
        data = data[:start] + b"ZNAXIS%d = %20d" % (axis, size) + data[start + 30 :]
    path.write_bytes(data)
    with pytest.raises(TileError, match=r"a\.fits: ") as caught:
        read_image(path, None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("card", [b"NAXIS", b"NAXIS1"])
@pytest.mark.parametrize("value", [99_999_999_999, -1, -(10**18)])
@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_header_that_would_be_counted_for_ever_is_refused(
    tmp_path: Path, card: bytes, value: int, name: str
) -> None:
    images = [fits.PrimaryHDU(np.ones((3, 4), np.float32)), fits.ImageHDU(np.ones((5, 6), np.float32))]
    fits.HDUList(images).writeto(tmp_path / "whole.fits")
    data = (tmp_path / "whole.fits").read_bytes()
    at = data.rindex(card.ljust(8) + b"=")  # of the second HDU
    data = data[:at] + card.ljust(8) + b"= %20d" % value + data[at + 30 :]
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(TileError, match=name) as caught:
        read_image(tmp_path / name, None)
    assert "\n" not in str(caught.value)
    with pytest.raises(TileError, match=name):
        read_columns(tmp_path / name, ["x"])


CUTOUTS = """
name = "pictures"
description = "Pictures beside a table"
kind = "cutouts"
bands = ["r"]
[image]
path = "{file}"
[catalogue]
path = "table.csv"
id = "id"
ra = "ra"
dec = "dec"
"""


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


def test_images_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    survey, root = one_band(tmp_path, np.zeros(SHAPE, np.int16), 1)
    header = tan_wcs(RA, DEC, SHAPE).to_header()
    hdus = [fits.ImageHDU(np.ones(SHAPE, np.float32), header, name=name) for name in ("SCI", "VAR", "")]
    fits.HDUList([fits.PrimaryHDU(), *hdus, fits.BinTableHDU()]).writeto(root / "t.fits", overwrite=True)
    tile = read_tile(survey, find_tiles(survey, root)[0])
    image = root / "t.fits"
    assert tile.notes == (
        f"{image}: of its images the first was read, and HDU 2 VAR, 3 left out: name one by hdu",
    )
    named = survey_from_text(survey.toml.replace("[image]", '[image]\nhdu = "VAR"'), tmp_path / "s.toml")
    assert read_tile(named, find_tiles(named, root)[0]).notes == ()


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


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz"])
def test_a_second_hdu_that_is_cut_off_is_never_dropped_in_silence(tmp_path: Path, name: str) -> None:
    images = [fits.PrimaryHDU(np.ones((3, 4), np.float32)), fits.ImageHDU(np.ones((60, 60), np.float32))]
    fits.HDUList(images).writeto(tmp_path / "whole.fits")
    whole = (tmp_path / "whole.fits").read_bytes()
    for n_bytes in (3 * 2880 - 100, 4 * 2880, len(whole) - 2880):  # within its header, and its pixels
        cut = whole[:n_bytes]
        (tmp_path / name).write_bytes(gzip.compress(cut) if name.endswith("gz") else cut)
        with pytest.raises(TileError, match=rf"{name}: truncated"):
            read_image(tmp_path / name, None)


def test_pixels_that_end_the_program_which_decodes_them_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = tmp_path / "a.fits"
    fits.CompImageHDU(pixels, compression_type="GZIP_1").writeto(path)
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal, sys\nsys.stdin.readline()\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    decoder = ImageDecoder()
    with monkeypatch.context() as patch:
        patch.setattr(decode_images, "__file__", str(crash))
        with pytest.raises(TileError, match=r"a\.fits: damaged, its compressed pixels cannot be decoded"):
            decoder.decode(path, 1)
    np.testing.assert_array_equal(decoder.decode(path, 1), pixels)  # the next is decoded
    with pytest.raises(TileError, match=r"a\.fits: unreadable FITS: "):
        decoder.decode(path, 7)
    decoder.close()


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", ["i2", "i4", "u2", "f4"])
def test_images_of_every_compression_are_decoded_as_astropy_does(
    tmp_path: Path, kind: str, dtype: str
) -> None:
    if (kind, dtype) == ("PLIO_1", "u2"):
        return  # which astropy does not write
    pixels = np.random.default_rng(5).integers(0, 1000, (40, 50)).astype(dtype)
    path = tmp_path / "a.fits"
    fits.CompImageHDU(pixels, compression_type=kind).writeto(path)
    with fits.open(path) as file:
        expected = file[1].data
    read = read_image(path, None).pixels
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == expected.dtype.newbyteorder("=")
