"""What the training of an encoder left out, from the configuration that its weights file holds."""

import tomllib
from collections.abc import Mapping, Sequence

from encoder.errors import EvaluationError
from encoder.model.encoder import Encoder
from encoder.training.config import TIMM


def check_left_out(encoder: Encoder, wanted: Mapping[str, Sequence[str]]) -> None:
    """Refuse an encoder that may have learnt what it is to find.

    Args:
        encoder: A release.
        wanted: What the sources of each kind must leave out.

    Raises:
        EvaluationError: A source did not, the training began at another release, or the file does not say.
    """
    text = encoder.training.get("configuration")
    if not isinstance(text, str):
        raise EvaluationError(f"{encoder.name} does not say what it was trained on")
    configuration = tomllib.loads(text)
    start = configuration["release"]["start"]
    if start not in {"imagenet", "random"} and not start.startswith(TIMM):
        raise EvaluationError(f"{encoder.name} went on from {start}, which may have been trained on anything")
    for source in configuration["source"]:
        for name in wanted.get(source["kind"], ()):
            if name not in source.get("without", ()):
                raise EvaluationError(f"{encoder.name} was trained on {name!r} of source {source['kind']}")
