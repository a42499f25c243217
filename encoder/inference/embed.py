"""The inference loop: batches of pictures in, arrays for the catalogue out, two batches in memory.

`encode_pictures` gives the vectors alone of pictures that are all in memory, `encode_jpegs` the thumbnails.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

from encoder.model.encoder import Encoder

if TYPE_CHECKING:
    from encoder.cutouts.image_batch import ImageBatch

_CHUNK = 256
_QUALITY = 85  # of thumbnails

Progress = Callable[[int], None]


@dataclass(frozen=True)
class EmbeddedBatch:
    """What is stored of n galaxies.

    Attributes:
        rows: Positions of the n galaxies in the tile's sources, (n,) int64, as the pictures came.
        embedding: Vectors of full width, (n, d) float32.
        search: Searched vectors, which the projection gives, (n, 40) float32; two random galaxies are about 1
            apart.
        concentrations_alpha: Dirichlet parameters of the answers to each question, (n, n_answers) float32.
        thumbnails: JPEG of each galaxy; empty if none were asked for.
        flags: Bits of `FramingFlag` of each galaxy's picture, (n,).
    """

    rows: NDArray[np.int64]
    embedding: NDArray[np.float32]
    search: NDArray[np.float32]
    concentrations_alpha: NDArray[np.float32]
    thumbnails: list[bytes]
    flags: NDArray[np.int16]


def encode_batches(
    encoder: Encoder,
    batches: Iterable["ImageBatch"],
    thumbnail_px: int | None = None,
    progress: Progress | None = None,
) -> Iterator[EmbeddedBatch]:
    """Encode batches as they come; nothing of an earlier batch is kept.

    The next batch and the JPEGs are made beside the forward pass.

    Args:
        encoder: The encoder whose vectors are made.
        batches: Pictures made by the encoder's recipe, at most once iterated.
        thumbnail_px: Size of the JPEGs to make of the same pictures; None for none.
        progress: Called with the number of galaxies of each batch when it is done.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="beside-the-network") as helpers:
        for batch in _prefetch(batches, helpers):
            drawing = helpers.submit(encode_jpegs, batch.rgb, thumbnail_px) if thumbnail_px else None
            encoded = encoder.encode(batch.rgb)
            yield EmbeddedBatch(
                rows=batch.rows,
                embedding=encoded.embedding,
                search=encoder.projection.apply(encoded.embedding),
                concentrations_alpha=encoded.concentrations_alpha,
                thumbnails=drawing.result() if drawing else [],
                flags=batch.flags,
            )
            if progress is not None:
                progress(len(batch.rows))


def encode_pictures(encoder: Encoder, pictures: Tensor) -> NDArray[np.float32]:
    """Vectors, (n, d), of uint8 pictures, not all of which are turned to floats at once."""
    return np.concatenate(
        [encoder.encode(chunk.float() / 255).embedding for chunk in torch.split(pictures, _CHUNK)]
    )


def _prefetch(batches: Iterable["ImageBatch"], helpers: ThreadPoolExecutor) -> Iterator["ImageBatch"]:
    """Have the next batch made while this one is encoded: two batches in memory."""
    making = iter(batches)
    coming = helpers.submit(next, making, None)
    while (batch := coming.result()) is not None:
        coming = helpers.submit(next, making, None)
        yield batch


def encode_jpegs(rgb: Tensor, size: int = 96) -> list[bytes]:
    """One JPEG for each picture.

    Args:
        rgb: Pictures of n galaxies, (n, 3, s, s) float32 in 0..1, on any device.
        size: Width and height of the JPEG, pixels; a larger picture is shrunk antialiased.
    """
    small = functional.resize(rgb, [size, size], antialias=True)
    pixels = (small.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [_encode_jpeg(Image.fromarray(picture)) for picture in pixels]


def _encode_jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=_QUALITY)
    return file.getvalue()
