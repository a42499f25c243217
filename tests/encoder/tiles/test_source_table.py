"""Which catalogue rows become sources, and with what ids, magnitudes and sizes."""

import math
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from numpy.typing import NDArray

from encoder.errors import TileError
from encoder.surveys.description import ScaleRule, Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.selection import digest_rows, read_catalogue, select_sources
from encoder.tiles.source_table import SourceTable, pixel_scales
from tests.encoder.tiles.fits_tiles import legacy_rows

LEGACY = load_survey("legacy_dr10")
DEC = np.zeros(6)


def read(path: Path, survey: Survey = LEGACY) -> SourceTable:
    columns = read_catalogue(survey, path)
    return select_sources(survey, columns, np.arange(len(columns[survey.catalogue.ra])), path)


def write(path: Path, table: Table) -> Path:
    table.write(path, overwrite=True)
    return path


def csv_survey(tmp_path: Path, catalogue: str) -> Survey:
    text = LEGACY.toml
    start, end = text.index("[catalogue]"), text.index("# The Galaxy Zoo DECaLS picture.")
    path = tmp_path / "mine.toml"
    path.write_text(text[:start] + catalogue + text[end:], encoding="utf-8")
    return load_survey(path)


def float32(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_each_condition_of_the_legacy_selection_leaves_its_row_out(tmp_path: Path) -> None:
    rows = legacy_rows(
        np.array([10, 20, 30, 40, 50, 370.0]),
        DEC,
        type=np.array([b"REX", b"PSF", b"EXP", b"DEV", b"SER", b"SER"]),
        flux_r=float32(100, 100, 25, 100, 100, 26),  # 25 nanomaggies are magnitude 19.005
        brick_primary=np.array([True, True, True, False, True, True]),
        maskbits=np.array([0x1000, 0, 0, 0, 0x400, 0x4], np.int32),
    )
    sources = read(write(tmp_path / "t.fits", rows))
    assert sources.source_id == ["10000-331000-0", "10000-331000-5"]
    assert sources.row.tolist() == [0, 5]
    assert sources.ra.tolist() == [10.0, 10.0]
    assert len(sources) == 2


def test_a_flux_not_above_zero_has_no_magnitude(tmp_path: Path) -> None:
    rows = legacy_rows(
        np.arange(3.0), DEC[:3], flux_g=float32(100, 0, -1), flux_r=float32(100, 1000, math.nan)
    )
    sources = read(write(tmp_path / "t.fits", rows))
    assert sources.row.tolist() == [0, 1]  # NaN < 19 does not hold
    assert sources.mag["g"][0] == pytest.approx(22.5 - 2.5 * 2)
    assert math.isnan(sources.mag["g"][1])
    assert sources.mag["r"].tolist() == pytest.approx([17.5, 15.0])
    assert sources.mag["r"].dtype == np.float32


@pytest.mark.parametrize(
    ("petro_th50", "petro_th90", "shape_r", "expected"),
    [
        (5.0, 15.0, 9.0, min(0.04 * 5, 0.02 * 15)),
        (5.0, 8.0, 9.0, 0.02 * 8),
        (1.0, 2.0, 9.0, 0.1),
        (math.nan, 15.0, 9.0, 0.04 * 9),
        (5.0, math.nan, 1.0, 0.1),
        (math.nan, math.nan, 0.0, 0.1),
        (math.nan, math.nan, math.nan, math.nan),
    ],
)
def test_the_pixel_scale_follows_galaxy_zoo(
    petro_th50: float, petro_th90: float, shape_r: float, expected: float
) -> None:
    scale = pixel_scales(float32(petro_th50), float32(petro_th90), float32(shape_r), ScaleRule())
    assert scale.tolist() == pytest.approx([expected], nan_ok=True)
    assert scale.dtype == np.float32


def test_a_csv_keeps_ids_as_text_and_reads_gaps_as_nan(tmp_path: Path) -> None:
    survey = csv_survey(
        tmp_path,
        '[catalogue]\npath = "{tile}.csv"\nid = ["field", "n"]\nra = "ra"\ndec = "dec"\npetro_th50 = "r50"\n'
        'petro_th90 = "r90"\nshape_r = "r_e"\nradius_unit_arcsec = 60.0\nmagnitude = { r = "rmag" }\n',
    )
    path = tmp_path / "t.csv"
    path.write_text("n, field,ra,dec,r50,r90,r_e,rmag\n007,NA,1,2,-99,0.5,0.2,\n1e3,b,-1,2,0.1,0.2,,17.25\n")
    sources = read(path, survey)
    assert sources.source_id == ["NA-007", "b-1e3"]
    assert sources.ra.tolist() == [1.0, 359.0]
    assert sources.petro_th50.tolist() == pytest.approx([math.nan, 6.0], nan_ok=True)  # -99 says: none
    assert sources.shape_r.tolist() == pytest.approx([12.0, math.nan], nan_ok=True)
    assert sources.mag["r"].tolist() == pytest.approx([math.nan, 17.25], nan_ok=True)
    assert sources.pixel_scale_arcsec.tolist() == pytest.approx([0.04 * 12, min(0.04 * 6, 0.02 * 12)])


@pytest.mark.parametrize(
    ("select", "kept"),
    [
        ('column = "kind"\ntest = "!="\nvalue = "star"', [0, 3]),
        ('column = "kind"\ntest = "in"\nvalue = ["star", "blob"]', [1, 3]),
        ('column = "flag"\ntest = "bits set"\nvalue = 6', [0]),
        ('column = "flag"\ntest = "bits clear"\nvalue = 2', [2]),
        ('column = "flag"\ntest = ">="\nvalue = 2', [0, 1]),
        ('column = "good"\ntest = "=="\nvalue = true', [0, 2]),
    ],
)
def test_conditions_hold_only_for_rows_with_a_value(tmp_path: Path, select: str, kept: list[int]) -> None:
    catalogue = '[catalogue]\npath = "{tile}.csv"\nid = "n"\nra = "n"\ndec = "n"\n'
    survey = csv_survey(tmp_path, f"{catalogue}[[catalogue.select]]\n{select}\n")
    path = tmp_path / "t.csv"
    path.write_text("n,kind,flag,good\n0,galaxy,7,True\n1,star,2,False\n2,,1,True\n3,blob,,False\n")
    columns = read_catalogue(survey, path)
    assert select_sources(survey, columns, np.arange(4), path).row.tolist() == kept


def test_a_condition_that_does_not_fit_its_column_is_refused(tmp_path: Path) -> None:
    catalogue = '[catalogue]\npath = "{tile}.csv"\nid = "n"\nra = "n"\ndec = "n"\n'
    survey = csv_survey(
        tmp_path, f'{catalogue}[[catalogue.select]]\ncolumn = "kind"\ntest = "<"\nvalue = 3\n'
    )
    path = tmp_path / "t.csv"
    path.write_text("n,kind\n0,galaxy\n")
    with pytest.raises(TileError, match=r"t\.csv: column kind holds text, the condition's value is 3"):
        read(path, survey)


@pytest.mark.parametrize(
    ("objid", "message"),
    [([4, 5, 6, 5], "rows 1 and 3 have the same id '10000-331000-5'")],
)
def test_two_rows_with_one_id_are_both_named(tmp_path: Path, objid: list[int], message: str) -> None:
    path = write(tmp_path / "t.fits", legacy_rows(np.arange(4.0), DEC[:4], objid=np.array(objid)))
    with pytest.raises(TileError, match=rf"t\.fits: {message}"):
        read(path)


def test_the_same_id_on_a_row_that_is_not_selected_is_no_matter(tmp_path: Path) -> None:
    rows = legacy_rows(np.arange(2.0), DEC[:2], objid=np.array([7, 7]), brick_primary=np.array([True, False]))
    assert read(write(tmp_path / "t.fits", rows)).source_id == ["10000-331000-7"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "unreadable FITS: it is empty$"),
        (b"a letter", "no column 'ra'; it has a, letter$"),
        (b"\x1f\x8b no gzip", "unreadable FITS: "),
        (b"SIMPLE  =  nonsense", "unreadable"),
        (None, "the catalogue is missing"),
    ],
)
def test_a_damaged_catalogue_is_one_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "t.fits"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TileError, match=rf"t\.fits: .*{message}") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_catalogue_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", legacy_rows(np.linspace(0, 1, 500), np.zeros(500)))
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(TileError, match=r"t\.fits: truncated, \d+ of \d+ bytes"):
        read(path)


