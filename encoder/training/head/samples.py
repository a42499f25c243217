"""Vectors that a head is fitted on: of each galaxy's picture, and of pictures as other surveys would show it.

They are computed once, a file for each hundred galaxies, so that a run that was killed goes on there.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from encoder.errors import TrainingError
from encoder.model.atomic_file import read_arrays, write_arrays
from encoder.model.encoder import Encoder
from encoder.model.views import make_views
from encoder.training.head.joint_head import Group
from encoder.training.pictures.augment import Share, bridge_surveys, crop_and_resize
from encoder.training.pictures.images import Images

CHUNK = 100
"""Galaxies of a file; simulated ones are drawn so many at a time."""
_ZOOM = 1.1
_SEED = 10_000_019
_FEW_VIEWS = 2


@dataclass(frozen=True)
class HeadSource:
    """Galaxies with votes and their pictures.

    Attributes:
        name: Name of the source.
        ids: Names of the n galaxies.
        images: Their pictures, (3, h, h) uint8 each.
        seen: Share of a picture's width that the network sees, 0..1 and more where sky is added.
        votes: Votes on the release's answers, as `Campaigns.released_votes` gives them, (n, n_columns).
        weight: How much the source counts beside the others.
        bridged: Further pictures of each galaxy, as other surveys would show it.
        every_view: Whether all views are needed, because the head is judged on these galaxies.
    """

    name: str
    ids: Sequence[str]
    images: Images
    seen: float
    votes: NDArray[np.float32]
    weight: float = 1.0
    bridged: int = 0
    every_view: bool = False


@dataclass(frozen=True)
class HeadSample:
    """The same galaxies as vectors of a frozen network.

    Attributes:
        source: Galaxies of the source, with their pictures and votes.
        plain: Vectors of views of the plain picture, (views, n, d): all of the release or two.
        bridged: Vectors of pictures as other surveys would show them, (k, n, d).
    """

    source: HeadSource
    plain: NDArray[np.float32]
    bridged: NDArray[np.float32]

    def group(self, rows: NDArray[np.int64]) -> Group:
        """Some of the galaxies to fit on, each in at most two views and all bridged pictures."""
        views = len(self.plain)
        chosen = [self.plain[(rows + first) % views, rows] for first in sorted({0, (views // 2 + 1) % views})]
        vectors = np.concatenate([*chosen, *self.bridged[:, rows]])
        votes = np.tile(self.source.votes[rows], (len(vectors) // len(rows), 1))
        voted = votes.any(axis=1)
        return Group(vectors[voted], votes[voted], self.source.weight)

    def whole(self) -> Group:
        """All of the galaxies to fit on."""
        return self.group(np.arange(len(self.source.ids)))


def encode_head_source(
    source: HeadSource, encoder: Encoder, cache: Path, workers: int = 0, progress: Progress | None = None
) -> HeadSample:
    """Vectors of a source, or what was kept of them.

    Args:
        source: Galaxies of the source, with their pictures and votes.
        encoder: The frozen network; its own head does not matter.
        cache: Folder that files are kept in (5 kB a picture).
        workers: Processes that make the pictures; 0 makes them in this one.
        progress: Where a progress bar is shown; None shows none.

    Raises:
        TrainingError: A kept file is damaged.
    """
    cache.mkdir(parents=True, exist_ok=True)
    chunks = _Chunks(source, encoder.recipe.size, encoder.view_set)
    key = _key(source, encoder)
    files = [cache / f"head-{source.name}-{key}-{i}-{chunks.size_of(i)}.npz" for i in range(len(chunks))]
    missing = [i for i, file in enumerate(files) if not file.exists()]
    bar = progress.add_task(f"head, {source.name}", total=len(missing)) if progress else None
    loader = DataLoader(Subset(chunks, missing), batch_size=None, num_workers=workers)
    for i, (plain, bridged) in zip(missing, loader, strict=True):
        write_arrays(files[i], plain=_features(encoder, plain), bridged=_features(encoder, bridged))
        if progress and bar is not None:
            progress.update(bar, advance=1)
    parts = [read_arrays(file, ("plain", "bridged"), TrainingError) for file in files]
    plain, bridged = (np.concatenate([part[i] for part in parts], axis=1) for i in range(2))
    return HeadSample(source, plain, bridged)


class _Chunks(Dataset[tuple[Tensor, Tensor]]):
    """Pictures of CHUNK galaxies together: plain (views, CHUNK, 3, size, size), bridged (k, CHUNK, ...)."""

    def __init__(self, source: HeadSource, size: int, view_set: int) -> None:
        self._source, self._size, self._view_set = source, size, view_set

    def __len__(self) -> int:
        return math.ceil(len(self._source.ids) / CHUNK)

    def size_of(self, i: int) -> int:
        """Galaxies in chunk i."""
        return min(CHUNK, len(self._source.ids) - i * CHUNK)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        rows = range(i * CHUNK, i * CHUNK + self.size_of(i))
        images = [self._source.images[row] for row in rows]
        seen, size = self._source.seen, self._size
        views = list(
            make_views(torch.stack([crop_and_resize(one, seen, size) for one in images]), self._view_set)
        )
        if not self._source.every_view and len(views) > _FEW_VIEWS:
            views = [views[k] for k in sorted({i % len(views), (i + len(views) // 2 + 1) % len(views)})]
        share = Share(seen / _ZOOM, seen * _ZOOM)
        bridged = [
            torch.stack(
                [
                    bridge_surveys(one, share, size, torch.Generator().manual_seed(copy * _SEED + row))
                    for one, row in zip(images, rows, strict=True)
                ]
            )
            for copy in range(1, self._source.bridged + 1)
        ]
        return torch.stack(views), torch.stack(bridged) if bridged else torch.empty(
            0, len(rows), 3, size, size
        )


def _features(encoder: Encoder, rgb: Tensor) -> NDArray[np.float32]:
    """Vectors, (k, n, d), of pictures (k, n, 3, size, size)."""
    return encoder.features(rgb.flatten(0, 1)).reshape(*rgb.shape[:2], encoder.dimension)


def _key(source: HeadSource, encoder: Encoder) -> str:
    parts = (
        encoder.fingerprint,
        encoder.recipe.to_dict(),
        encoder.view_set,
        source.seen,
        source.bridged,
        source.every_view,
        list(source.ids),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
