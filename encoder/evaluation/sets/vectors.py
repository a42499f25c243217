"""Vectors and posteriors of a sample, computed once for each encoder and kept in files.

A run that was killed goes on at the last whole file.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from encoder.errors import EvaluationError
from encoder.evaluation.sets.samples import Sample
from encoder.model.atomic_file import read_arrays, write_arrays
from encoder.model.encoder import EncodedPictures, Encoder

_GALAXIES_A_FILE = 256


def encode_sample(
    sample: Sample, encoder: Encoder, folder: Path, advance: Callable[[int], None]
) -> EncodedPictures:
    """Encode a sample, or read what was kept of it.

    Args:
        sample: The n galaxies to encode.
        encoder: The encoder whose vectors are made.
        folder: Where files are kept; a file's name holds the hash of all that its content depends on.
        advance: Called with the number of galaxies done since the last call.

    Raises:
        ImageError: A picture cannot be read.
        EvaluationError: A kept file is damaged.
    """
    key = _key(sample, encoder)
    parts = []
    for start in range(0, len(sample.ids), _GALAXIES_A_FILE):
        rows = range(start, min(start + _GALAXIES_A_FILE, len(sample.ids)))
        file = folder / f"{sample.name}-{key}-{start}.npz"
        if not file.exists():
            pictures = torch.stack([sample.picture(i, encoder.recipe) for i in rows])
            encoded = encoder.encode(pictures)
            write_arrays(file, embedding=encoded.embedding, alpha=encoded.concentrations_alpha)
        parts.append(EncodedPictures(*read_arrays(file, ("embedding", "alpha"), EvaluationError)))
        advance(len(rows))
    return EncodedPictures(
        np.concatenate([p.embedding for p in parts]), np.concatenate([p.concentrations_alpha for p in parts])
    )


def _key(sample: Sample, encoder: Encoder) -> str:
    recipe = json.dumps(encoder.recipe.to_dict(), sort_keys=True)
    parts = (encoder.sha256, recipe, encoder.view_set, encoder.precision, sample.version, _GALAXIES_A_FILE)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
