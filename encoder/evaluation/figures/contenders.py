"""Who is compared: the release, its network untrained and from ImageNet, other releases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from encoder.errors import EvaluationError, TrainingError
from encoder.model.baselines import IMAGENET, SCRATCH, imagenet_encoder, untrained_encoder
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.gz_tree import GZD5


@dataclass(frozen=True)
class Contender:
    """An encoder under the name that tables give it.

    Attributes:
        name: Name of the release or of the baseline, as tables give it.
        encoder: The encoder, loaded on its device.
        is_release: Trained on galaxies: its vote fractions mean something.
        has_new_head: Whether its head was fitted here, on galaxies with votes, because it had none.
    """

    name: str
    encoder: Encoder
    is_release: bool
    has_new_head: bool = False

    @property
    def answers_gzd5(self) -> bool:
        """Whether its vote fractions are those of the GZD-5 tree."""
        return (self.is_release or self.has_new_head) and self.encoder.tree.name == GZD5.name


def load_contenders(
    weights: Path | None,
    against: Sequence[Path],
    views: int | None,
    device: str | None,
    skipped: Callable[[str], None],
    *,
    baselines: bool = True,
) -> list[Contender]:
    """The release first, the baselines last.

    Args:
        weights: The release; None for the one that ships with the package.
        against: Weights files of other releases to compare with.
        views: Number of views that every encoder averages; None for the release's own number.
        device: The device that encodes pictures; None for the best of this machine.
        skipped: Called with one line for each baseline that is left out, which says why.
        baselines: Whether the network is compared as ImageNet left it, and untrained.

    Raises:
        WeightsError: A file is missing, damaged or something else.
        EvaluationError: A release is given twice.
    """
    own = load_encoder(weights, device)
    releases = [own, *(load_encoder(file, device) for file in against)]
    hashes = [release.sha256 for release in releases]
    for i, sha256 in enumerate(hashes):
        if sha256 in hashes[:i]:
            raise EvaluationError(f"{against[i - 1]} is given twice: the same weights as {releases[i].name}")
    names = [release.name for release in releases]
    called = [
        f"{name} {sha256[:6]}" if names.count(name) > 1 else name
        for name, sha256 in zip(names, hashes, strict=True)
    ]
    found = [
        Contender(name, release, is_release=True) for name, release in zip(called, releases, strict=True)
    ]
    if baselines:
        try:
            found.append(Contender(IMAGENET, imagenet_encoder(own), is_release=False))
        except TrainingError as error:
            skipped(f"baseline {IMAGENET}: {error}")
        found.append(Contender(SCRATCH, untrained_encoder(own), is_release=False))
    else:
        skipped(f"baselines {IMAGENET} and {SCRATCH}: not asked for")
    return [
        replace(contender, encoder=replace(contender.encoder, view_set=views or own.view_set))
        for contender in found
    ]
