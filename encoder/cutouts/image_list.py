"""Which images to embed, and what they are called: from files and folders, or from a table."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from encoder.cutouts.fits_pictures import FITS_SUFFIXES, is_fits
from encoder.errors import ImageError, TileError
from encoder.surveys.description import Survey
from encoder.tiles.fits_images import name_left_out
from encoder.tiles.table_columns import read_columns

PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class ListedImage:
    """An image to embed; nobody has looked whether it is there."""

    id: str
    path: Path


def list_images(paths: Sequence[Path], left_out: Callable[[str], None] = lambda _: None) -> list[ListedImage]:
    """Lists files and the images below folders, each called by its file name without the ending.

    Args:
        paths: Files of any kind, which are taken as they come, and folders, which are searched to any depth
            for JPEG, PNG and FITS files in the order of their paths. Names that begin with a dot are passed
            over. Links to folders are followed; a folder that several lead to is searched once.
        left_out: Called with one line for each folder that holds files of other kinds, which says how many.

    Raises:
        ImageError: A path leads nowhere, a folder holds no image or cannot be read, or two images have the
            same name.
    """
    for path in paths:
        if not path.exists():
            raise ImageError(f"{path}: no such file or folder")
    found = [file for path in paths for file in (_below(path, left_out) if path.is_dir() else [path])]
    return _unique([ListedImage(_name(file), file) for file in found], "give a table with ids instead")


def read_image_table(
    table: Path, id_column: str, file_column: str, left_out: Callable[[str], None] = lambda _: None
) -> list[ListedImage]:
    """Reads a CSV, FITS, Parquet or other table of images, in the table's order.

    Args:
        table: Path of the table, which has a row for each image; a file that is not absolute is below the
            table's folder.
        id_column: Name of the column of the images' names.
        file_column: Name of the column of the images' paths.
        left_out: Called with one line for each thing of the file that was left out, such as another table.

    Raises:
        ImageError: A column is missing, a row has no id or no file, or an id occurs twice; the line names the
            row.
    """
    try:
        columns = read_columns(table, [id_column, file_column], text=[id_column, file_column])
    except TileError as error:
        raise ImageError(str(error)) from error
    for note in columns.notes:
        left_out(note)
    rows = list(zip(columns[id_column].tolist(), columns[file_column].tolist(), strict=True))
    for number, row in enumerate(rows):
        for column, value in zip((id_column, file_column), row, strict=True):
            if not value:
                raise ImageError(f"{table}: row {number} has no {column}")
    return _unique(
        [ListedImage(name, table.parent / file) for name, file in rows], f"ids of {table} must differ"
    )


def name_left_out_images(images: Sequence[ListedImage], survey: Survey) -> Iterator[str]:
    """One line for each FITS file with images that nobody asked for: more than the one that is read.

    Args:
        images: The files that are read.
        survey: The survey whose description says in which HDU the pixels are.
    """
    if survey.image.hdu is not None:
        return
    for image in images:
        if is_fits(image.path) and (line := name_left_out(image.path)):
            yield line


def _below(folder: Path, left_out: Callable[[str], None]) -> list[Path]:
    others: Counter[str] = Counter()
    files, searched = [], set[Path]()
    folders = [folder]  # those that links lead to come last: a folder is known by its own path first
    while folders:
        for root, below, names in os.walk(folders.pop(0), onerror=_refuse_folder):
            real = Path(root).resolve()
            if real in searched:  # a link led back, or there twice
                below.clear()
                continue
            searched.add(real)
            folders += [Path(root) / name for name in sorted(below) if (Path(root) / name).is_symlink()]
            shown = [name for name in names if not name.startswith(".")]
            images = [name for name in shown if name.lower().endswith((*PICTURES, *FITS_SUFFIXES))]
            files += [Path(root) / name for name in images]
            others.update(Path(name).suffix or "without an ending" for name in set(shown) - set(images))
    if not files:
        raise ImageError(f"{folder}: the folder holds no image ({', '.join((*PICTURES, *FITS_SUFFIXES))})")
    if others:
        kinds = ", ".join(f"{n} {ending}" for ending, n in sorted(others.items()))
        left_out(f"{folder}: {others.total()} files that are no JPEG, PNG or FITS: {kinds}")
    return sorted(files)


def _refuse_folder(error: OSError) -> NoReturn:
    raise ImageError(f"{error.filename}: the folder cannot be read: {error.strerror}") from error


def _name(path: Path) -> str:
    ending = next(
        (end for end in sorted(FITS_SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(end)), ""
    )
    return path.name[: -len(ending)] if ending else path.stem


def _unique(images: Iterable[ListedImage], advice: str) -> list[ListedImage]:
    seen: dict[str, ListedImage] = {}
    for image in images:
        if image.id in seen:
            first = seen[image.id].path
            raise ImageError(f"two images have the id {image.id!r}, {first} and {image.path}: {advice}")
        seen[image.id] = image
    return list(seen.values())
