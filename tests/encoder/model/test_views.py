import numpy as np
import torch

from encoder.model.gz_tree import GZD5
from encoder.model.views import make_views, match_moments


def test_the_eight_views_are_the_eight_symmetries_each_once() -> None:
    picture = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    array = picture[0].numpy()
    expected = set()
    for flipped in (array, array[:, ::-1]):
        expected |= {np.ascontiguousarray(np.rot90(flipped, k, axes=(1, 2))).tobytes() for k in range(4)}
    made = [view[0].contiguous().numpy().tobytes() for view in make_views(picture, 8)]
    assert len(made) == 8
    assert set(made) == expected
    assert len(expected) == 8


def test_one_view_is_the_picture_itself() -> None:
    picture = torch.rand(2, 3, 4, 4)
    (only,) = make_views(picture, 1)
    assert only is picture


def test_one_dirichlet_has_the_mean_and_total_variance_of_the_mixture() -> None:
    alphas = np.random.default_rng(0).uniform(1, 40, (4, 2, 34)).astype(np.float32)
    matched = match_moments(alphas, GZD5)
    rng = np.random.default_rng(1)
    for galaxy in range(2):
        for question in GZD5.slices:
            drawn = np.concatenate([rng.dirichlet(view[galaxy, question], 40_000) for view in alphas])
            again = rng.dirichlet(matched[galaxy, question], 160_000)
            np.testing.assert_allclose(again.mean(axis=0), drawn.mean(axis=0), atol=0.004)
            np.testing.assert_allclose(again.var(axis=0).sum(), drawn.var(axis=0).sum(), rtol=0.03)


def test_views_that_agree_leave_the_posterior_as_it_was() -> None:
    alpha = np.random.default_rng(2).uniform(1, 101, (1, 5, 34)).astype(np.float32)
    np.testing.assert_array_equal(match_moments(alpha, GZD5), alpha[0])
    np.testing.assert_allclose(match_moments(np.repeat(alpha, 8, axis=0), GZD5), alpha[0], rtol=1e-4)


def test_views_that_disagree_make_it_wider_than_the_average_of_their_alphas() -> None:
    alphas = np.ones((2, 1, 34), np.float32)
    alphas[0, 0, 0] = alphas[1, 0, 1] = 100
    matched = match_moments(alphas, GZD5)
    question = GZD5.slices[0]
    assert matched[0, question].sum() < 3 < alphas.mean(axis=0)[0, question].sum()
    np.testing.assert_allclose(matched[0, 0], matched[0, 1], rtol=1e-5)
