"""A tile in, its galaxies' vectors out: free of local state, so that any worker can do any tile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.batches import image_batches
from encoder.cutouts.image_batch import ImageBatch
from encoder.inference.embed import encode_batches
from encoder.model.encoder import Encoder
from encoder.model.gz_tree import Tree
from encoder.surveys.description import Survey
from encoder.tiles.source_table import SkippedRow, SourceTable
from encoder.tiles.tiles import Tile

BATCH_SIZE = 64
THUMBNAIL_PX = 128
_Number = TypeVar("_Number", bound=np.generic)
_BYTES = 8


@dataclass(frozen=True)
class EncodedTile:
    """The galaxies of one tile, n of them, and the sources that gave none.

    Attributes:
        sources: The n sources that were encoded, in the order of the other arrays.
        full: Vectors of full width, (n, d).
        search: Searched vectors, which the projection gives, (n, 40).
        tree: The Galaxy Zoo tree that the encoder answers.
        alpha: Dirichlet parameters of every answer, (n, n_answers), in the tree's order.
        anomaly: How strange each galaxy is, (n,), in 0..1; None where the release has no reference.
        jpegs: Thumbnail of each galaxy, as JPEG.
        picture_digests: Digest of each picture, (n,), by which a later run knows it again.
        framing_flags: What is doubtful about each galaxy's frame, bits of `FramingFlag`, (n,).
        skipped: One entry for every other source.
        notes: What was left out of the tile's files, one line each.
        domain: How far each galaxy lies from the release's real training galaxies, (n,), above 1 further than
            99 % of them; None where the release has no sample of them.
    """

    sources: SourceTable
    full: NDArray[np.float32]
    search: NDArray[np.float32]
    tree: Tree
    alpha: NDArray[np.float32]
    anomaly: NDArray[np.float32] | None
    jpegs: list[bytes]
    picture_digests: NDArray[np.int64]
    framing_flags: NDArray[np.int16]
    skipped: list[SkippedRow]
    notes: tuple[str, ...] = ()
    domain: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class CutTile:
    """A decoded tile, ready to be cut up.

    Attributes:
        sources: All sources that the survey selects in the tile.
        batches: Pictures of the sources, made as they are asked for.
        skipped: Sources that got none; complete when the batches are through.
        notes: What was left out of the tile's files, one line each.
    """

    sources: SourceTable
    batches: Iterator[ImageBatch]
    skipped: list[SkippedRow]
    notes: tuple[str, ...] = ()


def cut_tile(survey: Survey, tile: Tile, encoder: Encoder, batch_size: int = BATCH_SIZE) -> CutTile:
    """Prepare a tile's cutouts on the encoder's device: what can be done before the network is free.

    Args:
        survey: The survey, whose description says how the tile's fluxes become colours.
        tile: The tile, read from its files.
        encoder: The encoder whose recipe the pictures are made by.
        batch_size: Number of galaxies that are encoded together.
    """
    skipped: list[SkippedRow] = []
    batches = image_batches(survey, tile, encoder.recipe, encoder.device, batch_size, skipped)
    return CutTile(tile.sources, batches, skipped, tile.notes)


def encode_tile(
    tile: CutTile, encoder: Encoder, on_batch: Callable[[int], None] | None = None
) -> EncodedTile:
    """Cut out and encode every source of a prepared tile.

    Memory beyond the tile: two batches of pictures, and the answers.

    Args:
        tile: The tile that `cut_tile` prepared; it can be encoded once only.
        encoder: The release it was cut for.
        on_batch: Called with the number of galaxies of each finished batch.
    """
    digests: list[NDArray[np.int64]] = []
    done = list(encode_batches(encoder, _digesting(tile.batches, digests), THUMBNAIL_PX, on_batch))
    search = _concatenate([batch.search for batch in done], _no_rows(len(encoder.projection.components)))
    return EncodedTile(
        sources=tile.sources.take(_concatenate([batch.rows for batch in done], np.empty(0, np.int64))),
        full=_concatenate([batch.embedding for batch in done], np.empty((0, encoder.dimension), np.float32)),
        search=search,
        tree=encoder.tree,
        alpha=_concatenate([batch.concentrations_alpha for batch in done], _no_rows(encoder.tree.n_answers)),
        anomaly=None if encoder.anomaly is None else encoder.anomaly.score(search),
        jpegs=[jpeg for batch in done for jpeg in batch.thumbnails],
        picture_digests=_concatenate(digests, np.empty(0, np.int64)),
        framing_flags=_concatenate([batch.flags for batch in done], np.empty(0, np.int16)),
        skipped=tile.skipped,
        notes=tile.notes,
        domain=None if encoder.domain is None else encoder.domain.distance(search),
    )


def _digesting(batches: Iterator[ImageBatch], digests: list[NDArray[np.int64]]) -> Iterator[ImageBatch]:
    """Pass batches on, and append the digests of each: where batches are made, beside the network."""
    for batch in batches:
        digests.append(picture_digests(batch.rgb))
        yield batch


def _no_rows(width: int) -> NDArray[np.float32]:
    return np.empty((0, width), np.float32)


def _concatenate(parts: list[NDArray[_Number]], empty: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate(parts) if parts else empty


def picture_digests(rgb: Tensor) -> NDArray[np.int64]:
    """Digest every picture by itself.

    The digest is of the picture in 8 bits a channel, so that the last bit of a float, in which processors
    differ, has no say; that hides no change which an astronomer would call one.

    Args:
        rgb: Pictures of n galaxies, (n, 3, size, size) float32 in 0..1, on any device.

    Returns:
        The first 64 bits of the BLAKE2b digest of each picture's pixels, (n,). Two different pictures of one
        galaxy share theirs by an accident of 1 in 1e19.
    """
    pixels = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).cpu().contiguous().numpy()
    digests = [blake2b(picture.data, digest_size=_BYTES).digest() for picture in pixels]
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)
