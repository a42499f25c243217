"""Compressed images decoded by a program of its own, whose sudden end is an error of one file."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from encoder.errors import TileError
from encoder.tiles import decode_images
from encoder.tiles.cells import Box
from table_files.own_program import LIMIT, OwnProgram

if TYPE_CHECKING:
    import subprocess


class ImageDecoder(OwnProgram):
    """The program that decodes."""

    def __init__(self) -> None:
        super().__init__(lambda: [sys.executable, "-I", str(Path(decode_images.__file__))])

    def decode(self, path: Path, number: int, boxes: Sequence[Box] | None = None) -> NDArray[Any]:
        """The pixels of a compressed image, in the image's own shape and type.

        Args:
            path: Path of the FITS file.
            number: The number of its HDU, from 0.
            boxes: The rectangles that will be looked at: elsewhere the pixels mean nothing. None for all.

        Raises:
            TileError: The pixels cannot be decoded.
        """
        with self.lock:
            try:
                with self.asked() as program:
                    return _ask(program, path, number, boxes)
            except (OSError, EOFError, ValueError):
                self.end()
                if self.is_late:
                    raise TileError(f"{path}: its compressed pixels were not decoded in {LIMIT}") from None
                raise TileError(f"{path}: damaged, its compressed pixels cannot be decoded") from None
            except TileError:
                raise
            except BaseException:  # interrupted: its late answer would be taken for the next image's pixels
                self.end()
                raise


def _ask(
    program: "subprocess.Popen[bytes]", path: Path, number: int, boxes: Sequence[Box] | None
) -> NDArray[Any]:
    if program.stdin is None or program.stdout is None:
        raise EOFError
    wanted = None if boxes is None else [(y.start, y.stop, x.start, x.stop) for y, x in boxes]
    request = {"path": os.fspath(path.absolute()), "number": number, "boxes": wanted}
    program.stdin.write(json.dumps(request).encode() + b"\n")
    program.stdin.flush()
    line = program.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise TileError(f"{path}: unreadable FITS: {head['error']}")
    if head["boxes"] is None:
        return _receive(program.stdout, head["shape"], head["dtype"])
    pixels = np.empty(head["shape"], dtype=head["dtype"])
    for top, bottom, left, right in head["boxes"]:
        part = _receive(program.stdout, (bottom - top, right - left), head["dtype"])
        pixels[top:bottom, left:right] = part
    return pixels


def _receive(answers: IO[bytes], shape: Sequence[int], dtype: str) -> NDArray[Any]:
    pixels = np.empty(shape, dtype=dtype)
    room = pixels.reshape(-1).view(np.uint8).data
    while room:
        n = answers.readinto(room)  # type: ignore[attr-defined]  # of a buffered pipe
        if not n:
            raise EOFError
        room = room[n:]
    return pixels


decode_image = ImageDecoder().decode
