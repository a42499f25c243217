"""Which galaxies must not be trained on, because they, or other pictures of them, are judged on.

    python -m encoder.training.labels.left_out ../shared/data runs/left_out.csv

Judged on are a fixed half of Galaxy Zoo 2's galaxies with all counts, and an eighth more that choices are
made by; EFIGI's test split; every DECaLS picture. A galaxy of another set is one of theirs if it is in their
group (`sky_groups`), or where nothing but the picture tells, if the framed views are alike: that takes a few
others with it, which does no harm.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional

from encoder.training.labels.efigi import stratified_test_mask
from encoder.training.labels.sky_groups import Pairs, same_name, same_picture, same_position, sky_groups
from encoder.training.pictures.framed_images import frame_images
from encoder.training.pictures.images import FileImages

_ONE_PIPELINE = ("gz2_votes", "gz2_kaggle", "gz1_classes")
"""Sets whose pictures come of the same files: of one galaxy they are equal but for the encoding."""
_SETS = (*_ONE_PIPELINE, "gz1_spirals", "efigi")
OWN_PARTS = ("test", "validation")
"""Reasons of the galaxies with all of Galaxy Zoo 2's counts: no other set is judged by them."""
_TEST_FROM, _VALIDATION_FROM = 0.5, 0.375
"""Of a hash in 0..1."""
_SMALL_PX = 32
_VIEW_PX = 40
_ALIKE = 0.92
_ALIKE_TO_EFIGI = 0.95
"""Correlation of views without their mean profile: of SDSS pictures of one galaxy, and of EFIGI's, which have
another stretch."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures of one set, n of them.

    Attributes:
        name: Folder of the set.
        ids: Names of the galaxies in it.
        files: Path of each galaxy's picture.
        ra: (n,) degrees, NaN where unknown.
        dec: (n,) degrees, NaN where unknown.
        objects: Names of the same galaxies in SDSS, empty where unknown.
    """

    name: str
    ids: list[str]
    files: list[Path]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    objects: list[str]


def gz2_parts(ids: Sequence[str], groups: NDArray[np.int64]) -> NDArray[np.str_]:
    """`test`, `validation` or `training` for each galaxy with all of Galaxy Zoo 2's counts, (n,).

    Args:
        ids: Names of the galaxies.
        groups: Group of each row, as `sky_groups` gives it.
    """
    names = [f"gz2_votes:{ids[first]}".encode() for first in groups.tolist()]
    at = [int.from_bytes(blake2b(name, digest_size=8).digest(), "big") / 2**64 for name in names]
    parts: NDArray[np.str_] = np.array(
        ["test" if x >= _TEST_FROM else "validation" if x >= _VALIDATION_FROM else "training" for x in at]
    )
    return parts


def list_left_out(data: Path, cache: Path) -> pd.DataFrame:
    """Sets and ids of the galaxies that must not be trained on, and why.

    Args:
        data: Folder of the sets.
        cache: Folder that framed pictures are kept in.
    """
    sets = {name: _read_set(data, name) for name in _SETS}
    votes = sets["gz2_votes"]
    groups = _groups([sets[name] for name in _SETS])
    part = gz2_parts(votes.ids, groups[: len(votes.ids)])
    judged_groups = set(groups[: len(votes.ids)][part != "training"].tolist())
    decals_ra, decals_dec = _read_judged_decals(data)
    views = {name: _views(one, cache) for name, one in sets.items()}
    tested = stratified_test_mask(pd.read_csv(data / "efigi" / "attributes.csv"), 0.4)
    rows = [("gz2_votes", name, why) for name, why in zip(votes.ids, part, strict=True) if why != "training"]
    start = 0
    for name, one in sets.items():
        own = groups[start : start + len(one.ids)]
        start += len(one.ids)
        reasons = {
            "same galaxy as one of gz2_votes": np.isin(own, list(judged_groups)) & (name != "gz2_votes"),
            "alike one of gz2_votes": _alike(views[name], views["gz2_votes"][part != "training"]) > _ALIKE,
            "alike an EFIGI test galaxy": _alike(views[name], views["efigi"][tested]) > _ALIKE_TO_EFIGI,
            "judged DECaLS galaxy": _near(one, decals_ra, decals_dec),
        }
        if name == "efigi":
            reasons = {why: mask & ~tested for why, mask in reasons.items() if "EFIGI" not in why}
        if name == "gz2_votes":
            reasons.pop("alike one of gz2_votes")
        if name == "gz1_spirals":
            table = pd.read_csv(data / name / "labels.csv", low_memory=False)
            reasons["has counts of DECaLS"] = table.filter(like="gzdecals").notna().any(axis=1).to_numpy()
        rows += [(name, one.ids[i], why) for why, mask in reasons.items() for i in np.flatnonzero(mask)]
    rows += [("gz_decals_rings", name, "has counts of DECaLS") for name in _count_rings(data)]
    return pd.DataFrame(rows, columns=["set", "id", "reason"]).drop_duplicates(["set", "id"])


