"""The stretch against a pixel-by-pixel reading of the published formula."""

import math

import numpy as np
import pytest
import torch

from encoder.cutouts.stretch import to_rgb


def published_pixel(z: float, r: float, g: float) -> list[float]:
    """The paper's formula for one pixel, in plain double precision."""
    low, high = math.asinh(-0.5), math.asinh(300)
    y = [
        (math.asinh(flux / scale) - low) / (high - low)
        for flux, scale in ((z, 0.019), (r, 0.014), (g, 0.008))
    ]
    a = sum(y) / 3
    if a == 0:
        a = 1.0
    w = math.sin(math.pi / 2 * (1 - min(1.0, max(c / a for c in y) / 2.5)))
    return [min(1.0, max(0.0, c * w + a * (1 - w) + a * (1 - w) ** 2 * c)) for c in y]


def test_every_pixel_agrees_with_the_published_formula() -> None:
    random = np.random.default_rng(1)
    sky = random.normal(0, 0.02, (1, 3, 20, 30))
    galaxy = random.lognormal(-2, 2.5, (1, 3, 20, 30))
    flux = np.concatenate([sky, galaxy])

    expected = np.array(
        [[[published_pixel(*flux[n, :, y, x]) for x in range(30)] for y in range(20)] for n in range(2)]
    )

    got = to_rgb(torch.from_numpy(flux.astype(np.float32))).numpy()
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected.transpose(0, 3, 1, 2), atol=2e-5)
    assert got.min() >= 0
    assert 0.99 < got.max() <= 1


@pytest.mark.parametrize("level", [-0.5, 0.0, 3.0, 300.0, 1e6])
def test_a_grey_pixel_stays_grey_and_follows_the_asinh(level: float) -> None:
    scales = (0.019, 0.014, 0.008)
    flux = torch.tensor(scales).view(1, 3, 1, 1) * level
    linear = (math.asinh(level) - math.asinh(-0.5)) / (math.asinh(300) - math.asinh(-0.5))
    # A grey pixel's strongest channel is its mean, so the published fade still adds a little light.
    fade = 1 - math.sin(math.pi / 2 * (1 - 1 / 2.5))
    expected = min(1.0, linear * (1 - fade) + linear * fade + linear**2 * fade**2)
    assert to_rgb(flux).flatten().tolist() == pytest.approx([expected] * 3, abs=1e-6)


def test_a_pixel_of_one_colour_only_is_faded_to_grey() -> None:
    red, green, blue = to_rgb(torch.tensor([0.0, 0.0, 0.05]).view(1, 3, 1, 1)).flatten().tolist()
    assert blue - red < 0.5 * (math.asinh(0.05 / 0.008) / (math.asinh(300) - math.asinh(-0.5)))
    assert red == pytest.approx(green)


def test_the_scales_divide_red_green_and_blue_in_that_order() -> None:
    flux = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    scales = (2.0, 3.0, 5.0)
    by_hand = torch.stack([flux[:, 0] / 2, flux[:, 1] / 3, flux[:, 2] / 5], dim=1)
    torch.testing.assert_close(to_rgb(flux, scales), to_rgb(by_hand, (1.0, 1.0, 1.0)))


def test_the_input_is_left_as_it_was_and_nan_stays_nan() -> None:
    flux = torch.rand(1, 3, 2, 2, generator=torch.Generator().manual_seed(4))
    flux[0, 1, 0, 0] = torch.nan
    before = flux.clone()
    rgb = to_rgb(flux)
    torch.testing.assert_close(flux, before, equal_nan=True)
    assert rgb[0, :, 0, 0].isnan().all()
    assert not rgb[0, :, 1, 1].isnan().any()
