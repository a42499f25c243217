"""The files that make one tile, and whether they have changed."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from encoder.errors import TileError
from encoder.tiles.fits_images import Corners, read_footprint


@dataclass(frozen=True)
class TileFiles:
    """A tile that was found, not yet read.

    Attributes:
        survey: Name of the survey.
        name: Name of the tile, unique in the survey.
        root: Folder that was searched.
        files: Paths of the tile's files that exist: images, mask and catalogue; of a chunk of cutouts the
            table and the images.
        fingerprint: Hash of the survey's meaning and of the files' relative paths, sizes and times; of a
            shared table, of the tile's rows. It is cheap, but it changes when a file is only copied.
        image: Path of a file whose header says where the tile is; None for a chunk of cutouts.
        hdu: Name or number of the HDU of that file; None for the first that holds pixels.
        values: Each placeholder of the survey's paths, and the text that it stands for.
        rows: First row of a chunk of cutouts, and the row after its last; None for a tile of sky.
        meaning: Text of the survey's meaning, which is part of the content.
        table: Path of the catalogue that the tile shares with others; None where it has its own.
        row_digest: Hash of the tile's rows of the shared catalogue; empty where it has its own.
        lacking: Paths of files that belong to a tile of sky and are not there, such as a late image.
    """

    survey: str
    name: str
    root: Path
    files: tuple[Path, ...]
    fingerprint: str
    image: Path | None = None
    hdu: str | int | None = None
    values: tuple[tuple[str, str], ...] = ()
    rows: tuple[int, int] | None = None
    meaning: str = ""
    table: Path | None = None
    row_digest: str = ""
    lacking: tuple[Path, ...] = ()

    @property
    def ra(self) -> float | None:
        """Degrees ICRS of the centre; None for chunks and where no header can be read."""
        return self._sky[0]

    @property
    def dec(self) -> float | None:
        """Degrees ICRS of the centre; None for chunks and where no header can be read."""
        return self._sky[1]

    @property
    def footprint(self) -> Corners:
        """Four (ra, dec) corners in degrees; empty for chunks and where no header can be read."""
        return self._sky[2]

    def content_hash(self) -> str:
        """Hash of everything that decides what is read: the files' bytes and the survey's meaning.

        A table that several tiles share counts only by this tile's rows.

        Raises:
            TileError: A file of the tile has vanished.
        """
        digest = hashlib.blake2b(self.meaning.encode(), digest_size=32)
        digest.update(self.row_digest.encode())
        for path in self.files:
            if path == self.table:
                continue
            try:
                with path.open("rb") as file:
                    inner = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32))
            except OSError as error:
                raise TileError(f"{path}: {error.strerror or error}") from error
            digest.update(path_from(self.root, path) + b"\0" + inner.digest())
        return digest.hexdigest()

    @cached_property
    def _sky(self) -> tuple[float | None, float | None, Corners]:
        """Read when first asked for: a sensor that looks at 100,000 known tiles needs no header."""
        if self.image is None:
            return None, None, ()
        try:
            return read_footprint(self.image, self.hdu)
        except Exception:  # noqa: BLE001 - whatever is wrong, reading the tile will say so
            return None, None, ()


def path_from(root: Path, path: Path) -> bytes:
    """How a tile's file is called below the folder that was searched; elsewhere, its absolute path.

    Bytes, since a file system allows names that are no text.
    """
    for folder, file in ((root, path), (root.absolute(), path.absolute()), (root.resolve(), path.absolute())):
        if file.is_relative_to(folder):
            return os.fsencode(file.relative_to(folder).as_posix())
    return os.fsencode(path.absolute().as_posix())


def is_file(path: Path) -> bool:
    """Whether a file is there; False also where its name is impossible or its folder may not be entered."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
