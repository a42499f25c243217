"""The training configuration: what a run needs to know, record by record."""

from dataclasses import dataclass

from encoder.model.recipe import ImageRecipe
from encoder.toml_reader import toml_record
from encoder.training.head_config import HeadConfig
from encoder.training.labels.real_votes import LABEL_READERS
from encoder.training.pictures.augment import Share

SIZE_STEP = 32
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
        steps = (self.size - self.start_size) // SIZE_STEP + 1
        return self.size - SIZE_STEP * (steps - 1 - epoch * steps // self.epochs)


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
