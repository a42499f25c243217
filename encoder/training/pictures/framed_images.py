"""Pictures whose frame was found: each galaxy cut out once, kept on disk and read through a map."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoder.cutouts.framing import FINDER, cut_views, find_frames
from encoder.training.pictures.images import Images

KEPT_PX = 192
"""Width and height of a kept picture ..."""
KEPT_WIDTHS = 1.5
"""... in widths of what the network sees: room to turn and shift it."""
SEEN_SHARE = 1 / KEPT_WIDTHS
"""Share of a kept picture that the network sees."""
_AT_ONCE = 64


@dataclass(frozen=True)
class FramedImages:
    """Pictures whose frames were found, as they are kept on disk.

    Attributes:
        pictures: (n, 3, KEPT_PX, KEPT_PX) uint8, mapped.
        flags: What is doubtful of each frame, `FramingFlag`, (n,).
    """

    pictures: NDArray[np.uint8]
    flags: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, i: int) -> Tensor:
        return torch.from_numpy(np.array(self.pictures[i]))


def frame_images(images: Images, name: str, version: str, cache: Path) -> FramedImages:
    """Find every picture's frame, the first time only, and keep the pictures with their frames on disk.

    Args:
        images: Pictures of any sizes.
        name: Name of the source, for the files in the cache.
        version: Changes when the pictures do.
        cache: Folder that the pictures are kept in (110 kB each).
    """
    cache.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(repr((version, len(images), FINDER, KEPT_PX, KEPT_WIDTHS)).encode()).hexdigest()[:16]
    pictures, flags = (cache / f"framed-{name}-{key}-{what}.npy" for what in ("pictures", "flags"))
    if not flags.exists():  # written last
        _frame(images, pictures, flags)
    return FramedImages(np.load(pictures, mmap_mode="r"), np.load(flags))


def _frame(images: Images, pictures_file: Path, flags_file: Path) -> None:
    shape = (len(images), 3, KEPT_PX, KEPT_PX)
    pictures = np.lib.format.open_memmap(pictures_file, mode="w+", dtype=np.uint8, shape=shape)
    flags = np.zeros(len(images), np.int64)
    for start in range(0, len(images), _AT_ONCE):
        part = [images[i] for i in range(start, min(start + _AT_ONCE, len(images)))]
        for size in {picture.shape for picture in part}:
            rows = [i for i, picture in enumerate(part) if picture.shape == size]
            rgb = torch.stack([part[i] for i in rows]).float() / 255
            found = find_frames(rgb)
            views = cut_views(rgb, found, KEPT_PX, KEPT_WIDTHS)
            pictures[[start + i for i in rows]] = (views * 255).round().to(torch.uint8).numpy()
            flags[[start + i for i in rows]] = found.flag.numpy()
    pictures.flush()
    unfinished = flags_file.with_name(f".{flags_file.name}.part.npy")
    np.save(unfinished, flags)
    unfinished.replace(flags_file)
