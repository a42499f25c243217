"""The nearest of many vectors at once, beside plain numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.neighbours import nearest
from catalog.neighbours.nearest import NearestVectors

K = 20


def alike(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids in no order, and vectors on a bent surface of 6 dimensions in 40, as those of galaxies lie."""
    rng = np.random.default_rng(seed)
    flat = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 40))
    vectors = np.tanh(flat) @ rng.normal(size=(40, 40)) / 40 + 0.01 * rng.normal(size=(n, 40))
    return rng.permutation(10 * n)[:n].astype(np.int64), vectors.astype(np.float16).astype(np.float32)


def by_loop(
    ids: NDArray[np.int64], vectors: NDArray[np.float32], one: int, k: int
) -> tuple[list[int], NDArray[np.float64]]:
    """The k nearest of one galaxy, those equally far by their ids."""
    own = int(np.flatnonzero(ids == one)[0])
    distance = np.linalg.norm(vectors.astype(np.float64) - vectors[own], axis=1)
    order = [i for i in np.lexsort((ids, distance.round(6))) if i != own][:k]
    return ids[order].tolist(), distance[order]


@pytest.mark.parametrize("n", [1, 2, 15, 500])
def test_of_a_few_vectors_all_are_compared(n: int) -> None:
    ids, vectors = alike(n)
    near, distances = NearestVectors(ids, vectors, K).find(ids)
    assert near.shape == distances.shape == (n, min(K, n - 1))
    place = {one: i for i, one in enumerate(ids.tolist())}
    for row, one in enumerate(ids.tolist()):
        assert len({one, *near[row].tolist()}) == min(K, n - 1) + 1
        apart = vectors[[place[other] for other in near[row].tolist()]] - vectors[row]
        assert distances[row] == pytest.approx(np.linalg.norm(apart, axis=1), abs=1e-6)
        assert distances[row] == pytest.approx(by_loop(ids, vectors, one, K)[1], abs=1e-6)


def test_lists_find_nearly_all_of_many_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "EXACT", 1_000)
    ids, vectors = alike(6_000)
    found = NearestVectors(ids, vectors, K)
    asked = np.random.default_rng(5).choice(ids, 400, replace=False)
    near, distances = found.find(asked)
    assert near.shape == (400, K)
    assert not (near == asked[:, None]).any()
    assert (np.diff(distances, axis=1) >= 0).all()
    hits = [
        len(set(row) & set(by_loop(ids, vectors, one, K)[0])) for one, row in zip(asked, near, strict=True)
    ]
    assert np.mean(hits) / K > 0.98
    assert found.recall(400, seed=2) == pytest.approx(np.mean(hits) / K, abs=0.01)


def test_twins_are_neighbours_at_0_and_never_oneself() -> None:
    ids, vectors = alike(300)
    vectors[:40] = vectors[0]
    near, distances = NearestVectors(ids, vectors, K).find(ids[:40])
    assert (distances == 0).all()
    for own, row in zip(ids[:40], near, strict=True):
        others = sorted(set(ids[:40].tolist()) - {int(own)})
        assert set(row.tolist()) <= set(others)
        assert len(set(row.tolist())) == K


def test_lists_that_hold_too_few_are_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "EXACT", 100)
    monkeypatch.setattr(nearest, "_SAMPLE", 50)
    ids, vectors = alike(400)
    vectors[0] += 100  # alone in its list
    near, _ = NearestVectors(ids, vectors, 300).find(ids[:1])
    assert len(set(near[0].tolist())) == 300
