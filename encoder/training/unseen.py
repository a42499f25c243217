"""The head fitted once more, on galaxies that the network has not seen: of those it has, it is too sure.

Simulated galaxies are drawn for this alone, as many as one has the patience for. The backbone, and with it
every vector, stays as it was trained.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from encoder.errors import TrainingError
from encoder.model.atomic_file import read_arrays, write_arrays
from encoder.model.gz_tree import Tree
from encoder.model.network import Network, fingerprint, fold_batch_norm
from encoder.model.recipe import ImageRecipe
from encoder.model.views import make_views
from encoder.training.config import FIRST_HELD_OUT_SEED
from encoder.training.data import LabelledGalaxies, PictureDataset
from encoder.training.linear_head import refit_vote_head
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.simulated import CHUNK, KEPT_SHARE, draw_pictures

_SEED = FIRST_HELD_OUT_SEED
"""Apart from those that are trained on and those that are judged by."""


def refit_on_unseen(
    network: Network,
    recipe: ImageRecipe,
    view_set: int,
    tree: Tree,
    seen: Sequence[LabelledGalaxies],
    unseen: int,
    workers: int,
    cache: Path,
    progress: Progress | None,
) -> None:
    """Fit the head of a trained network in place; killed, it goes on at the last whole chunk.

    Args:
        network: The trained network on the CPU; its head is as wide as the tree.
        recipe: The recipe of inference: how pictures are made.
        view_set: Views that inference averages, 1 or 8; of 8, each galaxy is shown in two.
        tree: GZD-5, on whose questions simulated galaxies are voted.
        seen: Real training galaxies, which weigh as much as the simulated ones together, or the head would
            forget them.
        unseen: How many galaxies to draw; in memory at the end they take 40 kB each.
        workers: Processes that draw them; 0 draws in this one.
        cache: Folder that their vectors are kept in (10 kB each).
        progress: Where a progress bar is shown; None shows none.

    Raises:
        TrainingError: A kept file is damaged.
    """
    cache.mkdir(parents=True, exist_ok=True)
    frozen = fold_batch_norm(network, recipe.size)
    frozen.equal_length = False  # the head sees vectors as they are
    drawn = _SimulatedChunks(unseen, recipe, view_set)
    parts = (fingerprint(frozen), recipe.to_dict(), view_set)
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    files = [cache / f"unseen-{key}-{i}-{drawn.size_of(i)}.npz" for i in range(len(drawn))]
    missing = [i for i, file in enumerate(files) if not file.exists()]
    bar = progress.add_task("head", total=len(missing)) if progress else None
    for i, (rgb, counts) in zip(
        missing, DataLoader(Subset(drawn, missing), batch_size=None, num_workers=workers), strict=True
    ):
        write_arrays(files[i], vectors=_encode(frozen, rgb), votes=counts.numpy())
        if progress and bar is not None:
            progress.update(bar, advance=1)
    groups = [[_read_cache(file) for file in files]]
    if seen:
        groups.append([_encode_real(frozen, source, recipe, view_set) for source in seen])
    refit_vote_head(network.head, [_flatten_views(group, tree) for group in groups], tree)


class _SimulatedChunks(Dataset[tuple[Tensor, Tensor]]):
    """Simulated galaxies, CHUNK together, drawn when they are asked for.

    A chunk is the galaxies' pictures, (views shown, CHUNK, 3, size, size) float32, and votes, (CHUNK, 34).
    """

    def __init__(self, galaxies: int, recipe: ImageRecipe, view_set: int) -> None:
        self._galaxies, self._recipe, self._view_set = galaxies, recipe, view_set

    def __len__(self) -> int:
        return math.ceil(self._galaxies / CHUNK)

    def size_of(self, i: int) -> int:
        """Galaxies in chunk i."""
        return min(CHUNK, self._galaxies - i * CHUNK)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        pictures, votes = draw_pictures(self.size_of(i), _SEED, i * CHUNK)
        share, size = self._recipe.crop / KEPT_SHARE, self._recipe.size
        rgb = torch.stack([crop_and_resize(torch.from_numpy(picture), share, size) for picture in pictures])
        return _two_views(rgb, self._view_set, i), torch.from_numpy(votes)


def _two_views(rgb: Tensor, view_set: int, i: int) -> Tensor:
    """Two of the views of pictures, other ones for another i; one, where there is one."""
    turned = list(make_views(rgb, view_set))
    return torch.stack([turned[k] for k in sorted({i % view_set, (i + view_set // 2) % view_set})])


def _encode_real(
    frozen: Network, source: LabelledGalaxies, recipe: ImageRecipe, view_set: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of the plain pictures of a source, (views shown, n, d), and its votes."""
    pictures = DataLoader(PictureDataset([source], recipe.size, None), CHUNK)
    vectors = [_encode(frozen, _two_views(shown.rgb[:, 0], view_set, i)) for i, shown in enumerate(pictures)]
    return np.concatenate(vectors, axis=1), source.votes


def _flatten_views(
    parts: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], tree: Tree
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors (views, n, d) and votes (n, answers), a row a view; galaxies without votes are left out."""
    vectors = np.concatenate([vectors.reshape(-1, vectors.shape[2]) for vectors, _ in parts])
    votes = np.concatenate([np.tile(votes[:, : tree.n_answers], (len(v), 1)) for v, votes in parts])
    voted = votes.any(axis=1)
    return vectors[voted], votes[voted]


@torch.inference_mode()
def _encode(frozen: Network, rgb: Tensor) -> NDArray[np.float32]:
    """The vectors, (views, n, d), of pictures (views, n, 3, size, size)."""
    embedding: NDArray[np.float32] = torch.stack([frozen(view).embedding for view in rgb]).numpy()
    return embedding


def _read_cache(file: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    vectors, votes = read_arrays(file, ("vectors", "votes"), TrainingError)
    return vectors, votes
