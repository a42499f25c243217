"""How far our cutouts are from `reproject` and the published recipe, and how fast they are made.

Run: python -m benchmarks.encoder.cutout_accuracy
"""

import time

import numpy as np
import torch
from astropy.wcs import WCS
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from encoder.cutouts.batches import image_batches
from encoder.cutouts.stretch import to_rgb
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from tests.encoder.cutouts.reference_cutouts import (
    by_reproject,
    galaxy_field,
    ours,
    published_picture,
    sky_tile,
    sources_at,
)
from tests.encoder.tiles.fits_tiles import SCALE_ARCSEC, tan_wcs

CASES = [
    # pixel scale, size, rotation, mirrored
    (0.10, 160, 0.0, False),
    (0.10, 224, 0.0, False),
    (0.10, 424, 0.0, False),
    (0.15, 160, 0.0, False),
    (0.20, 160, 33.0, False),
    (0.20, 151, 33.0, True),
    (0.30, 160, 0.0, False),
    (0.30, 424, 90.0, False),
    (0.50, 160, 120.0, False),
    (0.70, 160, 0.0, False),
    (1.00, 160, 45.0, False),
    (1.00, 64, 0.0, False),
]


def main() -> None:
    """Print both tables."""
    console = Console(width=110)
    console.print(_accuracy())
    console.print(_speed())


def compare(scale: float, size: int, rotation_deg: float, *, mirror: bool) -> dict[str, float]:
    """Differences of one cutout.

    Returns:
        `flux_max`, `flux_rms` in parts of the peak; `rgb_max`, `rgb_rms` in 0..1 against the reference's flux
        through the published formula; `total` ratio of the fluxes minus 1; `noise` ratio of the sky's
        deviation; `late_rms` against the published order of steps: 424 px, stretch, then shrink.
    """
    side = int(424 * scale / SCALE_ARCSEC * 1.5) + 40
    tile, _place = galaxy_field(
        (side, side + 17), _wcs((side, side + 17), rotation_deg, mirror=mirror), 5, scale
    )
    got, want = ours(tile, size)[0].astype(np.float64), by_reproject(tile, size)
    rgb = to_rgb(torch.from_numpy(got[::-1].copy())[None].float())[0].double().numpy()
    off, off_rgb = got - want, rgb - published_picture(want)
    corner = np.s_[1, : size // 8, : size // 8]
    full = published_picture(by_reproject(tile, 424)) if size < 424 else None
    return {
        "flux_max": float(np.abs(off).max() / want.max()),
        "flux_rms": float(off.std() / want.max()),
        "rgb_max": float(np.abs(off_rgb).max()),
        "rgb_rms": float(np.sqrt((off_rgb**2).mean())),
        "total": float(got.sum() / want.sum() - 1),
        "noise": float(got[corner].std() / want[corner].std()),
        "late_rms": float("nan")
        if full is None
        else float(np.sqrt(((rgb - _shrink(full, size)) ** 2).mean())),
    }


def _wcs(shape: tuple[int, int], rotation_deg: float, *, mirror: bool) -> WCS:
    return tan_wcs(150.1, 35.0, shape, SCALE_ARCSEC, rotation_deg, mirror)


def _shrink(picture: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in picture]
    return np.stack([np.asarray(plane.resize((size, size), Image.Resampling.BICUBIC)) for plane in planes])


def _accuracy() -> Table:
    table = Table(
        title="ours against reproject (exact areas; cubic spline where enlarged), peak = 1, picture 0..1"
    )
    heads = [
        "scale",
        "size",
        "turned",
        "flux max",
        "flux rms",
        "rgb max",
        "rgb rms",
        "total",
        "noise",
        "stretch last",
    ]
    for head in heads:
        table.add_column(head, justify="right")
    for scale, size, rotation, mirror in CASES:
        c = compare(scale, size, rotation, mirror=mirror)
        turned = f"{rotation:.0f}{' mirrored' if mirror else ''}"
        numbers = [c["flux_max"], c["flux_rms"], c["rgb_max"], c["rgb_rms"]]
        tail = [f"{c['total']:+.2%}", f"{c['noise']:.2f}", f"{c['late_rms']:.4f}"]
        table.add_row(f"{scale:.2f}", f"{size}", turned, *(f"{number:.4f}" for number in numbers), *tail)
    return table


def _speed() -> Table:
    """Cutouts a second on one core, whole tiles of 3600 x 3600 with 1,000 galaxies and their masks."""
    table = Table(
        title="pictures a second and core (3600 x 3600 x 3 tile, 1,000 galaxies, all steps but decoding)"
    )
    for head in ("size", "scale 0.1", "mixed scales 0.1 to 0.8"):
        table.add_column(head, justify="right")
    torch.set_num_threads(1)
    for size in (160, 224):
        speeds = [_pictures_per_second(size, mixed=mixed) for mixed in (False, True)]
        table.add_row(f"{size}", *(f"{speed:.0f}" for speed in speeds))
    return table


def _pictures_per_second(size: int, *, mixed: bool) -> float:
    random = np.random.default_rng(2)
    shape = (3600, 3600)
    wcs = tan_wcs(150.1, 35.0, shape)
    pixels = random.normal(0, 0.005, (3, *shape)).astype(np.float32)
    ra, dec = wcs.all_pix2world(*random.uniform(100, 3500, (2, 1000)), 0)
    sources = sources_at(ra, dec, 0.1)
    if mixed:
        sources.pixel_scale_arcsec[:] = np.clip(0.04 * random.lognormal(np.log(2.5), 0.7, 1000), 0.1, 0.8)
    bad = np.zeros(pixels.shape, np.bool_)
    bad[:, 1000:1040, 500:3000] = True
    tile = sky_tile(pixels, wcs, sources, bad)
    start = time.process_time()
    batches = image_batches(load_survey("legacy_dr10"), tile, ImageRecipe(size=size), "cpu", 64, skipped=[])
    made = sum(len(batch.rows) for batch in batches)
    return made / (time.process_time() - start)


if __name__ == "__main__":
    main()
