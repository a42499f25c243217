from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.cutouts.image_batch import ImageBatch
from encoder.inference.embed import EmbeddedBatch, encode_batches, encode_jpegs
from encoder.model.device import has_fast_bfloat16
from encoder.model.encoder import Encoder, load_encoder
from tests.encoder.releases import galaxies, random_release

GALAXIES = 70
TOLERANCE = 1e-4  # relative, stated in the model card


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(random_release(tmp_path_factory.mktemp("release")), "cpu")


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_the_batch_size_changes_no_vector(encoder: Encoder, batch_size: int) -> None:
    _assert_same(_run(encoder, batch_size), _run(encoder, GALAXIES))


@pytest.mark.usefixtures("threads")
def test_the_number_of_threads_changes_no_vector(encoder: Encoder) -> None:
    torch.set_num_threads(1)
    alone = _run(encoder, 16)
    torch.set_num_threads(2)
    _assert_same(_run(encoder, 16), alone)


def test_neighbours_in_the_batch_and_earlier_batches_change_no_vector(encoder: Encoder) -> None:
    backwards = encoder.encode(galaxies(GALAXIES).flip(0)).embedding[::-1]
    _assert_close(backwards, encoder.encode(galaxies(GALAXIES)).embedding)


def test_a_second_run_gives_the_same_bytes(encoder: Encoder) -> None:
    first, second = _run(encoder, 16), _run(encoder, 16)
    for name in ("embedding", "search", "concentrations_alpha"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.thumbnails == second.thumbnails


def test_every_array_belongs_to_its_galaxy(encoder: Encoder) -> None:
    pictures = galaxies(GALAXIES)
    run = _run(encoder, 32)
    encoded = encoder.encode(pictures)
    np.testing.assert_array_equal(run.rows, np.arange(GALAXIES) * 3)
    np.testing.assert_array_equal(run.flags, run.rows % 5)
    _assert_close(run.embedding, encoded.embedding)
    _assert_close(run.search, encoder.projection.apply(encoded.embedding))
    _assert_close(run.concentrations_alpha, encoded.concentrations_alpha)
    assert run.thumbnails == encode_jpegs(pictures, 32)


def test_no_more_than_one_batch_is_made_ahead(encoder: Encoder) -> None:
    asked: list[int] = []
    finished: list[int] = []

    def batches() -> Iterator[ImageBatch]:
        for batch in _batches(20):
            asked.append(len(batch.rows))
            yield batch

    run = encode_batches(encoder, batches(), progress=finished.append)
    assert asked == []
    assert next(run).thumbnails == []
    assert 1 <= len(asked) <= 2
    assert finished == []
    next(run)
    assert 2 <= len(asked) <= 3
    assert finished == [20]
    list(run)
    assert asked == [20, 20, 20, 10]
    assert finished == [20, 20, 20, 10]


def test_no_batches_give_nothing(encoder: Encoder) -> None:
    assert list(encode_batches(encoder, [])) == []


def test_bfloat16_keeps_the_direction_of_the_vectors(encoder: Encoder) -> None:
    if not has_fast_bfloat16(torch.device("cpu")):
        pytest.skip("this processor has no bfloat16 arithmetic")
    half = replace(encoder, precision="bfloat16").encode(galaxies(GALAXIES)).embedding
    whole = encoder.encode(galaxies(GALAXIES)).embedding
    cosine = (half * whole).sum(axis=1) / np.linalg.norm(half, axis=1) / np.linalg.norm(whole, axis=1)
    assert np.median(cosine) >= 0.999
    assert not np.array_equal(half, whole)


def test_eight_views_keep_to_the_tolerance_too(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path, view_set=8), "cpu")
    small = [encoder.encode(part) for part in galaxies(10).split(3)]
    whole = encoder.encode(galaxies(10))
    _assert_close(np.concatenate([p.embedding for p in small]), whole.embedding)
    _assert_close(np.concatenate([p.concentrations_alpha for p in small]), whole.concentrations_alpha)


def _run(encoder: Encoder, batch_size: int) -> EmbeddedBatch:
    parts = list(encode_batches(encoder, _batches(batch_size), thumbnail_px=32))
    return EmbeddedBatch(
        rows=np.concatenate([p.rows for p in parts]),
        embedding=np.concatenate([p.embedding for p in parts]),
        search=np.concatenate([p.search for p in parts]),
        concentrations_alpha=np.concatenate([p.concentrations_alpha for p in parts]),
        thumbnails=[jpeg for p in parts for jpeg in p.thumbnails],
        flags=np.concatenate([p.flags for p in parts]),
    )


def _batches(batch_size: int) -> Iterator[ImageBatch]:
    pictures, rows = galaxies(GALAXIES), np.arange(GALAXIES) * 3
    for start in range(0, GALAXIES, batch_size):
        part = slice(start, start + batch_size)
        yield ImageBatch(rows=rows[part], rgb=pictures[part], flags=(rows[part] % 5).astype(np.int16))


def _assert_same(one: EmbeddedBatch, other: EmbeddedBatch) -> None:
    for name in ("embedding", "search", "concentrations_alpha"):
        _assert_close(getattr(one, name), getattr(other, name))


def _assert_close(one: np.ndarray, other: np.ndarray) -> None:
    change = np.linalg.norm(one - other, axis=1) / np.linalg.norm(other, axis=1)
    assert change.max() < TOLERANCE