def test_a_catalogue_without_rows_has_no_sources_and_one_without_a_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", legacy_rows(np.empty(0), np.empty(0)))
    assert len(read(path)) == 0
    rows = legacy_rows(np.arange(2.0), DEC[:2])
    rows.remove_column("maskbits")
    with pytest.raises(TileError, match=r"t\.fits: no column 'maskbits'; it has release, brickid"):
        read(write(tmp_path / "t.fits", rows))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unreadable table: it is empty"),
        ("n,ra\n1,2\n", "no column 'dec'; it has n, ra"),
        ("n,ra,dec\n1,2,3\n2,north,3\n", "row 1: ra is 'north', not a number"),
        ("n,ra,dec\n1,2,3\n,2,3\n", "row 1: the id is empty"),
        ('n,ra,dec\n1,2,"3\n', "unreadable table"),
    ],
)
def test_a_wrong_csv_names_the_row(tmp_path: Path, text: str, message: str) -> None:
    survey = csv_survey(tmp_path, '[catalogue]\npath = "{tile}.csv"\nid = "n"\nra = "ra"\ndec = "dec"\n')
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(TileError, match=rf"t\.csv: {message}") as caught:
        read(path, survey)
    assert "\n" not in str(caught.value)


def test_a_csv_without_rows_has_no_sources(tmp_path: Path) -> None:
    survey = csv_survey(tmp_path, '[catalogue]\npath = "{tile}.csv"\nid = "n"\nra = "ra"\ndec = "dec"\n')
    (tmp_path / "t.csv").write_text("n,ra,dec\n")
    sources = read(tmp_path / "t.csv", survey)
    assert (sources.source_id, sources.ra.shape, sources.dec.shape) == ([], (0,), (0,))


