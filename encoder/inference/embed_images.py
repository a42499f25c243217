"""Images in any folder to a Parquet file of vectors and vote fractions; no database anywhere."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder.cutouts.fits_pictures import check_colours, is_fits
from encoder.cutouts.framing_flags import FlagCounts, FramingFlag, count_flags
from encoder.cutouts.image_batch import ImageBatch
from encoder.cutouts.image_list import ListedImage
from encoder.cutouts.picture_batches import Seeing, see_files
from encoder.errors import ImageError
from encoder.inference.embed import Progress, encode_batches
from encoder.inference.vectors_file import VectorsFile
from encoder.model.encoder import Encoder
from encoder.requested_frame import RequestedFrame
from encoder.surveys.description import Survey

BATCH_SIZE = 64
Unreadable = Callable[[str], None]


@dataclass(frozen=True)
class EmbedReport:
    """What came of a list of images.

    Attributes:
        n_rows: Number of rows of the file.
        flags: Pictures whose frame is doubtful, by why it is.
    """

    n_rows: int
    flags: FlagCounts


def embed_images(
    encoder: Encoder,
    images: Sequence[ListedImage],
    output: Path,
    survey: Survey,
    unreadable: Unreadable,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
    asked: RequestedFrame | None = None,
) -> EmbedReport:
    """Write a row for every readable image, in the order given; the same call writes the same bytes.

    Memory does not grow with the images: two batches of pictures and one row group of the file.

    Args:
        encoder: The encoder whose vectors are made.
        images: What to embed; a release that finds frames takes pictures of any frame, one that does not
            such as span the whole field of its recipe.
        output: Path of the Parquet file of vectors that is written.
        survey: The survey whose description says what the bands of FITS files are.
        unreadable: Called with one line for each image that cannot be read; it gets no row.
        batch_size: Pictures encoded together; vectors change by less than 1e-4 of their size.
        progress: Called with the number of images of each batch that is done, and for each unreadable image.
        asked: The frame that somebody asks for; None for the release's own way.

    Raises:
        FrameError: An angle is asked for, and nobody says how large a pixel is.
        EncoderError: The file cannot be written, or no image can be read.
        SurveyError: The survey does not describe FITS files with all bands.
    """

    def report_lost(line: str) -> None:
        unreadable(line)
        if progress is not None:
            progress(1)

    flags: Counter[FramingFlag] = Counter()
    with VectorsFile(output, encoder, asked) as file:
        batches = picture_batches(images, encoder, survey, report_lost, batch_size, asked)
        for batch in encode_batches(encoder, batches, progress=progress):
            file.write([images[row].id for row in batch.rows], batch)
            flags.update(count_flags(batch.flags))
        if not file.n_rows:
            raise ImageError(f"none of the {len(images)} images could be read: {output} was not written")
    return EmbedReport(file.n_rows, flags)


def picture_batches(
    images: Sequence[ListedImage],
    encoder: Encoder,
    survey: Survey,
    unreadable: Unreadable,
    batch_size: int,
    asked: RequestedFrame | None = None,
) -> Iterator[ImageBatch]:
    """Reads images side by side, in their order, into batches of the encoder's pictures.

    Raises:
        FrameError: An angle is asked for, and nobody says how large a pixel is.
        SurveyError: There are FITS files, and the survey does not describe such with all bands.
    """
    if any(is_fits(image.path) for image in images):
        check_colours(survey)
    if asked is not None and not all(is_fits(image.path) for image in images):
        asked.require_scale()
    return see_files(
        [image.path for image in images],
        Seeing(encoder.recipe, encoder.device, survey, asked),
        batch_size,
        lambda _, error: unreadable(str(error)),
    )
