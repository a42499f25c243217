"""Reads a training configuration: a TOML file, parsed once, wrong in one line."""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

from encoder.errors import TrainingError, WeightsError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.model.recipe import ImageRecipe
from encoder.model.views import VIEW_SETS
from encoder.toml_reader import RecordError, read_record
from encoder.training.config import (
    FIRST_HELD_OUT_SEED,
    SIZE_STEP,
    SOURCE_KINDS,
    TIMM_PREFIX,
    LoopConfig,
    OutputConfig,
    SourceConfig,
    TrainingConfig,
)
from encoder.training.head_config import HeadConfig, check_head
from encoder.training.pictures.augment import AUGMENTATIONS, Share

_T = TypeVar("_T")
_MIN_SHARE = 0.02
_MIN_BATCH_TO_COMPARE = 4
_SEED_LIMIT = 2**28


def read_config(path: Path) -> TrainingConfig:
    """Parse a training configuration.

    Raises:
        TrainingError: The file is missing, no TOML, or an entry is unknown, missing or out of range.
    """
    try:
        text = path.read_text()
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"training configuration {path} cannot be read: {error}") from error
    try:
        return _parse(raw, text)
    except (TrainingError, WeightsError) as error:
        raise TrainingError(f"{path}: {error}") from error


def _parse(raw: dict[str, Any], text: str) -> TrainingConfig:
    known = {"release", "recipe", "training", "source"}
    for name in raw:
        _check(name in {*known, "head"}, f"unknown entry {name!r}")
    for name in sorted(known):
        _check(name in raw, f"no entry {name!r}")
    _check(isinstance(raw["source"], list) and len(raw["source"]) > 0, "no [[source]]")
    config = TrainingConfig(
        release=_record(OutputConfig, raw["release"], "release"),
        recipe=ImageRecipe.from_dict(raw["recipe"]),
        loop=_record(LoopConfig, raw["training"], "training"),
        sources=tuple(_source(s) for s in raw["source"]),
        text=text,
        head=_record(HeadConfig, raw["head"], "head") if "head" in raw else None,
    )
    _check_ranges(config)
    if config.head:
        _check(not config.release.refit_galaxies, "give [head] or refit_galaxies, one of them")
        _check(config.release.tree == GZD5.name, f"simulated galaxies have no votes of {config.release.tree}")
        check_head(config.head, [source.kind for source in config.sources])
    return config


def _source(raw: dict[str, Any]) -> SourceConfig:
    _check(isinstance(raw, dict), f"source {raw!r} is not a table")
    kind = str(raw.get("kind"))
    _check(kind in SOURCE_KINDS, f"source kind {kind!r} is not one of {', '.join(SOURCE_KINDS)}")
    match raw.get("share"):
        case [int() | float() as low, int() | float() as high] if _MIN_SHARE <= low <= high <= 1 / _MIN_SHARE:
            share = Share(low, high)
        case other:
            raise TrainingError(
                f"source {kind}: share {other!r} is not two rising numbers in "
                f"{_MIN_SHARE}..{1 / _MIN_SHARE:g}"
            )
    ends = {"low": share.low, "high": share.high}
    source = _record(SourceConfig, {**raw, "share": ends}, f"source {kind}")
    if kind == "simulated":
        _check(source.galaxies > 0, "source simulated: galaxies is not positive")
    _check(not source.without or kind in {"simulated", "efigi"}, f"source {kind}: without has no meaning")
    for name in SOURCE_KINDS[kind]:
        _check(bool(getattr(source, name)), f"source {kind}: no {name}")
    return source


def _record(record: type[_T], table: object, label: str) -> _T:
    """Read a table of the file; `label` names it in errors."""
    if not isinstance(table, Mapping):
        raise TrainingError(f"{label} is not a table")
    try:
        return read_record(record, table)
    except RecordError as error:
        raise TrainingError(_explain(error, label)) from error