def _read_set(data: Path, name: str) -> PictureSet:
    efigi = name == "efigi"
    table = pd.read_csv(
        data / name / ("attributes.csv" if efigi else "labels.csv"),
        dtype={"id": str, "dr7objid": str},
        low_memory=False,
    )
    ids = table["PGCname" if efigi else "id"].astype(str).tolist()
    unknown = pd.Series(np.nan, index=table.index)
    objects = table.get("dr7objid", table["id"] if name == "gz1_classes" else pd.Series("", table.index))
    return PictureSet(
        name,
        ids,
        [data / name / "images" / file for file in table["image"]],
        np.asarray(table.get("ra", unknown), np.float64),
        np.asarray(table.get("dec", unknown), np.float64),
        objects.fillna("").astype(str).tolist(),
    )


def _groups(sets: Sequence[PictureSet]) -> NDArray[np.int64]:
    """Groups of the rows of all sets, one after the other."""
    n = sum(len(one.ids) for one in sets)
    alike = [one for one in sets if one.name in _ONE_PIPELINE]
    equal: Pairs = same_picture(_small_pictures([file for one in alike for file in one.files]))
    position = same_position(*(np.concatenate([getattr(one, key) for one in sets]) for key in ("ra", "dec")))
    return sky_groups(n, [position, same_name([name for one in sets for name in one.objects]), equal])


def _small_pictures(files: Sequence[Path]) -> NDArray[np.uint8]:
    def read(file: Path) -> NDArray[np.uint8]:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB").resize((_SMALL_PX, _SMALL_PX), Image.Resampling.BOX))

    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(read, files)))


def _read_judged_decals(data: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rings = pd.read_csv(data / "gz_decals_rings" / "labels.csv")[["ra", "dec"]]
    tables = [pd.read_csv(file) for file in sorted((data / "gz_decals_dr5_fixture").glob("*.csv"))]
    placed = [table[["ra", "dec"]] for table in tables if {"ra", "dec"} <= set(table)]
    judged = pd.concat([rings, *placed]).to_numpy(np.float64)
    return judged[:, 0], judged[:, 1]


def _count_rings(data: Path) -> list[str]:
    rings = pd.read_csv(data / "gz_decals_rings" / "labels.csv")
    counts = pd.read_csv(data / "votes" / "gz_decals_q1_votes.csv")
    return [str(name) for name in rings["iauname"][rings["iauname"].isin(counts["iauname"])]]


def _near(one: PictureSet, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which galaxies of a set stand within 3 arcsec of one of some positions, (n,)."""
    n = len(one.ids)
    pairs = same_position(np.concatenate([one.ra, ra]), np.concatenate([one.dec, dec]))
    across = pairs[(pairs.min(axis=1) < n) & (pairs.max(axis=1) >= n)]
    mask = np.zeros(n, np.bool_)
    mask[across.min(axis=1)] = True
    return mask


def _views(one: PictureSet, cache: Path) -> Tensor:
    """Small framed views without their mean profile, each of length 1, (n, pixels)."""
    framed = frame_images(FileImages(one.files), one.name, "\n".join(one.ids), cache)
    at = (torch.arange(_VIEW_PX) + 0.5) / _VIEW_PX * 2 - 1
    from_middle = torch.hypot(at, at[:, None]).flatten()
    rings = torch.nn.functional.one_hot((from_middle * _VIEW_PX / 2).long()).float()
    weight = torch.exp(-((from_middle / 0.8) ** 4))
    parts = []
    for start in range(0, len(framed), 256):
        grey = torch.from_numpy(np.array(framed.pictures[start : start + 256])).float().mean(dim=1)
        small = functional.resize(grey[:, 16:-16, 16:-16], [_VIEW_PX, _VIEW_PX], antialias=True)
        light = (small / 255).clamp(min=0).sqrt().flatten(1)
        profile = (light @ rings) / rings.sum(dim=0).clamp(min=1)
        parts.append(torch.nn.functional.normalize((light - profile @ rings.T) * weight, dim=1))
    return torch.cat(parts)


def _alike(views: Tensor, judged: Tensor) -> NDArray[np.float32]:
    """The highest correlation of each view with one of those that are judged on, (n,)."""
    best = [(views[i : i + 1024] @ judged.T).amax(dim=1) for i in range(0, len(views), 1024)]
    highest: NDArray[np.float32] = torch.cat(best).numpy()
    return highest


if __name__ == "__main__":
    source, output = Path(sys.argv[1]), Path(sys.argv[2])
    output.parent.mkdir(parents=True, exist_ok=True)
    list_left_out(source, output.parent / "cache").to_csv(output, index=False)
