"""Which images a folder or a table holds, and what is said of the others."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from encoder.cutouts.image_list import ListedImage, list_images, name_left_out_images, read_image_table
from encoder.errors import ImageError
from tests.encoder.cutouts.picture_files import DECALS, write_mixed_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_mixed_folder(tmp_path)


def test_two_images_of_one_name_are_refused_and_an_empty_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "g0.jpg", folder / "deeper" / "g0.jpg")
    with pytest.raises(
        ImageError, match=r"two images have the id 'g0', .*deeper/g0\.jpg and .*cutouts/g0\.jpg"
    ):
        list_images([folder])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="the folder holds no image"):
        list_images([tmp_path / "empty"])
    with pytest.raises(ImageError, match=r"/gone\.jpg: no such file or folder$"):
        list_images([folder, tmp_path / "gone.jpg"])


def test_linked_folders_are_searched_once_and_loops_end(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    (elsewhere / "q.jpg").write_bytes(b"")
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "deeper" / "up").symlink_to(folder)
    (tmp_path / "elsewhere" / "back").symlink_to(folder / "deeper")
    (folder / "lost").symlink_to(tmp_path / "nowhere")
    everything = sorted([*(f"g{n}" for n in range(9)), "q"])
    assert sorted(image.id for image in list_images([folder])) == everything
    assert sorted(image.id for image in list_images([folder / "more"])) == everything
    assert sorted(image.path for image in list_images([folder]) if image.id != "q") == sorted(
        path for path in folder.rglob("g*") if path.suffix in {".jpg", ".png", ".fits"}
    )


def test_files_of_other_kinds_are_counted_by_their_ending(folder: Path) -> None:
    for name in ("a.tif", "b.tif", "deeper/notes"):
        (folder / name).write_bytes(b"")
    told: list[str] = []
    assert len(list_images([folder], told.append)) == 9
    assert told == [f"{folder}: 4 files that are no JPEG, PNG or FITS: 1 .csv, 2 .tif, 1 without an ending"]


def test_images_of_a_cutout_that_are_not_read_are_named(tmp_path: Path) -> None:
    cube = np.ones((3, 20, 20), np.float32)
    hdus = [fits.PrimaryHDU(cube), fits.ImageHDU(cube, name="INVVAR"), fits.ImageHDU(cube, name="MASK")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    fits.writeto(tmp_path / "b.fits", cube)
    (tmp_path / "c.fits").write_bytes(b"no FITS: its reader says so")
    (line,) = name_left_out_images(list_images([tmp_path]), DECALS)
    assert line == (
        f"{tmp_path / 'a.fits'}: of its images the first was read, and HDU 1 INVVAR, 2 MASK left out: "
        "name one by hdu"
    )
    image = replace(DECALS.image, hdu=0)
    assert list(name_left_out_images(list_images([tmp_path]), replace(DECALS, image=image))) == []


def test_a_table_names_the_images_in_its_own_order(tmp_path: Path) -> None:
    rows = {"id": ["007", "3"], "file": ["b/x.fits.fz", "a.jpg"]}
    (tmp_path / "t.csv").write_text("id,file,ra\n007,b/x.fits.fz,1\n3,a.jpg,2\n")
    pq.write_table(pa.table(rows), tmp_path / "t.parquet")
    expected = [ListedImage("007", tmp_path / "b/x.fits.fz"), ListedImage("3", tmp_path / "a.jpg")]
    assert read_image_table(tmp_path / "t.csv", "id", "file") == expected
    assert read_image_table(tmp_path / "t.parquet", "id", "file") == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "id,file\na,x.jpg\na,y.jpg\n",
            r"two images have the id 'a', .*x\.jpg and .*y\.jpg: ids of .*t\.csv",
        ),
        ("id,file\na,x.jpg\n,y.jpg\n", r"t\.csv: row 1 has no id"),
        ("id,file\na,\n", r"t\.csv: row 0 has no file"),
        ("name,file\na,x.jpg\n", r"t\.csv: no column 'id'; it has name, file"),
        ("id,file\n", r"t\.csv: the catalogue has no rows"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ImageError, match=told):
        read_image_table(tmp_path / "t.csv", "id", "file")
