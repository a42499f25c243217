"""The found frame holds the galaxy whatever the picture's own frame was, and says where it is in doubt."""

import math

import pytest
import torch
from torch import Tensor

from encoder.cutouts.framing import VIEW_RADII, FramingFlag, cut_views, find_frames

SKY = 0.1
NOISE = 0.01


def make_picture(
    size: int,
    sigma: float,
    *,
    at: tuple[float, float] = (0.5, 0.5),
    peak: float = 0.7,
    axis_ratio: float = 1.0,
    noise: float = NOISE,
    seed: int = 0,
) -> Tensor:
    """A Gaussian galaxy, (3, size, size); `sigma` in pixels, `at` in widths of the picture."""
    x = torch.arange(size) + 0.5
    across, down = (x - at[0] * size) / sigma, (x[:, None] - at[1] * size) / (sigma * axis_ratio)
    light = peak * torch.exp(-(across**2 + down**2) / 2)
    noisy = SKY + light + noise * torch.randn(3, size, size, generator=torch.Generator().manual_seed(seed))
    return noisy.clamp(0, 1)


def centre(picture: Tensor, side: int) -> Tensor:
    first = (picture.shape[-1] - side) // 2
    return picture[:, first : first + side, first : first + side]


def test_the_radius_holds_nine_tenths_of_the_light_above_the_faintest_that_counts() -> None:
    sigma = 24.0
    # Light is summed down to 0.06 of the peak, so of all light 0.94: 1 - exp(-r^2 / 2) = 0.9 * 0.94.
    expected = sigma * math.sqrt(-2 * math.log(1 - 0.9 * 0.94))
    found = find_frames(make_picture(300, sigma, noise=0)[None])
    assert float(found.radius) == pytest.approx(expected, rel=0.04)
    assert found.flag.tolist() == [0]


@pytest.mark.parametrize("axis_ratio", [1.0, 0.3])
def test_every_framing_of_one_galaxy_gives_one_radius(axis_ratio: float) -> None:
    picture = make_picture(424, 30, axis_ratio=axis_ratio)
    whole = float(find_frames(picture[None]).radius)
    larger = torch.nn.functional.interpolate(picture[None], scale_factor=1.5, mode="bicubic").clamp(0, 1)
    framings = {
        "half": (centre(picture, 212)[None], 1.0),
        "tight": (centre(picture, round(3.4 * whole))[None], 1.0),
        "1.5 times": (larger, 1.5),
    }
    for name, (framed, scale) in framings.items():
        assert float(find_frames(framed).radius) / scale == pytest.approx(whole, rel=0.06), name


def test_the_view_of_a_galaxy_is_the_same_from_every_framing() -> None:
    picture = make_picture(424, 30, axis_ratio=0.5)
    views = []
    for framed in (picture, centre(picture, 260)):
        found = find_frames(framed[None])
        views.append(cut_views(framed[None], found, 64))
    other = make_picture(424, 30, axis_ratio=1.0)[None]
    between = (views[0] - views[1]).abs().mean()
    assert between < (views[0] - cut_views(other, find_frames(other), 64)).abs().mean() / 5


def test_a_galaxy_beside_the_middle_is_centred() -> None:
    found = find_frames(make_picture(200, 12, at=(0.56, 0.45))[None])
    assert float(found.x) == pytest.approx(112, abs=1.5)
    assert float(found.y) == pytest.approx(90, abs=1.5)


def test_noise_alone_has_no_object_and_keeps_the_whole_picture() -> None:
    found = find_frames(make_picture(120, 10, peak=0)[None])
    assert FramingFlag(int(found.flag)) == FramingFlag.NO_OBJECT
    assert float(found.view_side) == pytest.approx(120)
    assert (float(found.x), float(found.y)) == (60, 60)


def test_a_galaxy_that_the_picture_cuts_is_flagged() -> None:
    found = find_frames(centre(make_picture(424, 60), 160)[None])
    assert FramingFlag.CUT in FramingFlag(int(found.flag))