def _explain(error: RecordError, label: str) -> str:
    entry = error.path[0]
    if error.kind == "unknown":
        return f"{label} has an unknown entry {entry!r}"
    if error.kind == "missing":
        return f"{label} has no entry {entry!r}"
    if len(error.path) > 1 or get_origin(error.hint) is tuple:
        return f"{label}: {entry} {error.value!r} is not a list of names"
    return f"{label}: {entry} = {error.value!r} is no {error.hint.__name__}"


def _check_ranges(config: TrainingConfig) -> None:
    release, loop = config.release, config.loop
    _check(release.view_set in VIEW_SETS, f"view_set {release.view_set} is not one of {VIEW_SETS}")
    named = release.start in {"imagenet", "random"} or release.start.startswith(TIMM_PREFIX)
    _check(
        named or release.start.endswith(".safetensors"),
        f"start {release.start!r} is neither imagenet, random, {TIMM_PREFIX}NAME nor a .safetensors file",
    )
    plain = bool(release.name) and "/" not in release.name and "\\" not in release.name
    _check(plain, f"release name {release.name!r} is not the name of a file")
    _check(release.refit_galaxies >= 0, f"release: refit_galaxies {release.refit_galaxies} is negative")
    load_tree(release.tree)  # or a tree that is unknown
    _check(
        not release.refit_galaxies or release.tree == GZD5.name,
        f"simulated galaxies have no votes of {release.tree}: refit_galaxies is for {GZD5.name}",
    )
    trees = (release.tree, *release.also_learnt)
    _check(len(set(trees)) == len(trees), f"a tree is learnt twice: {', '.join(trees)}")
    for source in config.sources:
        _check(0 <= source.seed < _SEED_LIMIT, f"source {source.kind}: seed {source.seed} is not in 0..2^28")
        _check(
            source.kind != "simulated" or source.seed < FIRST_HELD_OUT_SEED,
            f"source simulated: seed {source.seed} is kept for judging, as all from {FIRST_HELD_OUT_SEED} on",
        )
        _check(0 <= source.held_out < 1, f"source {source.kind}: held_out {source.held_out} is not in 0..1")
        _check(source.repeat > 0, f"source {source.kind}: repeat {source.repeat} is not positive")
        _check(source.shown >= 0, f"source {source.kind}: shown {source.shown} is negative")
    _check(0 <= loop.seed < _SEED_LIMIT, f"training: seed {loop.seed} is not in 0..2^28")
    _check(0 <= loop.drop_path < 1, f"training: drop_path {loop.drop_path:g} is not in 0..1")
    for name in ("workers", "weight_decay", "warmup_epochs", "likeness", "agreement", "cooldown_epochs"):
        _check(
            0 <= getattr(loop, name) < math.inf,
            f"training: {name} {getattr(loop, name)} is negative or not finite",
        )
    _check(0 <= loop.ema_decay < 1, f"ema_decay {loop.ema_decay} is not in 0..1")
    known = " or ".join(AUGMENTATIONS)
    _check(loop.augment in AUGMENTATIONS, f"training: augment {loop.augment!r} is not {known}")
    unlabelled = any(source.kind == "unlabelled" for source in config.sources)
    _check(not unlabelled or loop.agreement > 0, "an unlabelled source teaches nothing without agreement")
    attributes = any(source.kind == "efigi" for source in config.sources)
    _check(not loop.likeness or attributes, "likeness compares attributes, and no source has some: add efigi")
    _check(
        not loop.agreement or loop.batch_size >= _MIN_BATCH_TO_COMPARE,
        f"training: batch_size {loop.batch_size} leaves agreement no other galaxy to compare with",
    )
    paired = loop.batch_size % loop.pictures_of_each == 0
    _check(
        paired, f"training: batch_size {loop.batch_size} is odd, and two pictures of each galaxy are wanted"
    )
    _check(loop.patience >= 0, f"training: patience {loop.patience} is negative")
    grows = 0 < loop.start_size <= loop.size and (loop.size - loop.start_size) % SIZE_STEP == 0
    _check(grows, f"training: start_size {loop.start_size} does not grow to {loop.size} in steps of 32")
    for name in ("epochs", "size", "batch_size", "learning_rate", "threads"):
        _check(0 < getattr(loop, name) < math.inf, f"training: {name} is not positive")


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise TrainingError(message)
