import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image

from encoder.cutouts.batches import image_batches
from encoder.cutouts.fits_pictures import read_fits_cutout
from encoder.cutouts.image_list import (
    ListedImage,
    list_images,
    name_left_out_images,
    read_image_table,
)
from encoder.cutouts.pictures import read_picture
from encoder.errors import EncoderError, ImageError, SurveyError
from encoder.inference.embed import EmbeddedBatch
from encoder.inference.embed_images import embed_images
from encoder.inference.vectors_file import ROWS_A_GROUP, VectorsFile
from encoder.model.encoder import load_encoder
from encoder.model.recipe import ImageRecipe
from encoder.model.weights_file import read_weights, write_weights
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import find_tiles, read_tile
from tests.encoder.releases import SIZE, galaxies, random_weights

DECALS = load_survey("decals_fits")
RECIPE = ImageRecipe(size=48, crop=0.5)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "small.safetensors"
    write_weights(file, random_weights(backbone="test_efficientnet"))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine galaxies: JPEG, PNG and FITS cubes in one folder and one below it."""
    folder = tmp_path / "cutouts"
    (folder / "deeper").mkdir(parents=True)
    for n, picture in enumerate((galaxies(9, 60).permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)):
        if n % 3 == 2:
            flux = np.random.default_rng(n).uniform(0.001, 1, (3, 60, 60)).astype(np.float32)
            fits.writeto(folder / f"g{n}.fits", flux)
        else:
            Image.fromarray(picture).save(
                folder / ("deeper" if n > 4 else "") / f"g{n}.{('jpg', 'png')[n % 3]}"
            )
    (folder / "labels.csv").write_text("id\n")
    (folder / ".g0.jpg").write_bytes(b"")
    return folder


def test_every_image_of_a_mixed_folder_gets_what_the_plain_network_says_of_it(
    folder: Path, release: Path, tmp_path: Path
) -> None:
    output = tmp_path / "v.parquet"
    made = embed_images(load_encoder(release, "cpu"), list_images([folder]), output, DECALS, pytest.fail, 4)
    table = pq.read_table(output)
    files = sorted(path for path in folder.rglob("g*.*") if path.suffix != ".csv")
    assert table["id"].to_pylist() == [path.stem for path in files if path.name[0] != "."]
    assert (made.n_rows, made.flags) == (len(table), {}) == (9, {})

    weights = read_weights(release)
    with torch.inference_mode():
        expected = weights.network(torch.stack([_picture(path) for path in files]))
    np.testing.assert_allclose(_vectors(output), expected.embedding, rtol=1e-3, atol=1e-4)
    alpha = expected.alpha.numpy()
    for question in weights.tree.questions:
        mine = alpha[:, question.slice]
        given = table[f"{question.column}_concentration"].to_numpy()
        np.testing.assert_allclose(given, mine.sum(axis=1), rtol=1e-3)
        for n_answer, answer in enumerate(question.answers):
            name = f"{question.name}_{answer}_fraction".replace("-", "_")
            np.testing.assert_allclose(table[name], mine[:, n_answer] / mine.sum(axis=1), rtol=1e-3)
    assert table.num_columns == 3 + 34 + 10
    assert str(load_encoder(release).sha256) in str(table.schema.metadata)


def test_a_second_run_writes_the_same_bytes_and_batches_and_threads_hardly_matter(
    folder: Path, release: Path, tmp_path: Path
) -> None:
    def run(name: str, batch_size: int, threads: int) -> Path:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            encoder = load_encoder(release, "cpu")
            embed_images(encoder, list_images([folder]), tmp_path / name, DECALS, pytest.fail, batch_size)
        finally:
            torch.set_num_threads(before)
        return tmp_path / name

    first = run("first", 4, 2)
    assert run("again", 4, 2).read_bytes() == first.read_bytes()
    reference = _vectors(first)
    for batch_size, threads in ((1, 1), (9, 2), (5, 3)):
        other = _vectors(run("other", batch_size, threads))
        off = np.linalg.norm(other - reference, axis=1) / np.linalg.norm(reference, axis=1)
        assert off.max() < 1e-4


def test_half_precision_keeps_the_vectors_of_real_galaxies(shared_data: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "gz_decals_rings" / "images").iterdir())[:6]
    images = [ListedImage(file.stem, file) for file in files]
    for precision in ("float32", "bfloat16"):
        encoder = load_encoder(precision=precision)
        embed_images(encoder, images, tmp_path / precision, DECALS, pytest.fail)
    full, half = _vectors(tmp_path / "float32"), _vectors(tmp_path / "bfloat16")
    cosine = (full * half).sum(axis=1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert 0.999 < np.median(cosine) < 1


def test_rows_are_grouped_alike_however_they_come(release: Path, tmp_path: Path) -> None:
    encoder = load_encoder(release, "cpu")
    rng = np.random.default_rng(1)
    n = 2 * ROWS_A_GROUP + 100
    ids = [f"g{i}" for i in range(n)]
    vectors = rng.normal(size=(n, encoder.dimension)).astype("f4")
    alpha = rng.uniform(1, 101, (n, 34)).astype("f4")
    for name, step in (("a", 64), ("b", n), ("c", 999)):
        with VectorsFile(tmp_path / name, encoder) as file:
            for start in range(0, n, step):
                part = slice(start, start + step)
                none = np.empty((0, 40), np.float32)
                rows = np.arange(n)[part]
                flags = (rows % 7).astype(np.int16)
                file.write(ids[part], EmbeddedBatch(rows, vectors[part], none, alpha[part], [], flags))
    written = pq.ParquetFile(tmp_path / "a")
    sizes = [written.metadata.row_group(i).num_rows for i in range(written.num_row_groups)]
    assert sizes == [ROWS_A_GROUP, ROWS_A_GROUP, 100]
    np.testing.assert_array_equal(_vectors(tmp_path / "a"), vectors)
    found = pq.read_table(tmp_path / "a")["framing_flag"].to_numpy()
    np.testing.assert_array_equal(found, np.arange(n) % 7)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_unreadable_images_are_told_and_the_others_are_written(
    folder: Path, release: Path, tmp_path: Path
) -> None:
    (folder / "g3.jpg").write_bytes(b"")
    (folder / "g4.png").unlink()
    images = [ListedImage(f"g{n}", next(folder.rglob(f"g{n}.*"), folder / "g4.png")) for n in range(9)]
    told: list[str] = []
    counts: list[int] = []
    encoder = load_encoder(release, "cpu")
    embed_images(encoder, images, tmp_path / "v", DECALS, told.append, 2, counts.append)
    assert pq.read_table(tmp_path / "v")["id"].to_pylist() == ["g0", "g1", "g2", "g5", "g6", "g7", "g8"]
    assert told == [
        f"{folder}/g3.jpg: unreadable picture: the file is empty",
        f"{folder}/g4.png: the picture is missing",
    ]
    assert sum(counts) == 9


def test_what_goes_wrong_leaves_the_file_that_was_there(folder: Path, release: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "v.parquet"
    encoder = load_encoder(release, "cpu")
    images = list_images([folder])
    with pytest.raises(EncoderError, match=r"v\.parquet: there is no folder .*out"):
        embed_images(encoder, images, output, DECALS, pytest.fail)
    output.parent.mkdir()
    with pytest.raises(EncoderError, match="out: is a folder"):
        embed_images(encoder, images, output.parent, DECALS, pytest.fail)
    output.write_text("precious")

    def stop(_n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_images(encoder, images, output, DECALS, pytest.fail, 2, stop)
    nothing = [ListedImage("gone", folder / "gone.jpg")]
    with pytest.raises(ImageError, match="none of the 1 images could be read"):
        embed_images(encoder, nothing, output, DECALS, lambda _: None)
    with pytest.raises(SurveyError, match="gz_decals_rings does not describe FITS files"):
        embed_images(encoder, images, output, load_survey("gz_decals_rings"), pytest.fail)
    assert output.read_text() == "precious"
    assert [path.name for path in output.parent.iterdir()] == ["v.parquet"]


def test_two_images_of_one_name_are_refused_and_an_empty_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "g0.jpg", folder / "deeper" / "g0.jpg")
    with pytest.raises(
        ImageError, match=r"two images have the id 'g0', .*deeper/g0\.jpg and .*cutouts/g0\.jpg"
    ):
        list_images([folder])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="the folder holds no image"):
        list_images([tmp_path / "empty"])


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


def test_a_fits_cutout_is_the_picture_that_ingesting_it_makes(shared_data: Path, tmp_path: Path) -> None:
    cube = shared_data / "decals_fits" / "example_a.fits"
    shutil.copy(cube, tmp_path)
    header = fits.getheader(cube)
    # Half the field is 212 px of the file's own 0.1 arcsec; 2.5 arcsec of radius give just that scale.
    (tmp_path / "sources.csv").write_text(
        f"id,tile,ra,dec,shape_r\n1,example_a,{header['CRVAL1']},{header['CRVAL2']},2.5\n"
    )
    (files,) = find_tiles(DECALS, tmp_path)
    recipe = ImageRecipe(size=96, crop=0.7)
    (batch,) = image_batches(DECALS, read_tile(DECALS, files), recipe, "cpu", 8, [])
    torch.testing.assert_close(read_fits_cutout(cube, DECALS, recipe), batch.rgb[0], atol=2e-3, rtol=0)


def test_bands_of_a_fits_cutout_become_colours_south_at_the_bottom(tmp_path: Path) -> None:
    cube = np.full((3, 40, 60), 1e-4, np.float32)
    cube[2, :20, 10:30] = 5  # z, red: south-east quarter of the central square
    cube[:, 0, 0] = np.nan  # off the square
    fits.writeto(tmp_path / "a.fits", cube)
    picture = read_fits_cutout(tmp_path / "a.fits", DECALS, ImageRecipe(size=10))
    red = np.zeros((10, 10), bool)
    red[5:, :5] = True
    np.testing.assert_array_equal(picture[0].numpy() > 0.3, red)


def _nan_quarter(cube: NDArray[np.float32]) -> NDArray[np.float32]:
    cube[1, :20] = np.nan
    return cube


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_nan_quarter, "33% of the pixels of a band are bad"),
        (lambda cube: cube * 0, "100% of the pixels of a band are bad"),
        (lambda cube: cube[0], r"has shape \(60, 60\), not a cube of grz"),
        (lambda cube: cube[:2], r"has shape \(2, 60, 60\), not a cube of grz"),
        (lambda cube: cube[None], r"has shape \(1, 3, 60, 60\), not a cube of grz"),
    ],
)
def test_a_fits_cutout_that_cannot_be_used_is_one_line(
    tmp_path: Path, change: Callable[[NDArray[np.float32]], NDArray[np.float32]], told: str
) -> None:
    fits.writeto(tmp_path / "a.fits", change(np.ones((3, 60, 60), np.float32)))
    with pytest.raises(ImageError, match=rf"a\.fits: {told}"):
        read_fits_cutout(tmp_path / "a.fits", DECALS, RECIPE)


def test_a_few_nan_pixels_take_their_surroundings_value(tmp_path: Path) -> None:
    cube = np.ones((3, 60, 60), np.float32)
    cube[:, 20:30, 20:30] = np.nan
    fits.writeto(tmp_path / "a.fits", cube)
    picture = read_fits_cutout(tmp_path / "a.fits", DECALS, RECIPE)
    torch.testing.assert_close(picture, picture[:, :1, :1].expand_as(picture))


def test_every_kind_of_broken_file_is_one_line_and_no_warning(tmp_path: Path) -> None:
    for content, name in ((b"", "empty.fits"), (b"no fits", "text.fits"), (b"no png", "text.png")):
        (tmp_path / name).write_bytes(content)
        assert name in _refusal(tmp_path / name)
    assert "missing" in _refusal(tmp_path / "gone.fits")
    for suffix in ("jpg", "png"):
        whole = tmp_path / f"whole.{suffix}"
        Image.fromarray((galaxies(1, 60)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(whole)
        content = whole.read_bytes()
        for kept in np.linspace(1, len(content) - 60, 25).astype(int):
            (tmp_path / f"cut.{suffix}").write_bytes(content[:kept])
            assert "unreadable picture" in _refusal(tmp_path / f"cut.{suffix}")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK"])
def test_grey_palette_transparent_and_print_colours_are_taken(tmp_path: Path, mode: str) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8)
    image = Image.fromarray(np.stack([grey] * 3, axis=-1))
    file = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    image.convert(mode).save(file, **({"transparency": b"\x00" * 9} if mode == "P" else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read_picture(file, 20, 1.0)
    loss = 0.2 if mode in ("P", "CMYK") else 1e-6  # web palette, JPEG of noise
    torch.testing.assert_close(
        picture, torch.from_numpy(grey / np.float32(255)).expand(3, -1, -1), atol=loss, rtol=0
    )


def test_deep_and_moving_pictures_are_refused(tmp_path: Path) -> None:
    deep = np.full((20, 20), 40_000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "grey16.png")
    assert "kind I;16, not 8 bits a channel" in _refusal(tmp_path / "grey16.png")
    (tmp_path / "colour16.png").write_bytes(_sixteen_bit_png(deep))
    assert "kind RGB with 16 bits, not 8 bits a channel" in _refusal(tmp_path / "colour16.png")
    frames = [Image.new("RGB", (20, 20), (n, n, n)) for n in (10, 200)]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    assert "holds 2 pictures" in _refusal(tmp_path / "moving.png")


def _sixteen_bit_png(plane: NDArray[np.uint16]) -> bytes:
    """Pillow cannot write one: the chunks by hand."""
    import struct  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = plane.shape
    rows = np.repeat(plane[:, :, None], 3, axis=2).astype(">u2")
    scan = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(scan))
        + chunk(b"IEND", b"")
    )


def _picture(path: Path) -> torch.Tensor:
    if path.suffix == ".fits":
        return read_fits_cutout(path, DECALS, RECIPE)
    return read_picture(path, SIZE, RECIPE.crop)


def _refusal(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        _picture(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def _vectors(file: Path) -> NDArray[np.float32]:
    column: Sequence[Sequence[float]] = pq.read_table(file)["embedding"].to_pylist()
    return np.array(column, np.float32)
