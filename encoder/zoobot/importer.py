"""An encoder of Zoobot as a release: its network, its kind of pictures, a projection and a head for votes.

What the hub publishes are encoders without a head; for those a linear head is fitted on frozen vectors of
simulated galaxies, whose votes are known, and the release says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray

from encoder.anomalies.score import fit_anomaly
from encoder.cutouts.image_list import ListedImage
from encoder.errors import ImageError, WeightsError
from encoder.inference.embed_images import BATCH_SIZE, picture_batches
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.gz_tree import GZD5
from encoder.model.network import Network, check_size
from encoder.model.projection import empty_projection, fit_projection
from encoder.model.recipe import ImageRecipe
from encoder.model.weights_file import Weights, write_weights
from encoder.surveys.description import Survey
from encoder.training.linear_head import fit_vote_head
from encoder.training.pictures.augment import crop_and_resize
from encoder.training.pictures.simulated import KEPT_SHARE, SimulatedGalaxies, simulated_galaxies
from encoder.zoobot.checkpoint import load_backbone, load_head, read_checkpoint

Vectors = NDArray[np.float32]

SIZE, CROP = 224, 0.75
"""Zoobot's pictures: of the 424 pixels of a cutout the central three quarters, as 224 (paper, section 2)."""
SAMPLE_SEED = 700_001
"""Seed of the simulated galaxies that the projection, and where needed the head, are fitted on."""


@dataclass(frozen=True)
class ImportReport:
    """What came out.

    Attributes:
        backbone: The network's architecture, by timm's name for it.
        channels: Channels of the pictures it sees: 1 for grey, 3 for colour.
        dimension: Width of its vectors.
        own_head: Whether the votes are said by the checkpoint's own head.
    """

    backbone: str
    channels: int
    dimension: int
    own_head: bool


def import_zoobot(
    source: str,
    output: Path,
    name: str,
    *,
    backbone: str | None = None,
    size: int | None = None,
    crop: float = CROP,
    view_set: int = 1,
    galaxies: int = 1000,
    images: Sequence[ListedImage] = (),
    survey: Survey,
    advance: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Write a release from a Zoobot checkpoint.

    Pictures are 0..1 as Zoobot takes them, in colour or grey as the checkpoint's first layer is.

    Args:
        source: The checkpoint: a file, a folder or a name on the model hub, as `read_checkpoint` takes it.
        output: Weights file to write.
        name: Name of the release.
        backbone: The network's architecture, by timm's name; None for the one that the checkpoint names.
        size: Width and height of the pictures, pixels; None for what the backbone takes, if that is fixed,
            else Zoobot's.
        crop: Central share of the cutout's field that they show.
        view_set: Views averaged, 1 or 8.
        galaxies: Number of galaxies to simulate for the sample.
        images: Real cutouts that the projection is fitted on too.
        survey: The survey whose description says what the bands of FITS images are.
        advance: Called with the number of galaxies encoded since the last call.

    Raises:
        WeightsError: The checkpoint is missing, damaged, or another network's, or takes no such pictures.
        ImageError: An image of the sample cannot be read.
        TrainingError: The sample is too small.
    """
    checkpoint = read_checkpoint(source, backbone)
    recipe = ImageRecipe(
        size or _usual_size(checkpoint.backbone),
        crop=crop,
        input_mean=0.0,
        input_deviation=1.0,
        channels=checkpoint.channels,
    )
    network = Network(checkpoint.backbone, GZD5.n_answers, 0.0, 1.0, channels=checkpoint.channels).eval()
    check_size(network, recipe.size)
    load_backbone(network, checkpoint, source)
    try:
        own_head = checkpoint.head is not None and load_head(network, checkpoint.head, GZD5)
    except WeightsError as error:
        raise WeightsError(f"{source}: {error}") from error
    training: dict[str, Any] = {
        "imported_from": source if not Path(source).exists() else Path(source).name,
        "head": "the checkpoint's own" if own_head else f"linear, fitted on {galaxies} simulated galaxies",
        "projection": f"{galaxies} simulated galaxies and {len(images)} images",
    }
    untouched = empty_projection(network.dimension)
    weights = Weights(name, checkpoint.backbone, GZD5, recipe, view_set, training, network, untouched)
    with TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.safetensors"
        write_weights(rounded, weights)
        encoder = load_encoder(rounded)
        drawn = simulated_galaxies(galaxies, SAMPLE_SEED, Path(folder))
        found = [_encode_simulated(encoder, drawn, advance)]
    if not own_head:
        fit_vote_head(network.head, found[0], drawn.votes, GZD5)
    found += _encode_images(encoder, images, survey, advance)
    sample = np.concatenate(found)
    projection = fit_projection(sample)
    anomaly = fit_anomaly(projection.apply(sample))
    write_weights(output, replace(weights, projection=projection, anomaly=anomaly))
    return ImportReport(checkpoint.backbone, checkpoint.channels, network.dimension, own_head)


def _usual_size(backbone: str) -> int:
    input_size = timm.get_pretrained_cfg_value(backbone, "input_size")
    fixed = timm.get_pretrained_cfg_value(backbone, "fixed_input_size")
    return int(input_size[-1]) if fixed and input_size else SIZE


def _encode_simulated(encoder: Encoder, drawn: SimulatedGalaxies, advance: Callable[[int], None]) -> Vectors:
    share = encoder.recipe.crop / KEPT_SHARE
    found = []
    for start in range(0, len(drawn), BATCH_SIZE):
        rows = range(start, min(start + BATCH_SIZE, len(drawn)))
        rgb = torch.stack([crop_and_resize(drawn[i], share, encoder.recipe.size) for i in rows])
        found.append(encoder.encode(rgb).embedding)
        advance(len(rows))
    return np.concatenate(found)


def _encode_images(
    encoder: Encoder, images: Sequence[ListedImage], survey: Survey, advance: Callable[[int], None]
) -> list[Vectors]:
    def refuse(line: str) -> None:
        raise ImageError(line)

    found = []
    for batch in picture_batches(images, encoder, survey, refuse, BATCH_SIZE):
        found.append(encoder.encode(batch.rgb).embedding)
        advance(len(batch.rows))
    return found