@pytest.mark.parametrize(("radii", "cut"), [(0.6, True), (0.85, True), (1.5, False), (2.5, False)])
def test_a_galaxy_is_cut_where_the_circle_of_its_light_does_not_fit(radii: float, cut: bool) -> None:
    for axis_ratio, at in ((1.0, 0.5), (0.6, 0.5), (1.0, 0.47)):
        whole = make_picture(424, 40, axis_ratio=axis_ratio, at=(at, 0.5))
        side = round(2 * radii * float(find_frames(whole[None]).radius))
        found = find_frames(centre(whole, side)[None])
        assert (FramingFlag.CUT in FramingFlag(int(found.flag))) == cut, (axis_ratio, at)


def test_two_galaxies_of_one_brightness_are_flagged() -> None:
    one = make_picture(300, 10, noise=0)
    other = make_picture(300, 10, at=(0.64, 0.5))
    found = find_frames((one + other - SKY).clamp(0, 1)[None])
    assert FramingFlag.SEVERAL in FramingFlag(int(found.flag))


def test_a_star_of_a_pixel_is_flagged() -> None:
    found = find_frames(make_picture(160, 0.8, peak=0.9)[None])
    assert FramingFlag.POINT in FramingFlag(int(found.flag))


def test_a_picture_of_twenty_pixels_and_an_oblong_one_are_measured() -> None:
    assert float(find_frames(make_picture(20, 2.5)[None]).radius) == pytest.approx(2.5 * 1.93, rel=0.25)
    oblong = make_picture(300, 15)[:, 75:225]
    found = find_frames(oblong[None])
    assert (float(found.x), float(found.y)) == pytest.approx((150, 75), abs=1)


def test_a_picture_is_framed_the_same_in_any_batch() -> None:
    pictures = torch.stack([make_picture(160, sigma, seed=i) for i, sigma in enumerate((6.0, 12.0, 20.0))])
    together = find_frames(pictures)
    for i in range(3):
        assert float(find_frames(pictures[i : i + 1]).radius) == pytest.approx(
            float(together.radius[i]), rel=1e-4
        )


def test_beyond_the_picture_lies_sky_of_its_own_colour() -> None:
    picture = make_picture(100, 14, noise=0)[None]
    picture[:, 0] += 0.1
    found = find_frames(picture)
    view = cut_views(picture, found, 60, widths=200 / float(found.view_side))
    corner = view[0, :, :3, :3].mean(dim=(1, 2))
    assert corner.tolist() == pytest.approx([SKY + 0.1, SKY, SKY], abs=0.02)


def test_the_view_is_as_wide_as_the_release_says_and_antialiased() -> None:
    picture = make_picture(400, 30, noise=0)[None]
    stripes = (torch.arange(400) % 2).float().expand(1, 3, 400, 400)
    found = find_frames(picture)
    assert float(found.view_side) == pytest.approx(VIEW_RADII * float(found.radius))
    # Stripes of a pixel, seen at three pixels to one, are grey.
    grey = cut_views(stripes, found, round(float(found.view_side) / 3))
    assert float((grey - 0.5).abs().max()) < 0.1


@pytest.mark.parametrize("away", [0.0, 0.1, -0.1])
def test_a_galaxy_near_the_middle_is_not_called_off_centre(away: float) -> None:
    found = find_frames(make_picture(300, 14, at=(0.5 + away, 0.5 - away))[None])
    assert found.flag.tolist() == [0]


@pytest.mark.parametrize("away", [0.16, 0.2, 0.25, 0.3, 0.4, -0.2, -0.4])
def test_a_galaxy_far_from_the_middle_is_flagged_whatever_lies_there(away: float) -> None:
    for at in ((0.5 + away, 0.5), (0.5, 0.5 + away), (0.5 + away, 0.5 - away)):
        alone = make_picture(300, 14, at=at)
        faint = (alone + make_picture(300, 4, peak=0.2, noise=0) - SKY).clamp(0, 1)
        flags = [FramingFlag(int(flag)) for flag in find_frames(torch.stack([alone, faint])).flag]
        assert flags[0] & (FramingFlag.OFF_CENTRE | FramingFlag.NO_OBJECT), at
        assert FramingFlag.OFF_CENTRE in flags[1], at


def test_a_neighbour_of_four_times_the_light_does_not_make_a_galaxy_doubtful() -> None:
    own = make_picture(300, 8, noise=0)
    neighbour = make_picture(300, 16, at=(0.85, 0.85))
    assert find_frames((own + neighbour - SKY).clamp(0, 1)[None]).flag.tolist() == [0]
