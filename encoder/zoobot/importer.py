"""An encoder of Zoobot as a release: its network, its kind of pictures, a projection and a head for votes.

What the hub publishes are encoders without a head; for those a linear head is fitted on frozen vectors: of
real galaxies with votes, where a table of them is given, beside simulated ones, and the release says so.
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
from encoder.training.head.fit import ALPHA_FLOOR, HeadSettings, fit_head
from encoder.training.head.joint_head import Group
from encoder.training.head.vote_figures import VoteFigures
from encoder.training.head.vote_table import CAMPAIGNS
from encoder.training.pictures.shown import show_simulated
from encoder.training.pictures.simulated import SimulatedGalaxies, draw_galaxies
from encoder.zoobot.checkpoint import load_backbone, load_head, read_checkpoint
from encoder.zoobot.votes_head import RealVotes, fit_on_votes

Vectors = NDArray[np.float32]

SIZE, CROP = 224, 0.75
"""Zoobot's pictures: of the 424 pixels of a cutout the central three quarters, as 224 (paper, section 2)."""
SAMPLE_SEED = 700_001
"""Seed of the simulated galaxies that the projection, and where needed the head, are fitted on."""


@dataclass(frozen=True)
class ImportReport:
    """What an import made, for the person who asked for it.

    Attributes:
        backbone: The network's architecture, by timm's name for it.
        channels: Channels of the pictures it sees: 1 for grey, 3 for colour.
        dimension: Width of its vectors.
        own_head: Whether the votes are said by the checkpoint's own head.
        measured: How votes were foretold by heads that were not fitted on them, a row a question; empty where
            no real votes were given.
    """

    backbone: str
    channels: int
    dimension: int
    own_head: bool
    measured: tuple[VoteFigures, ...] = ()


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
    real_votes: RealVotes | None = None,
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
        real_votes: Real galaxies that a head is fitted on, even where the checkpoint has one; or None.
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
    own_head = own_head and real_votes is None
    training: dict[str, Any] = {
        "imported_from": source if not Path(source).exists() else Path(source).name,
        "head": "the checkpoint's own" if own_head else f"linear, fitted on {galaxies} simulated galaxies",
        "projection": f"{galaxies} simulated galaxies and {len(images)} images",
    }
    if real_votes:
        n = len(real_votes.table.ids)
        training["projection"] = f"{galaxies} simulated galaxies and {len(images) + n} images"
    untouched = empty_projection(network.dimension)
    weights = Weights(name, checkpoint.backbone, GZD5, recipe, view_set, training, network, untouched)
    measured: tuple[VoteFigures, ...] = ()
    with TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.safetensors"
        write_weights(rounded, weights)
        encoder = load_encoder(rounded)
        drawn = draw_galaxies(galaxies, SAMPLE_SEED, Path(folder))
        found = [_encode_simulated(encoder, drawn, advance)]
        simulated = Group(found[0], CAMPAIGNS.votes({GZD5.name: drawn.votes}))
        if real_votes:
            fitted = fit_on_votes(encoder, real_votes, simulated, Path(folder), survey)
            advance(len(real_votes.table.ids))
            measured = fitted.figures
            network.head.load_state_dict(fitted.head.state_dict())
            network.alpha_floor = ALPHA_FLOOR
            weights = replace(weights, scales=fitted.scales, training=training | fitted.about)
            found.append(fitted.embedding)
        elif not own_head:
            fitted_head = fit_head([simulated], CAMPAIGNS, HeadSettings(alpha_floor=1.0))
            network.head.load_state_dict(fitted_head.state_dict())
    found += _encode_images(encoder, images, survey, advance)
    sample = np.concatenate(found)
    projection = fit_projection(sample)
    anomaly = fit_anomaly(projection.apply(sample))
    write_weights(output, replace(weights, projection=projection, anomaly=anomaly))
    return ImportReport(checkpoint.backbone, checkpoint.channels, network.dimension, own_head, measured)


def _usual_size(backbone: str) -> int:
    input_size = timm.get_pretrained_cfg_value(backbone, "input_size")
    fixed = timm.get_pretrained_cfg_value(backbone, "fixed_input_size")
    return int(input_size[-1]) if fixed and input_size else SIZE


def _encode_simulated(encoder: Encoder, drawn: SimulatedGalaxies, advance: Callable[[int], None]) -> Vectors:
    found = []
    for start in range(0, len(drawn), BATCH_SIZE):
        rows = range(start, min(start + BATCH_SIZE, len(drawn)))
        rgb = torch.stack([show_simulated(drawn[i], encoder.recipe) for i in rows])
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
