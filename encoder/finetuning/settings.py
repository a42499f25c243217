"""How a task is learnt: depth, lengths, rates."""

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
        epochs: Most of the second stage.
        head_epochs: Most of the first.
        patience: Epochs without a lower held-out loss after which a stage ends.
        fixed_steps: Of the second stage, where too few labels leave none to hold out.
        rate: Learning rate of the blocks at the start; it falls to 0 as a cosine.
        head_rate: The same of the head.
        weight_decay: Of AdamW.
        batch_size: Galaxies a step.
        seed: Of the held-out part, the order and the augmentation.
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
    """What is learnt.

    Attributes:
        name: Short.
        question: As it was asked.
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
