"""The encoder of a release: its weights file is found again by its digest, wherever it is kept."""

from functools import cache
from pathlib import Path

from catalog.database.connection import connect
from catalog.database.migrate import migrate
from catalog.releases.releases import current_release
from encoder.model.encoder import Encoder, load_encoder
from galcat.errors import WorkflowError
from galcat.workflows.releases.weights_store import (
    digest_of,
    find_weights,
    keep_weights,
    shipped_file,
    weights_store,
)


@cache
def load_release_encoder(name: str, sha256: str, weights: str, *, keep: bool = False) -> Encoder:
    """Load the weights a release was registered with, once a process.

    Args:
        name: Name of the release.
        sha256: Digest of its weights file.
        weights: Path of that file; empty to find it by its digest, in the store or among those that ship.
        keep: Whether a copy is kept in the store: for who fills the release.

    Raises:
        WeightsError: The file cannot be read.
        WorkflowError: The file is another one, or it is in none of these places; or it cannot be kept.
    """
    if weights:
        return _load_if_same(name, sha256, Path(weights), keep=keep)
    with find_weights(sha256) as path:
        if path is None:
            raise WorkflowError(
                f"release {name} was made with weights {sha256[:12]}..., which are neither in "
                f"{weights_store()} nor among those shipped: give the file by --weights, or keep it there by "
                "galcat release keep FILE"
            )
        return _load_if_same(name, sha256, path, keep=keep)


def load_ingestion_encoder(url: str, weights: str = "") -> Encoder:
    """Load the encoder that new tiles are encoded with: that of the current release, kept in the store.

    What ships with galcat, or is configured for its jobs, is for a catalogue without a release: once there is
    one, its own weights go on until another release is promoted.

    Args:
        url: URL of the catalogue's database; its schema is brought up to date first.
        weights: Path of the weights that the first release is made of; empty for those that ship.

    Raises:
        WeightsError: The file cannot be read.
        WorkflowError: The weights of the current release are in none of the places where they are sought, or
            they cannot be kept.
    """
    migrate(url)
    with connect(url, autocommit=True) as connection:
        current = current_release(connection)
    if current is not None:
        own = weights if weights and _has_digest(Path(weights), current.weights_sha256) else ""
        return load_release_encoder(current.name, current.weights_sha256, own, keep=True)
    if weights:
        return _load_first(Path(weights))
    with shipped_file() as path:
        return _load_first(path)


@cache
def _load_first(path: Path) -> Encoder:
    encoder = load_encoder(path)
    keep_weights(path)
    return encoder


def _has_digest(path: Path, sha256: str) -> bool:
    return path.is_file() and digest_of(path) == sha256


def _load_if_same(name: str, sha256: str, path: Path, *, keep: bool) -> Encoder:
    encoder = load_encoder(path)
    if encoder.sha256 != sha256:
        raise WorkflowError(
            f"release {name} was made with weights {sha256[:12]}..., "
            f"{path} is {encoder.name} ({encoder.sha256[:12]}...): give the file of that release"
        )
    if keep:
        keep_weights(path)
    return encoder
