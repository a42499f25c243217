"""The training configuration: a TOML file, parsed once, wrong in one line."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_origin

from encoder.errors import TrainingError, WeightsError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.model.recipe import ImageRecipe
from encoder.model.views import VIEW_SETS
from encoder.toml_reader import RecordError, read_record, toml_record
from encoder.training.head_config import HeadConfig, check_head
from encoder.training.labels.real_votes import LABEL_READERS
from encoder.training.pictures.augment import AUGMENTATIONS, Share

_T = TypeVar("_T")
_SIZE_STEP = 32
_MIN_SHARE = 0.02
_MIN_BATCH_TO_COMPARE = 4
_SEED_LIMIT = 2**28
FIRST_HELD_OUT_SEED = 800_001
"""From here on, seeds of simulated galaxies are for what must not be trained on."""
TIMM_PREFIX = "timm:"
"""What a start begins with whose name timm knows."""
SOURCE_KINDS = {
    "simulated": (),
    "efigi": ("folder",),
    "votes": ("table", "folder"),
    "unlabelled": ("folder",),
    **dict.fromkeys(LABEL_READERS, ("folder",)),
}
"""The kinds of sources, and what each must say of itself."""


@toml_record
@dataclass(frozen=True)
class OutputConfig:
    """The table `[release]` of a training configuration: what the training makes, and where it is kept.

    Attributes:
        name: Name of the release, and of its file without `.safetensors`.
        backbone: The network's architecture, by timm's name for it.
        start: `imagenet` or `random` weights of the backbone; `timm:NAME` for weights that timm fetches
            (`timm:convnext_nano.in12k`, `timm:hf-hub:mwalmsley/zoobot-encoder-convnext_nano`); or a weights
            file of a release to go on from.
        start_head: Whether a release that is gone on from gives its head too. A head that was fitted on
            galaxies that are to judge the new network must not.
        view_set: Views averaged at inference, 1 or 8.
        folder: Where the run keeps its log, checkpoint and weights; relative to the current folder.
        tree: The Galaxy Zoo tree of the release's answers.
        also_learnt: Further trees whose questions are trained on and left out of the release.
        equal_length: Whether all vectors are scaled to the same length, so that only directions differ.
        refit_galaxies: Simulated galaxies, drawn for this alone, on which the head is fitted once more after
            training, beside the real ones that were trained on; 0 leaves it as it was trained. `[head]` says
            more.
    """

    name: str
    backbone: str
    start: str
    view_set: int
    folder: str
    tree: str = "gzd5"
    also_learnt: tuple[str, ...] = ()
    equal_length: bool = False
    refit_galaxies: int = 0
    start_head: bool = True


@toml_record
@dataclass(frozen=True)
class LoopConfig:
    """How the network is trained.

    Attributes:
        epochs: Passes over all sources.
        start_size: Width and height of the pictures in the first epoch, pixels; they grow in steps of 32.
        size: Width and height in the last epoch, pixels; inference may use another size.
        batch_size: Number of pictures in a step.
        learning_rate: Step size at its highest, after the warm-up; then it falls as a cosine to 0.
        weight_decay: Weight decay of AdamW; it acts on matrices and convolutions only.
        warmup_epochs: Epochs, not necessarily whole, in which the learning rate rises linearly.
        ema_decay: Share of the moving average of the weights that a step keeps; the average is what is
            released.
        drop_path: Probability with which stochastic depth leaves out a residual branch.
        workers: Processes that read images; 0 reads in the training process.
        threads: CPU threads of the training process.
        seed: Seed of everything random.
        patience: Epochs without a lower held-out loss after which training stops and the best weights are
            released; 0 trains to the end.
        augment: `full`, `bridged` or `flips`, what changes in a picture from epoch to epoch.
        likeness: Weight of the loss by which galaxies with the same traits get vectors of one direction,
            beside that of the votes, which is in nats a galaxy.
        agreement: Weight of the loss by which two pictures of one galaxy are told from those of others. With
            this a step sees two pictures of each of half as many galaxies.
        cooldown_epochs: Where it is not 0, the learning rate stays at its highest after the warm-up and falls
            linearly to 0 in the last so many epochs, in which pictures have the last size. The run can then
            be resumed with another number of epochs.
    """

    epochs: int
    start_size: int
    size: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_epochs: float
    ema_decay: float
    drop_path: float
    workers: int
    threads: int
    seed: int
    patience: int = 0
    augment: str = "full"
    likeness: float = 0.0
    agreement: float = 0.0
    cooldown_epochs: float = 0.0

    @property
    def pictures_of_each(self) -> int:
        """Pictures that a step sees of each of its galaxies."""
        return 2 if self.agreement else 1

    def size_in(self, epoch: int) -> int:
        """Width and height of the pictures in an epoch, pixels: small ones first teach the same for less."""
        if self.cooldown_epochs:
            return self.start_size if epoch < self.epochs - self.cooldown_epochs else self.size
        steps = (self.size - self.start_size) // _SIZE_STEP + 1
        return self.size - _SIZE_STEP * (steps - 1 - epoch * steps // self.epochs)


@toml_record
@dataclass(frozen=True)
class SourceConfig:
    """A table `[[source]]` of a training configuration: one set of galaxies to learn from.

    Attributes:
        kind: `simulated`; `efigi`; `votes`, a table of counts as Galaxy Zoo publishes them; a set of
            real galaxies whose labels `encoder.training.labels.real_votes` reads, `gz2_votes` and others; or
            `unlabelled`, a folder of images.
        share: Range of the share of the frame that the network sees.
        folder: Folder of the images and their table; relative to the current folder.
        galaxies: Number of galaxies to simulate.
        seed: Seed of the simulation.
        held_out: Share of the galaxies that is not trained on.
        repeat: How many times an epoch shows each of its galaxies, each time another random picture.
        table: CSV or Parquet of vote counts, one row a galaxy.
        tree: Name of the tree whose questions and answers the table's columns are.
        id_column: Column of the table with the galaxies' names.
        file_column: Column with the image files below `folder`; without it, images are called by the name.
        survey: Survey, or TOML file of one, that says what the bands of FITS images are.
        without: What must not be learnt: expert attributes, as if they were unknown (`efigi`), or what no
            simulated galaxy is: an object's kind, `merger` or `ring` (`simulated`).
        framed: Whether the frame of each galaxy is found in its picture; `share` is then of a frame that is
            half as wide again as what the network sees, which is a share of 2/3.
        shown: How many of the galaxies an epoch shows, each time others; 0 for all.
        left_out: CSV file with the columns `set`, a source's name, and `id`: galaxies that are not trained
            on, because they, or other pictures of them, are judged on.
    """

    kind: str
    share: Share
    folder: str = ""
    galaxies: int = 0
    seed: int = 0
    held_out: float = 0.0
    repeat: int = 1
    table: str = ""
    tree: str = "gzd5"
    id_column: str = "iauname"
    file_column: str = ""
    survey: str = ""
    without: tuple[str, ...] = ()
    framed: bool = False
    shown: int = 0
    left_out: str = ""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything a training run needs to know, and the text it was read from."""

    release: OutputConfig
    recipe: ImageRecipe
    loop: LoopConfig
    sources: tuple[SourceConfig, ...]
    text: str
    head: HeadConfig | None = None


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
    grows = 0 < loop.start_size <= loop.size and (loop.size - loop.start_size) % _SIZE_STEP == 0
    _check(grows, f"training: start_size {loop.start_size} does not grow to {loop.size} in steps of 32")
    for name in ("epochs", "size", "batch_size", "learning_rate", "threads"):
        _check(0 < getattr(loop, name) < math.inf, f"training: {name} is not positive")


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise TrainingError(message)
