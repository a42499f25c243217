"""Compressed images decoded by a program of its own, whose sudden end is an error of one file."""

import atexit
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.errors import TileError
from encoder.tiles import decode_images


class ImageDecoder:
    """The program, which is started when it is first needed and serves until this process ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._program: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.close)

    def decode(self, path: Path, number: int) -> NDArray[Any]:
        """The pixels of a compressed image, in the image's own shape and type.

        Args:
            path: The FITS file.
            number: The number of its HDU, from 0.

        Raises:
            TileError: The pixels cannot be decoded.
        """
        with self._lock:
            program = self._running()
            try:
                return _ask(program, path, number)
            except (OSError, EOFError, ValueError):
                self._end()
                raise TileError(f"{path}: damaged, its compressed pixels cannot be decoded") from None
            except TileError:
                raise
            except BaseException:  # interrupted: its late answer would be taken for the next image's pixels
                self._end()
                raise

    def close(self) -> None:
        """End the program; it starts again when it is needed."""
        with self._lock:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._program is None or self._owner != os.getpid() or self._program.poll() is not None:
            self._end()
            self._program = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", str(Path(decode_images.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._owner = os.getpid()
        return self._program

    def _end(self) -> None:
        program, self._program = self._program, None
        if program is None:
            return
        for stream in (program.stdin, program.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._owner == os.getpid():  # a child of fork has its copy of the pipes, and no program
            program.kill()
            program.wait()


def _ask(program: "subprocess.Popen[bytes]", path: Path, number: int) -> NDArray[Any]:
    if program.stdin is None or program.stdout is None:
        raise EOFError
    program.stdin.write(json.dumps({"path": os.fspath(path.absolute()), "number": number}).encode() + b"\n")
    program.stdin.flush()
    line = program.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise TileError(f"{path}: unreadable FITS: {head['error']}")
    pixels = np.empty(head["shape"], dtype=head["dtype"])
    room = pixels.reshape(-1).view(np.uint8).data
    while room:
        n = program.stdout.readinto(room)  # type: ignore[attr-defined]  # of a buffered pipe
        if not n:
            raise EOFError
        room = room[n:]
    return pixels


_decoder = ImageDecoder()
decode_image = _decoder.decode
