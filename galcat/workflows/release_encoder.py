"""The encoder of a release that was registered: its weights file is found again by its digest."""

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from encoder.model.encoder import Encoder, load_encoder
from galcat.errors import WorkflowError


@cache
def load_release_encoder(name: str, sha256: str, weights: str) -> Encoder:
    """Load the weights a release was registered with, once a process.

    Args:
        name: Name of the release.
        sha256: Digest of its weights file.
        weights: Path of that file; empty for the one among those shipped that has this digest.

    Raises:
        WeightsError: The file cannot be read.
        WorkflowError: The file is another one, or none that ships is the one.
    """
    if weights:
        return _load_if_same(name, sha256, Path(weights))
    for entry in shipped_weights().iterdir():
        if entry.name.endswith(".safetensors") and hashlib.sha256(entry.read_bytes()).hexdigest() == sha256:
            with resources.as_file(entry) as path:
                return _load_if_same(name, sha256, path)
    raise WorkflowError(
        f"release {name} was made with weights {sha256[:12]}..., which are not among those shipped: "
        "give the file by --weights"
    )


def shipped_weights() -> Traversable:
    """The folder of the weights files that ship with the package."""
    return resources.files("encoder") / "weights"


def _load_if_same(name: str, sha256: str, path: Path) -> Encoder:
    encoder = load_encoder(path)
    if encoder.sha256 != sha256:
        raise WorkflowError(
            f"release {name} was made with weights {sha256[:12]}..., "
            f"{path} is {encoder.name} ({encoder.sha256[:12]}...): give the file of that release"
        )
    return encoder
