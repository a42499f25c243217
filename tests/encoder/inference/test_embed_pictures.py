"""Pictures in memory and in files give the same vectors and vote fractions."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoder.errors import ImageError
from encoder.inference.embed_pictures import embed
from encoder.model.encoder import Encoder, load_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(device="cpu")


@pytest.fixture
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (90, 120, 3), dtype=np.uint8) for _ in range(3)]


def test_files_folders_arrays_and_open_pictures_give_the_same(
    tmp_path: Path, encoder: Encoder, pictures: list[np.ndarray]
) -> None:
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for file, picture in zip(files, pictures, strict=True):
        Image.fromarray(picture).save(file)
    of_files = embed(files, encoder)
    assert of_files.ids == ("a", "b", "c")
    ways = [tmp_path, str(tmp_path), pictures, [Image.open(file) for file in files], np.stack(pictures)]
    for way in ways:
        found = embed(way, encoder, batch_size=2)
        assert len(found) == 3
        assert np.allclose(found.vectors, of_files.vectors, atol=1e-4)
        assert np.allclose(found.fractions, of_files.fractions, atol=1e-4)
    one = embed(pictures[1], encoder)
    assert one.ids == ("0",)
    assert np.allclose(one.vectors, of_files.vectors[1:2], atol=1e-4)


def test_the_table_has_a_row_a_picture_and_fractions_that_sum_to_one(
    encoder: Encoder, pictures: list[np.ndarray]
) -> None:
    found = embed(pictures, encoder)
    table = found.to_pandas()
    assert table["id"].tolist() == ["0", "1", "2"]
    smooth = [name for name in table.columns if name.startswith("smooth_or_featured_") and "fraction" in name]
    assert np.allclose(table[smooth].sum(axis=1), 1, atol=1e-5)
    assert np.allclose(found.search, encoder.projection.apply(found.vectors))
    assert encoder.recipe.framing is not None
    assert table.columns[:2].tolist() == ["id", "framing_flag"]
    assert len(table.columns) == 2 + len(found.answers) + len(found.questions)


def test_what_is_no_picture_is_refused_by_its_place(
    tmp_path: Path, encoder: Encoder, pictures: list[np.ndarray]
) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"a\.png: unreadable picture"):
        embed(tmp_path, encoder)
    with pytest.raises(ImageError, match=r"picture 1: float64 of shape \(4, 4\), where uint8"):
        embed([pictures[0], np.zeros((4, 4))], encoder)
    with pytest.raises(ImageError, match="give files, or pictures that are open, not both"):
        embed([pictures[0], tmp_path / "a.png"], encoder)  # type: ignore[list-item] # that is the test
    with pytest.raises(ImageError, match=r"give files, or pictures that are open$"):
        embed([], encoder)
