"""Images in any folder to a Parquet file of vectors and vote fractions; no database anywhere."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from encoder.cutouts.batches import ImageBatch, no_flags
from encoder.cutouts.fits_pictures import check_colours, is_fits, read_fits_cutout
from encoder.cutouts.image_list import ListedImage
from encoder.cutouts.pictures import read_picture
from encoder.errors import ImageError
from encoder.inference.embed import Progress, encode_batches
from encoder.inference.vectors_file import VectorsFile
from encoder.model.encoder import Encoder
from encoder.model.recipe import ImageRecipe
from encoder.surveys.description import Survey

BATCH_SIZE = 64
Unreadable = Callable[[str], None]


def embed_images(
    encoder: Encoder,
    images: Sequence[ListedImage],
    output: Path,
    survey: Survey,
    unreadable: Unreadable,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> int:
    """Write a row for every readable image, in the order given; the same call writes the same bytes.

    Memory does not grow with the images: two batches of pictures and one row group of the file.

    Args:
        encoder: The encoder whose vectors are made.
        images: What to embed; each picture spans the whole field of the recipe.
        output: The file, a `VectorsFile`.
        survey: The survey whose description says what the bands of FITS files are.
        unreadable: Called with one line for each image that cannot be read; it gets no row.
        batch_size: Pictures encoded together; vectors change by less than 1e-4 of their size.
        progress: Called with the number of images of each batch that is done, and for each unreadable image.

    Returns:
        The number of rows.

    Raises:
        EncoderError: The file cannot be written, or no image can be read.
        SurveyError: The survey does not describe FITS files with all bands.
    """

    def report_lost(line: str) -> None:
        unreadable(line)
        if progress is not None:
            progress(1)

    with VectorsFile(output, encoder) as file:
        for batch in encode_batches(
            encoder, picture_batches(images, encoder, survey, report_lost, batch_size), progress=progress
        ):
            file.write([images[row].id for row in batch.rows], batch)
        if not file.n_rows:
            raise ImageError(f"none of the {len(images)} images could be read: {output} was not written")
    return file.n_rows


def picture_batches(
    images: Sequence[ListedImage], encoder: Encoder, survey: Survey, unreadable: Unreadable, batch_size: int
) -> Iterator[ImageBatch]:
    """Reads images side by side, in their order, into batches of the encoder's pictures.

    Raises:
        SurveyError: There are FITS files, and the survey does not describe such with all bands.
    """
    if any(is_fits(image.path) for image in images):
        check_colours(survey)
    return _batches(images, encoder, survey, unreadable, batch_size)


def _batches(
    images: Sequence[ListedImage], encoder: Encoder, survey: Survey, unreadable: Unreadable, batch_size: int
) -> Iterator[ImageBatch]:
    rows: list[int] = []
    pictures: list[Tensor] = []
    for row, picture in enumerate(_in_order(images, encoder.recipe, survey, 2 * batch_size)):
        if isinstance(picture, ImageError):
            unreadable(str(picture))
            continue
        rows.append(row)
        pictures.append(picture)
        if len(rows) == batch_size:
            yield _batch(rows, pictures, encoder)
            rows, pictures = [], []
    if rows:
        yield _batch(rows, pictures, encoder)


def _batch(rows: list[int], pictures: list[Tensor], encoder: Encoder) -> ImageBatch:
    shown = torch.stack(pictures).to(encoder.device)
    return ImageBatch(np.array(rows, np.int64), shown, no_flags(len(rows)))


def _in_order(
    images: Sequence[ListedImage], recipe: ImageRecipe, survey: Survey, ahead: int
) -> Iterator[Tensor | ImageError]:
    """Reads on all cores, at most `ahead` images before they are asked for."""
    coming: deque[Future[Tensor | ImageError]] = deque()
    with ThreadPoolExecutor(os.cpu_count(), "read-images") as pool:
        for image in images:
            coming.append(pool.submit(_read, image.path, recipe, survey))
            if len(coming) > ahead:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _read(path: Path, recipe: ImageRecipe, survey: Survey) -> Tensor | ImageError:
    try:
        if is_fits(path):
            return read_fits_cutout(path, survey, recipe)
        return read_picture(path, recipe.size, recipe.crop)
    except ImageError as error:
        return error
