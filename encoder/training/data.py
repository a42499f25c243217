"""Galaxies of several sources as one data set of pictures, votes and traits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from encoder.cutouts.framing import VIEW_RADII
from encoder.model.recipe import ImageRecipe
from encoder.training.pictures.augment import Augmentation, Share, augment, crop_and_resize
from encoder.training.pictures.framed_images import KEPT_WIDTHS
from encoder.training.pictures.images import Images, ImageSubset
from encoder.training.pictures.shown import show_picture
from encoder.training.pictures.simulated import KEPT_SHARE


@dataclass(frozen=True)
class LabelledGalaxies:
    """Galaxies of one source.

    Attributes:
        kind: Kind of the source, as configurations name it.
        name: Name of the source; no other source has it.
        ids: Names of the n galaxies in the source, which the held-out split hashes.
        images: Images of the n galaxies, each read when it is asked for.
        votes: Votes as `Campaigns.votes` gives them, (n, n_columns) float32.
        share: Range of the share of the frame that the network sees.
        held_out: Whether each galaxy is held out of the training, (n,).
        traits: What says whether two galaxies are alike, (n, k) float32, each 0..1, NaN where unknown; k is 0
            where nothing does.
        shown: Galaxies that an epoch shows, each time others; 0 for all.
        framed: Whether the images are those of `frame_images`, `KEPT_WIDTHS` as wide as what the network
            sees.
    """

    kind: str
    name: str
    ids: Sequence[str]
    images: Images
    votes: NDArray[np.float32]
    share: Share
    held_out: NDArray[np.bool_]
    traits: NDArray[np.float32]
    shown: int = 0
    framed: bool = False

    @property
    def n_shown(self) -> int:
        """Galaxies that an epoch shows."""
        return min(self.shown, len(self.ids)) if self.shown else len(self.ids)

    def split(self) -> tuple["LabelledGalaxies", "LabelledGalaxies"]:
        """The galaxies to train on, and those held out."""
        return self.take(np.flatnonzero(~self.held_out)), self.take(np.flatnonzero(self.held_out))

    def take(self, rows: NDArray[np.int64]) -> "LabelledGalaxies":
        """Some of the galaxies."""
        return replace(
            self,
            ids=[self.ids[i] for i in rows],
            images=ImageSubset(self.images, rows),
            votes=self.votes[rows],
            held_out=self.held_out[rows],
            traits=self.traits[rows],
        )


class InferencePictures(Dataset[Tensor]):
    """The galaxies of a source as inference will show them, each (3, size, size) float32 in 0..1.

    Args:
        source: The labelled galaxies and their images.
        recipe: How the release makes pictures of them.
    """

    def __init__(self, source: LabelledGalaxies, recipe: ImageRecipe) -> None:
        self._source, self._recipe = source, recipe

    def __len__(self) -> int:
        return len(self._source.ids)

    def __getitem__(self, i: int) -> Tensor:
        source, recipe = self._source, self._recipe
        image = source.images[i]
        if source.framed:
            radii = recipe.framing.view_radii if recipe.framing else VIEW_RADII
            return crop_and_resize(image, radii / (VIEW_RADII * KEPT_WIDTHS), recipe.size)
        share = recipe.crop / KEPT_SHARE if source.kind == "simulated" else source.share.middle
        return show_picture(image, recipe, share)


def unknown_traits(n: int) -> NDArray[np.float32]:
    """The traits of galaxies of which none is known."""
    return np.empty((n, 0), np.float32)


class TrainingExample(NamedTuple):
    """One galaxy, or as the data loader stacks them a batch.

    Attributes:
        rgb: Pictures of one galaxy, (pictures of it, 3, size, size) float32 in 0..1.
        votes: Votes as `Campaigns.votes` gives them, (n_columns,) float32.
        traits: Traits of the galaxy, (k,) float32, NaN where unknown; k is the most that a source knows.
    """

    rgb: Tensor
    votes: Tensor
    traits: Tensor


class PictureDataset(Dataset[TrainingExample]):
    """Pictures, votes and traits of several sources, for a data loader.

    Args:
        sources: The sources whose galaxies are shown.
        size: Width and height of a picture, pixels.
        seed: A random picture for each (seed, index), whichever process makes it; None for the plain one.
        augmentation: How a random picture of a galaxy is made.
        of_each: Pictures of each galaxy, each another; the plain one is the same every time.
    """

    def __init__(
        self,
        sources: Sequence[LabelledGalaxies],
        size: int,
        seed: int | None,
        augmentation: Augmentation = augment,
        of_each: int = 1,
    ) -> None:
        self._sources = sources
        self._ends = np.cumsum([len(source.ids) for source in sources])
        self._size = size
        self._seed = seed
        self._augmentation = augmentation
        self._of_each = of_each
        self._n_traits = max(source.traits.shape[1] for source in sources)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def epoch_order(self, seed: int) -> list[int]:
        """What an epoch shows, in random order; of a source that shows some galaxies, a random choice."""
        generator = torch.Generator().manual_seed(seed)
        chosen = [
            torch.randperm(len(source.ids), generator=generator)[: source.n_shown] + end - len(source.ids)
            for source, end in zip(self._sources, self._ends.tolist(), strict=True)
        ]
        indices = torch.cat(chosen)
        order: list[int] = indices[torch.randperm(len(indices), generator=generator)].tolist()
        return order

    def __getitem__(self, index: int) -> TrainingExample:
        which = int(np.searchsorted(self._ends, index, side="right"))
        source = self._sources[which]
        i = index - (int(self._ends[which - 1]) if which else 0)
        traits = torch.full((self._n_traits,), torch.nan)
        traits[: source.traits.shape[1]] = torch.from_numpy(source.traits[i])
        return TrainingExample(self._pictures(source, i, index), torch.from_numpy(source.votes[i]), traits)

    def _pictures(self, source: LabelledGalaxies, i: int, index: int) -> Tensor:
        image = source.images[i]
        if self._seed is None:
            return crop_and_resize(image, source.share.middle, self._size)[None]
        generator = torch.Generator().manual_seed(self._seed * 10_000_019 + index)
        return torch.stack(
            [self._augmentation(image, source.share, self._size, generator) for _ in range(self._of_each)]
        )