def test_other_table_formats_are_read_by_astropy(tmp_path: Path) -> None:
    survey = csv_survey(tmp_path, '[catalogue]\npath = "{tile}.ecsv"\nid = "n"\nra = "ra"\ndec = "dec"\n')
    path = write(tmp_path / "t.ecsv", Table({"n": ["a", "b"], "ra": [1.5, 2.5], "dec": [-1, 1]}))
    sources = read(path, survey)
    assert (sources.source_id, sources.ra.tolist(), sources.dec.tolist()) == (
        ["a", "b"],
        [1.5, 2.5],
        [-1.0, 1.0],
    )


def test_a_table_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", legacy_rows(np.arange(2.0), DEC[:2]))
    assert len(read(path)) == 2
    assert len(read(write(path, legacy_rows(np.arange(1500.0) / 9, np.zeros(1500))))) == 1500


def test_the_hash_of_rows_depends_on_those_rows_alone(tmp_path: Path) -> None:
    ra = np.arange(6.0)
    before = read_catalogue(LEGACY, write(tmp_path / "a.fits", legacy_rows(ra, DEC)))
    after = read_catalogue(LEGACY, write(tmp_path / "b.fits", legacy_rows(np.where(ra == 5, 5.5, ra), DEC)))
    assert digest_rows(before, np.arange(5)) == digest_rows(after, np.arange(5))
    assert digest_rows(before, np.arange(6)) != digest_rows(after, np.arange(6))
