"""The key of a kept result of fine-tuning: it changes with all that the training depends on."""

import hashlib
import json
from typing import Any

from numpy.typing import NDArray

from encoder.evaluation.sets.samples import Sample
from encoder.finetuning.settings import TuningSettings
from encoder.model.encoder import Encoder


def tuning_key(encoder: Encoder, sample: Sample, settings: TuningSettings, *chosen: NDArray[Any]) -> str:
    """A name for the result of one training, 16 hexadecimal digits.

    Args:
        encoder: The encoder that the training starts from.
        sample: The sample that the pictures are from, of a stated version.
        settings: How the encoder is tuned.
        chosen: Arrays that say which galaxies are learnt from and tested on, and what their labels are.
    """
    recipe = json.dumps(encoder.recipe.to_dict(), sort_keys=True)
    parts = (encoder.sha256, recipe, encoder.view_set, sample.version, settings)
    digest = hashlib.sha256(repr(parts).encode())
    digest.update(b"".join(array.tobytes() for array in chosen))
    return digest.hexdigest()[:16]
