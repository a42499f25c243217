"""Labelled galaxies of several sources as one data set of pictures and votes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from encoder.training.augment import Augmentation, Share, augmented, plain
from encoder.training.images import Chosen, Images


@dataclass(frozen=True)
class Labelled:
    """Galaxies of one source.

    Attributes:
        kind: Of the source.
        name: Of the source, unlike all others'.
        ids: The source's own, what the held-out split hashes.
        images: As many, read lazily.
        votes: (n, n_answers) float32.
        share: Range of the share of the frame that the network sees.
        held_out: (n,) galaxies that are not trained on.
    """

    kind: str
    name: str
    ids: Sequence[str]
    images: Images
    votes: NDArray[np.float32]
    share: Share
    held_out: NDArray[np.bool_]

    def split(self) -> tuple["Labelled", "Labelled"]:
        """The galaxies to train on, and those held out."""
        return self.take(np.flatnonzero(~self.held_out)), self.take(np.flatnonzero(self.held_out))

    def take(self, rows: NDArray[np.int64]) -> "Labelled":
        """Some of the galaxies."""
        return replace(
            self,
            ids=[self.ids[i] for i in rows],
            images=Chosen(self.images, rows),
            votes=self.votes[rows],
            held_out=self.held_out[rows],
        )


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """Pictures and votes of several sources, for a data loader.

    Args:
        sources: Galaxies.
        size: Width and height of a picture, pixels.
        seed: A random picture for each (seed, index), whichever process makes it; None for the plain one.
        augmentation: What may be random.
    """

    def __init__(
        self,
        sources: Sequence[Labelled],
        size: int,
        seed: int | None,
        augmentation: Augmentation = augmented,
    ) -> None:
        self._sources = sources
        self._ends = np.cumsum([len(source.ids) for source in sources])
        self._size = size
        self._seed = seed
        self._augmentation = augmentation

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        which = int(np.searchsorted(self._ends, index, side="right"))
        source = self._sources[which]
        i = index - (int(self._ends[which - 1]) if which else 0)
        votes = torch.from_numpy(source.votes[i])
        if self._seed is None:
            return plain(source.images[i], source.share.middle, self._size), votes
        generator = torch.Generator().manual_seed(self._seed * 10_000_019 + index)
        return self._augmentation(source.images[i], source.share, self._size, generator), votes
