"""What a training configuration says of the head that is fitted after the training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from encoder.errors import TrainingError
from encoder.toml_reader import toml_record

SIMULATED = "simulated"
"""Name of the simulated galaxies among a head's sources."""


@toml_record
@dataclass(frozen=True)
class HeadConfig:
    """The head that is fitted on the frozen network after the training.

    Attributes:
        weights: Sources that it is fitted on, by name, and the weight of each, however many galaxies it has;
            `simulated` are galaxies drawn for this alone.
        simulated: Number of simulated galaxies that the head is fitted on.
        bridged: Further pictures of each galaxy of the judged source, as other surveys would show it.
        alpha_floor: The least concentration of an answer.
        judged: Name of the source that says how sure the head may be, by those of its galaxies that were left
            out of the network's training; the head is fitted on them too. Without one its concentrations stay
            as they come.
    """

    weights: dict[str, float]
    simulated: int = 0
    bridged: int = 0
    alpha_floor: float = 1.0
    judged: str = ""


def check_head(head: HeadConfig, kinds: Sequence[str]) -> None:
    """Refuse numbers out of range, and sources that are not there.

    Args:
        head: The table of the head as it was read.
        kinds: Kinds of the configuration's sources.

    Raises:
        TrainingError: One line, which names the entry.
    """
    known = {SIMULATED, *kinds} - {"unlabelled"}
    _check(bool(head.weights), "weights names no source")
    for name, weight in head.weights.items():
        _check(name in known, f"{name!r} is no source here; known: {', '.join(sorted(known))}")
        _check(0 < weight < math.inf, f"the weight {weight:g} of {name} is not positive")
    _check(head.simulated >= 0, f"simulated {head.simulated} is negative")
    both = (SIMULATED in head.weights) == (head.simulated > 0)
    _check(both, "simulated needs a number and a weight, both")
    _check(head.bridged >= 0, f"bridged {head.bridged} is negative")
    _check(0 < head.alpha_floor <= 1, f"alpha_floor {head.alpha_floor:g} is not in 0..1")
    _check(not head.judged or head.judged in head.weights, f"{head.judged!r} has no weight")
    _check(head.judged != SIMULATED, "judged must be a source of real galaxies")


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise TrainingError(f"head: {message}")
