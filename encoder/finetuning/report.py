"""How a training went, epoch by epoch."""

from dataclasses import dataclass

HEAD, BLOCKS = "head", "blocks"
STAGES = (HEAD, BLOCKS)


@dataclass(frozen=True)
class Epoch:
    """How far the training is; losses in nats a galaxy.

    Attributes:
        stage: `head` (on frozen vectors) or `blocks` (head and blocks together).
        epoch: Number of the epoch, from 1 in each stage; 0 is where the stage starts.
        loss: Mean over the epoch's steps; None at the start.
        held_out_loss: Mean loss on plain pictures of galaxies not learnt from; None where none are held out.
        held_out_accuracy: Share of them whose class is said right.
    """

    stage: str
    epoch: int
    loss: float | None
    held_out_loss: float | None
    held_out_accuracy: float | None


@dataclass(frozen=True)
class TuningReport:
    """How the training went.

    Attributes:
        epochs: Reports of the epochs of both stages, in order.
        best_epoch: Epoch of the last stage trained whose weights were kept; 0 is its start.
        galaxies: Number of labelled galaxies of each class; a galaxy is of the class that most people chose.
        held_out: Number of labelled galaxies of each class that were held out, not learnt from.
        trained_parameters: Number of parameters that were trained.
        parameters: Number of all parameters of backbone and head.
        stopped: Why the training ended, one line.
    """

    epochs: tuple[Epoch, ...]
    best_epoch: int
    galaxies: dict[str, int]
    held_out: dict[str, int]
    trained_parameters: int
    parameters: int
    stopped: str
