"""One galaxy in several sets is one group, and a group is in one fold."""

import numpy as np

from encoder.training.labels.sky_groups import folds, same_name, same_picture, same_position, sky_groups


def test_rows_within_three_arcsec_are_one_galaxy_also_across_the_start_of_right_ascension() -> None:
    ra = np.array([0.0002, 359.9997, 10.0, 10.001, np.nan])
    dec = np.array([0.0, 0.0, 60.0, 60.0, 0.0])
    # 1.8 arcsec apart across 0 h; at 60 degrees 3.6 arcsec of right ascension are 1.8 on the sky.
    assert sorted(map(tuple, same_position(ra, dec).tolist())) == [(0, 1), (2, 3)]


def test_rows_four_arcsec_apart_are_two_galaxies() -> None:
    assert len(same_position(np.array([10.0, 10.0]), np.array([0.0, 4 / 3600]))) == 0


def test_an_empty_name_joins_nothing() -> None:
    assert same_name(["", "a", "b", "a", ""]).tolist() == [[1, 3]]


def test_a_picture_encoded_again_is_the_same_and_a_mirrored_one_is_not() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 200, (8, 8, 3))
    noisy = picture + rng.integers(-1, 2, picture.shape)
    pictures = np.stack([picture, picture[:, ::-1], noisy]).astype(np.uint8)
    assert same_picture(pictures).tolist() == [[0, 2]]


def test_what_is_joined_by_different_reasons_is_one_group_with_its_first_rows_number() -> None:
    groups = sky_groups(6, [np.array([[4, 1]]), np.array([[4, 5]])])
    assert groups.tolist() == [0, 1, 2, 3, 1, 1]


def test_all_rows_of_a_galaxy_are_in_one_fold_and_folds_are_of_like_size() -> None:
    n = 5000
    rng = np.random.default_rng(2)
    groups = sky_groups(n, [rng.integers(0, n, (2000, 2))])
    fold = folds(groups, [f"set:{i}" for i in range(n)], 5)
    assert all(len(set(fold[groups == group])) == 1 for group in np.unique(groups))
    # A thousand rows expected in each; a binomial of 5,000 deviates by 28, groups make it wider.
    assert (np.abs(np.bincount(fold, minlength=5) - n / 5) < 300).all()
