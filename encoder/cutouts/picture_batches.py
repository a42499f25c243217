"""Ready-made pictures in files as batches of what the network sees, read side by side and in their order."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.fits_pictures import is_fits, open_fits_picture
from encoder.cutouts.frames import OpenPicture, see_at_once, see_found
from encoder.cutouts.image_batch import ImageBatch
from encoder.cutouts.pictures import ColourPicture, open_picture
from encoder.errors import ImageError
from encoder.model.recipe import ImageRecipe
from encoder.requested_frame import RequestedFrame
from encoder.surveys.description import Survey

_PIXELS_AT_ONCE = 2**25
"""Pixels of the pictures that wait for their search: 100 MB of JPEG, 500 MB of FITS in three bands."""
_BYTES_AHEAD = 2**26
"""Bytes of the files that are read ahead: a JPEG is ten times as large in memory."""


@dataclass(frozen=True)
class Seeing:
    """How pictures are made ready for a network.

    Attributes:
        recipe: Recipe of the release.
        device: Device that the batches are on, and that galaxies are sought on where it can.
        survey: The survey that says what the bands of FITS files are; None where there are none.
        asked: The frame that somebody asks for; None for the release's own way.
    """

    recipe: ImageRecipe
    device: torch.device
    survey: Survey | None = None
    asked: RequestedFrame | None = None


def open_image(path: Path, survey: Survey | None) -> OpenPicture:
    """Read a JPEG, PNG or FITS file.

    Raises:
        ImageError: It cannot be read, as `open_picture` and `open_fits_picture` say.
    """
    if survey is not None and is_fits(path):
        return open_fits_picture(path, survey)
    return ColourPicture(open_picture(path))


def see_files(
    paths: Sequence[Path],
    seeing: Seeing,
    batch_size: int,
    lost: Callable[[int, ImageError], None],
    known_px: NDArray[np.float64] | None = None,
) -> Iterator[ImageBatch]:
    """Read files on all cores into batches; memory does not grow with their number.

    Args:
        paths: Files of pictures, JPEG, PNG or FITS.
        seeing: How they are made ready.
        batch_size: Pictures in a batch; the last may have fewer.
        lost: Called with the position and the fault of each file that cannot be read; it is in no batch.
        known_px: Width of each frame as a known radius has it, (n,) pixels; NaN where none is known.

    Raises:
        FrameError: An angle is asked for, and nobody says how large a pixel is.
    """

    def read(path: Path) -> Tensor | OpenPicture | ImageError:
        try:
            picture = open_image(path, seeing.survey)
        except ImageError as error:
            return error
        seen = see_at_once(picture, seeing.recipe, seeing.asked)
        return picture if seen is None else seen

    return see_pictures(_in_order(paths, read, 2 * batch_size), seeing, batch_size, lost, known_px)


def see_pictures(
    pictures: Iterator[Tensor | OpenPicture | ImageError],
    seeing: Seeing,
    batch_size: int,
    lost: Callable[[int, ImageError], None],
    known_px: NDArray[np.float64] | None = None,
) -> Iterator[ImageBatch]:
    """Find the frames of pictures as they come, and gather what is seen into batches.

    Args:
        pictures: A picture, what is seen of it where that was clear at once, or why it cannot be read.
        seeing: How they are made ready.
        batch_size: Pictures in a batch; the last may have fewer.
        lost: Called with the position and the fault of each picture that cannot be read; it is in no batch.
        known_px: Width of each frame as a known radius has it, (n,) pixels; NaN where none is known.
    """
    batch = _Batch(seeing, known_px)
    for row, picture in enumerate(pictures):
        if isinstance(picture, ImageError):
            lost(row, picture)
            continue
        batch.add(row, picture)
        if len(batch) == batch_size:
            yield batch.take()
    if len(batch):
        yield batch.take()


def see_opened(pictures: Sequence[OpenPicture], seeing: Seeing, batch_size: int = 64) -> Iterator[ImageBatch]:
    """What the network sees of pictures that are open, in batches.

    Raises:
        FrameError: An angle is asked for, and nobody says how large a pixel is.
    """

    def each_at_once() -> Iterator[Tensor | OpenPicture]:
        for picture in pictures:
            at_once = see_at_once(picture, seeing.recipe, seeing.asked)
            yield picture if at_once is None else at_once

    return see_pictures(each_at_once(), seeing, batch_size, _raise)


def _raise(_: int, error: ImageError) -> NoReturn:
    raise error


class _Batch:
    """Pictures that are gathered: seen, or waiting to be searched together."""

    def __init__(self, seeing: Seeing, known_px: NDArray[np.float64] | None) -> None:
        self._seeing, self._known_px = seeing, known_px
        self._rows: list[int] = []
        self._seen: list[Tensor] = []
        self._flags: list[int] = []
        self._waiting: list[OpenPicture] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, picture: Tensor | OpenPicture) -> None:
        self._rows.append(row)
        if isinstance(picture, Tensor):
            self._seen.append(picture)
            self._flags.append(0)
            return
        self._waiting.append(picture)
        if sum(one.shape[0] * one.shape[1] for one in self._waiting) > _PIXELS_AT_ONCE:
            self._search()

    def take(self) -> ImageBatch:
        """All that is gathered; nothing is left."""
        self._search()
        rgb = torch.stack(self._seen).to(self._seeing.device)
        batch = ImageBatch(np.array(self._rows, np.int64), rgb, np.array(self._flags, np.int16))
        self._rows, self._seen, self._flags = [], [], []
        return batch

    def _search(self) -> None:
        if not self._waiting:
            return
        rows = self._rows[len(self._seen) :]
        known = None if self._known_px is None else self._known_px[rows]
        seen, flags = see_found(self._waiting, self._seeing.recipe, self._seeing.device, known)
        self._seen += list(seen)
        self._flags += flags.tolist()
        self._waiting = []


def _in_order(
    paths: Sequence[Path], read: Callable[[Path], Tensor | OpenPicture | ImageError], ahead: int
) -> Iterator[Tensor | OpenPicture | ImageError]:
    """Read on all cores, at most `ahead` files before they are asked for, and fewer where they are large."""
    coming: deque[tuple[Future[Tensor | OpenPicture | ImageError], int]] = deque()
    waiting_bytes = 0
    with ThreadPoolExecutor(os.cpu_count(), "read-images") as pool:
        for path in paths:
            n_bytes = _file_bytes(path)
            while coming and (len(coming) > ahead or waiting_bytes + n_bytes > _BYTES_AHEAD):
                future, done_bytes = coming.popleft()
                waiting_bytes -= done_bytes
                yield future.result()
            coming.append((pool.submit(read, path), n_bytes))
            waiting_bytes += n_bytes
        while coming:
            yield coming.popleft()[0].result()


def _file_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # reading it will say so
        return 0
