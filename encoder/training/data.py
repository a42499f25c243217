"""Labelled galaxies from several sources as one table of votes, their images read when they are needed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2.functional import pil_to_tensor

from encoder.errors import TrainingError
from encoder.gz_tree import GZD5, load_tree
from encoder.training.augment import Augmentation, Share, augmented, plain
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.efigi import attribute_answers, attribute_votes, ring_stratified
from encoder.training.simulated import simulated_galaxies

# Yes or no on spiral arms from Galaxy Zoo 2, as votes along the path to the question: a galaxy with arms
# has also been called featured and not edge-on; one without may be anything, so only the question counts.
_SPIRAL_VOTES = {
    "smooth-or-featured_smooth": 1.5,
    "smooth-or-featured_featured-or-disk": 10.0,
    "smooth-or-featured_artifact": 0.5,
    "disk-edge-on_yes": 0.5,
    "disk-edge-on_no": 9.5,
    "has-spiral-arms_yes": 8.5,
    "has-spiral-arms_no": 1.0,
}
_NO_SPIRAL_VOTES = {"has-spiral-arms_yes": 1.5, "has-spiral-arms_no": 6.5}


class Images(Protocol):
    """A sequence of images that are read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Tensor:
        """Image i, (3, h, w) uint8."""
        ...


@dataclass(frozen=True)
class Labelled:
    """Galaxies of one source.

    Attributes:
        kind: Of the source.
        ids: The source's own, what the held-out split hashes.
        images: As many, read lazily.
        votes: (n, n_answers) float32.
        share: Range of the share of the frame that the network sees.
        held_out: (n,) galaxies that are not trained on.
    """

    kind: str
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
            images=_Chosen(self.images, rows),
            votes=self.votes[rows],
            held_out=self.held_out[rows],
        )


@dataclass(frozen=True)
class Files:
    """Images in files."""

    paths: Sequence[Path]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> Tensor:
        try:
            with Image.open(self.paths[i]) as file:
                image: Tensor = pil_to_tensor(file.convert("RGB"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"training image {self.paths[i]} cannot be read: {error}") from error
        return image


@dataclass(frozen=True)
class _Chosen:
    images: Images
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Tensor:
        return self.images[int(self.rows[i])]


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


def load_source(config: SourceConfig, campaigns: Campaigns, cache: Path) -> Labelled:
    """The galaxies of one source of a training configuration.

    Args:
        config: The source.
        campaigns: The trees that have votes.
        cache: Folder for simulated pictures.

    Raises:
        TrainingError: A table or column is missing.
    """
    match config.kind:
        case "simulated":
            galaxies = simulated_galaxies(config.galaxies, config.seed, cache)
            ids = [f"{config.seed}-{i}" for i in range(len(galaxies.votes))]
            votes = campaigns.votes({"gzd5": galaxies.votes})
            return Labelled("simulated", ids, galaxies, votes, config.share, held_out(config, ids))
        case "efigi":
            return _efigi(config, campaigns)
        case _:
            return _gz2_spirals(config, campaigns)


def held_out(config: SourceConfig, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Which galaxies are held out, (n,): by a hash of the name, so the same on every machine and run."""
    digests = [hashlib.blake2b(f"{config.kind}:{name}".encode(), digest_size=8).digest() for name in ids]
    return np.array([int.from_bytes(d, "big") < config.held_out * 2**64 for d in digests], dtype=np.bool_)


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A CSV with the columns it must have.

    Raises:
        TrainingError: It is missing, no table, or lacks a column.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise TrainingError(f"label table {path} cannot be read: {error}") from error
    for column in columns:
        if column not in table:
            raise TrainingError(f"label table {path} has no column {column!r}")
    return table


def _efigi(config: SourceConfig, campaigns: Campaigns) -> Labelled:
    folder = Path(config.folder)
    table = read_table(folder / "attributes.csv", ["PGCname", "image", "T"])
    files = Files([folder / "images" / str(name) for name in table["image"]])
    votes = campaigns.votes(
        {"gzd5": attribute_votes(table, GZD5), "efigi": attribute_answers(table, load_tree("efigi"))}
    )
    out = ring_stratified(table, config.held_out)
    return Labelled("efigi", table["PGCname"].tolist(), files, votes, config.share, out)


def _gz2_spirals(config: SourceConfig, campaigns: Campaigns) -> Labelled:
    folder = Path(config.folder)
    table = read_table(folder / "labels.csv", ["kaggle_galaxy_id", "spiral", "image"])
    votes = np.zeros((len(table), GZD5.n_answers), np.float32)
    spiral = table["spiral"].to_numpy(np.int64) == 1
    for rows, answers in ((spiral, _SPIRAL_VOTES), (~spiral, _NO_SPIRAL_VOTES)):
        for label, count in answers.items():
            votes[rows, GZD5.index(label)] = count
    ids = [str(name) for name in table["kaggle_galaxy_id"]]
    files = Files([folder / "images" / str(name) for name in table["image"]])
    out = held_out(config, ids)
    return Labelled("gz2_spirals", ids, files, campaigns.votes({"gzd5": votes}), config.share, out)
