"""The Astronomaly baseline's features of a sample, computed once and kept in a file."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.errors import EvaluationError
from encoder.evaluation.anomalies.astronomaly import PERCENTILES, ellipse_features
from encoder.evaluation.sets.samples import Sample
from encoder.model.recipe import ImageRecipe


def measure_isophotes(
    sample: Sample, recipe: ImageRecipe, folder: Path, advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Ellipse features of the grey pictures, (n, 24), NaN where a galaxy has none.

    Args:
        sample: The n galaxies whose isophotes are measured.
        recipe: The recipe of the encoder that is compared, so that both see the same pictures.
        folder: Where the file is kept; its name holds the hash of all that its content depends on.
        advance: Called with the number of galaxies done since the last call.

    Raises:
        ImageError: A picture cannot be read.
        EvaluationError: The kept file is damaged.
    """
    parts: tuple[object, ...] = (sample.version, recipe.size, recipe.crop, PERCENTILES)
    if recipe.framing is not None:
        parts = (*parts, recipe.framing)
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    file = folder / f"{sample.name}-isophotes-{key}.npy"
    if not file.exists():
        rows = []
        for i in range(len(sample.ids)):
            rows.append(ellipse_features(sample.picture(i, recipe).mean(dim=0).numpy()[None])[0])
            advance(1)
        _write_cache(np.stack(rows), file)
    else:
        advance(len(sample.ids))
    return _read_cache(file)


def _write_cache(features: NDArray[np.float32], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.stem}.part.npy")
    np.save(unfinished, features)
    unfinished.replace(file)


def _read_cache(file: Path) -> NDArray[np.float32]:
    try:
        features: NDArray[np.float32] = np.load(file)
        return features
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise EvaluationError(f"{file} is damaged: delete it and run again") from error
