import numpy as np
import pytest
import torch

from encoder.training.pictures.augment import Share, augment, bridge_surveys, crop_and_resize


def test_the_plain_picture_is_the_centre_of_the_frame_averaged() -> None:
    image = _noise(80)
    expected = image[:, 20:60, 20:60].float().reshape(3, 10, 4, 10, 4).mean(dim=(2, 4)) / 255
    made = crop_and_resize(image, 0.5, 10)
    # The antialiased filter is a triangle, the average a box: equal in the mean, near at each pixel.
    assert float(made.mean()) == pytest.approx(float(expected.mean()), abs=0.01)
    assert float((made - expected).abs().max()) < 0.25


def test_more_than_the_frame_is_sky_of_the_borders_colour() -> None:
    image = torch.zeros(3, 40, 40, dtype=torch.uint8)
    image[0] = 51
    image[:, 10:30, 10:30] = 255
    made = crop_and_resize(image, 2.0, 80)
    assert made[:, 2, 2].tolist() == pytest.approx([0.2, 0, 0], abs=0.01)
    assert made[:, 40, 40].tolist() == pytest.approx([1, 1, 1], abs=0.01)


def test_a_picture_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    image, share = _noise(64), Share(0.5, 1.5)
    first, again, other = (augment(image, share, 32, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (3, 32, 32)
    assert first.dtype == torch.float32
    assert 0 <= float(first.min()) <= float(first.max()) <= 1


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    augment(_noise(64), Share(1, 1), 32, torch.Generator().manual_seed(3))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_galaxy_stays_near_the_centre_and_its_size_follows_the_share() -> None:
    disk = _disk(200, radius=30)
    for share in (0.5, 1.0, 1.6):
        areas = []
        for seed in range(12):
            made = augment(disk, Share(share, share), 64, torch.Generator().manual_seed(seed)).mean(dim=0)
            y, x = torch.nonzero(made > 0.35, as_tuple=True)
            assert abs(float(x.float().mean()) - 31.5) < 5
            assert abs(float(y.float().mean()) - 31.5) < 5
            areas.append(len(x))
        expected = np.pi * (30 / 200 / share * 64) ** 2
        assert np.median(areas) == pytest.approx(expected, rel=0.15)


def test_turning_leaves_no_black_corners_inside_the_frame() -> None:
    bright = torch.full((3, 100, 100), 200, dtype=torch.uint8)
    for seed in range(8):
        made = augment(bright, Share(0.6, 0.6), 32, torch.Generator().manual_seed(seed))
        assert float(made.min()) > 0.4


def _noise(size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return torch.randint(0, 256, (3, size, size), generator=generator, dtype=torch.uint8)


def _disk(size: int, radius: int) -> torch.Tensor:
    axis = torch.arange(size) - (size - 1) / 2
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 < radius**2
    return (inside * 220).to(torch.uint8).expand(3, size, size).clone()


def test_a_bridged_picture_is_the_same_for_the_same_seed_and_in_range() -> None:
    image = torch.randint(0, 256, (3, 90, 90), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    one, again, other = (
        bridge_surveys(image, Share(0.5, 0.8), 64, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert one.shape == (3, 64, 64)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert 0 <= float(one.min()) <= float(one.max()) <= 1


def test_bridging_turns_a_galaxy_about_its_middle_and_keeps_its_size_within_the_zoom() -> None:
    at = torch.arange(121) - 60.0
    image = (200 * torch.exp(-(at**2 + at[:, None] ** 2) / (2 * 12**2))).expand(3, -1, -1).to(torch.uint8)
    for seed in range(20):
        picture = bridge_surveys(image, Share(0.5, 0.8), 64, torch.Generator().manual_seed(seed)).mean(dim=0)
        bright = (picture > (picture.max() + picture.median()) / 2).float()
        x = (bright.sum(dim=0) * torch.arange(64.0)).sum() / bright.sum()
        assert float(x) == pytest.approx(31.5, abs=64 * 0.1)
        # 0.8 of the frame shows a galaxy of half width 1.18 sigma in 9 px, 0.5 of it in 15; gamma widens it.
        assert 6 < float((bright.sum() / torch.pi).sqrt()) < 24
