"""Decodes compressed images from FITS files, one after the other, as a program of its own.

The decoders are C that may end the process on damaged bytes: here nobody else is hurt. It reads requests
from standard input, a line of JSON each (`path`, `number` of the HDU), and answers each on standard output by
a line of JSON (`dtype` and `shape`, or `error`) and the pixels, in the machine's byte order.
"""

import json
import sys
import warnings
from typing import IO, Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray


def main(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        request = json.loads(line)
        try:
            pixels = _decode(request["path"], request["number"])
        except Exception as error:  # noqa: BLE001 - astropy's decoders raise whatever they meet
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            _write(answers, {"error": reason})
        else:
            _write(answers, {"dtype": pixels.dtype.str, "shape": pixels.shape}, pixels)


def _decode(path: str, number: int) -> NDArray[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.filterwarnings("error", "overflow", RuntimeWarning)  # of damaged offsets
        with fits.open(path, memmap=False) as file:
            pixels: NDArray[Any] | None = file[number].data
            if pixels is None:
                raise ValueError(f"HDU {number} holds no pixels")
            return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("="), copy=False))


def _write(answers: IO[bytes], head: dict[str, object], pixels: NDArray[Any] | None = None) -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    if pixels is not None and pixels.size:
        answers.write(pixels.data.cast("B"))
    answers.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
