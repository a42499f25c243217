"""Every image of a folder gets its vector and its vote fractions in one file, the same bytes each time."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from encoder.cutouts.image_list import ListedImage, list_images
from encoder.errors import EncoderError, ImageError, SurveyError
from encoder.inference.embed import EmbeddedBatch
from encoder.inference.embed_images import embed_images
from encoder.inference.vectors_file import ROWS_A_GROUP, VectorsFile
from encoder.model.encoder import load_encoder
from encoder.model.weights_file import read_weights, write_weights
from encoder.surveys.survey_file import load_survey
from tests.encoder.cutouts.picture_files import DECALS, read_centre, write_mixed_folder
from tests.encoder.releases import random_weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_mixed_folder(tmp_path)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "small.safetensors"
    write_weights(file, random_weights(backbone="test_efficientnet"))
    return file


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
        expected = weights.network(torch.stack([read_centre(path) for path in files]))
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
    files = sorted((shared_data / "gz_decals_rings" / "images").iterdir())[:3]
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


def _vectors(file: Path) -> NDArray[np.float32]:
    column: list[list[float]] = pq.read_table(file)["embedding"].to_pylist()
    return np.array(column, np.float32)
