"""What a fine-tuning learns and how: the task, and depth, lengths and rates, both checked."""

from dataclasses import dataclass

from encoder.errors import LearningError


@dataclass(frozen=True)
class TuningSettings:
    """How a task is learnt.

    The rates were chosen by the held-out loss of 2 draws of 79 + 79 EFIGI rings: at 1e-3 the head lost in an
    epoch what the probe knew, and at 1e-4 the blocks overfitted sooner than at 3e-5.

    Attributes:
        depth: Blocks trained, counted from the backbone's end as timm groups its layers (`group_matcher`): a
            residual or MBConv block is one; what follows the last one belongs to it, a downsampling to the
            block after it; the stem is the first. 0 for the head alone, None for all.
        epochs: Maximum number of epochs of the second stage.
        head_epochs: Maximum number of epochs of the first stage.
        patience: Epochs without a lower held-out loss after which a stage ends.
        fixed_steps: Steps of the second stage where labels are too few to hold some out.
        rate: Learning rate of the blocks at the start; it falls to 0 as a cosine.
        head_rate: Learning rate of the head at the start; it falls to 0 as a cosine.
        weight_decay: Weight decay of AdamW.
        batch_size: Galaxies of a step of the optimiser.
        seed: Seed of the choice of held-out galaxies, of their order and of the augmentation.
    """

    depth: int | None = 6
    epochs: int = 15
    head_epochs: int = 15
    patience: int = 5
    fixed_steps: int = 60
    rate: float = 3e-5
    head_rate: float = 1e-4
    weight_decay: float = 0.05
    batch_size: int = 32
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "fixed_steps", "rate", "head_rate", "batch_size"):
            require(getattr(self, name) > 0, f"tuning setting {name} = {getattr(self, name)} is not positive")
        for name in ("depth", "head_epochs", "weight_decay", "seed"):
            value = getattr(self, name)
            require(value is None or value >= 0, f"tuning setting {name} = {value} is negative")


def require(ok: bool, message: str) -> None:
    """Raise `LearningError` with a message unless all is well."""
    if not ok:
        raise LearningError(message)


@dataclass(frozen=True)
class TunedTask:
    """The question that a network is fine-tuned to answer.

    Attributes:
        name: Short name of the task.
        question: The question as people were asked it.
        classes: The possible answers, 2 or more.
    """

    name: str
    question: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(self.classes) < 2:  # noqa: PLR2004 - a choice
            raise LearningError(f"task {self.name!r} has the classes {self.classes}: 2 or more are needed")
        if len(set(self.classes)) < len(self.classes):
            raise LearningError(f"task {self.name!r} names a class twice: {', '.join(self.classes)}")
