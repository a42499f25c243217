"""What the shipped encoder says of 22,000 galaxies: raw material of the search benchmarks, kept in runs/.

Real cutouts where the shared data are beside the checkout (SDSS and DECaLS), simulated galaxies else.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from torch import Tensor, from_numpy

from encoder.evaluation.sets.samples import Sample, sample_of_files
from encoder.evaluation.sets.vectors import encode_sample
from encoder.model.encoder import EncodedPictures, load_encoder
from encoder.model.recipe import ImageRecipe
from encoder.training.pictures.shown import show_simulated
from encoder.training.pictures.simulated import CHUNK, draw_pictures

GALAXIES = 22_000
SEED = 2_026
ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "runs" / "benchmark_vectors"
DATA = ROOT.parent / "shared" / "data"
FOLDERS = ("efigi/images", "gz2_votes/images", "gz_decals_rings/images")


def encoder_vectors() -> EncodedPictures:
    """Vectors (22,000, d) and posteriors, sources mixed; some 20 minutes the first time."""
    encoder = load_encoder()
    files = sorted(path for folder in FOLDERS for path in (DATA / folder).glob("*.[jp][pn]g"))
    samples = [_simulate(GALAXIES - len(files))]
    if files:
        samples.insert(0, sample_of_files("real", [file.stem for file in files], files, None))
    parts = [encode_sample(sample, encoder, KEPT, _say) for sample in samples]
    order = np.random.default_rng(SEED).permutation(GALAXIES)
    return EncodedPictures(
        np.concatenate([part.embedding for part in parts])[order],
        np.concatenate([part.concentrations_alpha for part in parts])[order],
    )


def _simulate(n: int) -> Sample:
    @lru_cache(maxsize=1)
    def chunk(start: int) -> np.ndarray:
        return draw_pictures(CHUNK, SEED, start)[0]

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        shown = chunk(i - i % CHUNK)[i % CHUNK]
        return show_simulated(from_numpy(shown), recipe)

    return Sample("simulated", [str(i) for i in range(n)], f"{SEED}-{n}", picture)


def _say(n: int) -> None:
    print(f"{n} galaxies encoded or read", flush=True)
