"""A simulated survey with a few galaxies of kinds that training left out, never on disk as pictures."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.stretch import to_rgb
from encoder.evaluation.anomalies.isophotes import measure_isophotes
from encoder.evaluation.sets.samples import Sample
from encoder.evaluation.sets.vectors import encode_sample
from encoder.model.encoder import Encoder
from encoder.model.recipe import ImageRecipe
from encoder.simulation.cutouts import cutout
from encoder.simulation.truth import Galaxy, SurveyParameters, draw_galaxy, survey_without
from encoder.training.pictures.shown import show_simulated
from encoder.training.pictures.simulated import DRAWN_PX, KEPT_PX

ODD_KINDS = ("merger", "irregular")
"""The anomalies, as training configurations call them."""
SHARE = 0.014
"""Share of anomalies in the survey, as in the paper's sample of Galaxy Zoo 2."""
SEED = 900_101
CHUNK = 500
"""Galaxies drawn, encoded and forgotten together: 125 MB."""


@dataclass(frozen=True)
class SurveyVectors:
    """A survey as everybody sees it.

    Attributes:
        anomalous: Whether each of the n galaxies is an anomaly, (n,).
        isophotes: Features of each galaxy's isophotes, (n, 24); NaN where a galaxy has no ellipse.
        embedding: Vectors of all galaxies, (n, d), by the encoder's name.
    """

    anomalous: NDArray[np.bool_]
    isophotes: NDArray[np.float32]
    embedding: dict[str, NDArray[np.float32]]


def survey_vectors(
    n: int, encoders: Mapping[str, Encoder], recipe: ImageRecipe, folder: Path, advance: Callable[[int], None]
) -> SurveyVectors:
    """Draw a survey and encode it; a run that was killed goes on at the last chunk.

    Args:
        n: Galaxies, of which 1.4 % are anomalies.
        encoders: The encoders that encode the survey, by name.
        recipe: How the pictures are made in which isophotes are measured.
        folder: Where vectors and isophotes are kept, in files that name what they depend on.
        advance: Called with galaxies done: each counts once for every encoder and once for its isophotes.

    Raises:
        EvaluationError: A kept file is damaged.
    """
    isophotes: list[NDArray[np.float32]] = []
    embedding: dict[str, list[NDArray[np.float32]]] = {name: [] for name in encoders}
    for sample in _chunks(n):
        isophotes.append(measure_isophotes(sample, recipe, folder, advance))
        for name, encoder in encoders.items():
            embedding[name].append(encode_sample(sample, encoder, folder, advance).embedding)
    return SurveyVectors(
        survey_anomalies(n), np.concatenate(isophotes), {k: np.concatenate(v) for k, v in embedding.items()}
    )


def survey_anomalies(n: int) -> NDArray[np.bool_]:
    """Which galaxies of a survey are anomalies, (n,): the same share of every chunk, by chance."""
    anomalous = np.zeros(n, np.bool_)
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        chosen = np.random.default_rng([SEED, start, 0]).choice(size, round(SHARE * size), replace=False)
        anomalous[start + chosen] = True
    return anomalous


def survey_galaxy(i: int, *, anomalous: bool) -> tuple[Galaxy, np.random.Generator]:
    """Galaxy i, and the generator of its noise and of what is around it."""
    rng = np.random.default_rng([SEED, i, 1])
    while True:
        galaxy = draw_galaxy(rng, SurveyParameters())
        if (galaxy.kind in ODD_KINDS or galaxy.disturbance in ODD_KINDS) == anomalous:
            return galaxy, rng


def _chunks(n: int) -> Iterator[Sample]:
    anomalous = survey_anomalies(n)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        yield _sample(start, anomalous[start:stop])


def _sample(start: int, anomalous: NDArray[np.bool_]) -> Sample:
    """Galaxies drawn when they are first seen, and kept as long as the sample is."""
    drawn = functools.cache(lambda i: _picture(start + i, anomalous=bool(anomalous[i])))

    def picture(i: int, recipe: ImageRecipe) -> Tensor:
        return show_simulated(drawn(i), recipe)

    ids = [str(start + i) for i in range(len(anomalous))]
    version = f"{SEED} {start} {np.flatnonzero(anomalous).tolist()} {len(anomalous)} {SurveyParameters()}"
    return Sample(f"anomalies-{start}", ids, version, picture)


def _picture(i: int, *, anomalous: bool) -> Tensor:
    """A picture, (3, KEPT_PX, KEPT_PX) uint8, whose neighbours are no anomalies: they would give it away."""
    galaxy, rng = survey_galaxy(i, anomalous=anomalous)
    flux = cutout(galaxy, rng, survey_without(SurveyParameters(), ODD_KINDS), DRAWN_PX)
    # g, r, z become blue, green, red; rows grow to the north, a picture's rows to the south.
    rgb = to_rgb(torch.from_numpy(flux[None]).flip(1).flip(2))[0]
    margin = (DRAWN_PX - KEPT_PX) // 2
    return (rgb[:, margin:-margin, margin:-margin] * 255).round().to(torch.uint8)
