"""The digest of a picture: of its pixels alone, whatever is beside it in the batch or on the tile."""

from hashlib import blake2b

import numpy as np
import torch

from encoder.cutouts.batches import image_batches
from encoder.inference.encode_tile import picture_digests
from encoder.model.recipe import ImageRecipe
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tiles import SkyTile
from tests.encoder.cutouts.reference_cutouts import sky_tile, sources_at
from tests.encoder.tiles.fits_tiles import tan_wcs

SHAPE = (500, 520)


def digests_by_place(tile: SkyTile, batch_size: int) -> dict[tuple[float, float], int]:
    """The digest of every source's picture, by the source's position."""
    batches = image_batches(load_survey("legacy_dr10"), tile, ImageRecipe(size=32), "cpu", batch_size, [])
    return {
        (float(tile.sources.ra[row]), float(tile.sources.dec[row])): digest
        for batch in batches
        for row, digest in zip(batch.rows, picture_digests(batch.rgb).tolist(), strict=True)
    }


def test_a_digest_is_the_blake2b_of_the_picture_in_8_bits() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (5, 3, 9, 9), dtype=np.uint8)
    noise = random.uniform(-0.4, 0.4, pixels.shape).astype(np.float32)  # of a step of 1 / 255
    found = picture_digests(torch.from_numpy((pixels + noise) / np.float32(255)))
    wanted = [
        int.from_bytes(blake2b(picture.tobytes(), digest_size=8).digest(), "little", signed=True)
        for picture in pixels
    ]
    assert found.dtype == np.int64
    assert found.tolist() == wanted
    assert len(set(wanted)) == 5


def test_one_pixel_by_one_step_makes_another_digest() -> None:
    picture = torch.full((1, 3, 16, 16), 0.4)
    other = picture.clone()
    other[0, 2, 7, 3] += 1 / 255
    assert picture_digests(picture) != picture_digests(other)


def test_a_picture_has_the_same_digest_with_other_neighbours_in_other_batches() -> None:
    random = np.random.default_rng(5)
    wcs = tan_wcs(20.0, -5.0, SHAPE, rotation_deg=7)
    pixels = random.normal(0.02, 0.01, (3, *SHAPE)).astype(np.float32)
    scales = random.choice([0.1, 0.17, 0.24], 120)  # cutouts of several resolutions in one batch
    x, y = random.uniform(210, 290, (2, 120))
    ra, dec = wcs.all_pix2world(x, y, 0)
    alone: dict[tuple[float, float], int] = {}
    for batch_size in (120, 64, 16, 7, 1):
        chosen = random.permutation(120)[: random.integers(60, 120)] if alone else np.arange(120)
        sources = sources_at(ra[chosen], dec[chosen], scales[chosen])
        found = digests_by_place(sky_tile(pixels, wcs, sources), batch_size)
        alone = alone or found
        assert len(found) == len(chosen)
        assert found == {place: alone[place] for place in found}
