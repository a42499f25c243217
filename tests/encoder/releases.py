"""Small releases for tests: real networks with random weights, written as files."""

from pathlib import Path

import torch

from encoder.anomalies.score import fit_anomaly
from encoder.model.gz_tree import GZD5
from encoder.model.network import Network
from encoder.model.projection import fit_projection
from encoder.model.recipe import ImageRecipe
from encoder.model.weights_file import Weights, write_weights

BACKBONE = "tf_efficientnet_lite0"
SIZE = 48


def random_weights(
    view_set: int = 1, backbone: str = BACKBONE, size: int = SIZE, channels: int = 3
) -> Weights:
    torch.manual_seed(5)
    recipe = ImageRecipe(size=size, crop=0.5, channels=channels)
    network = Network(
        backbone, GZD5.n_answers, recipe.input_mean, recipe.input_deviation, channels=channels
    ).eval()
    with torch.no_grad():
        network.head.weight.mul_(30)  # opinions, or every posterior would be the same
    with torch.inference_mode():
        embedding = network(galaxies(64, size)).embedding.numpy()
    training = {"data": "none"}
    projection = fit_projection(embedding)
    anomaly = fit_anomaly(projection.apply(embedding))
    return Weights("test", backbone, GZD5, recipe, view_set, training, network, projection, anomaly)


def random_release(folder: Path, view_set: int = 1) -> Path:
    file = folder / f"test-{view_set}.safetensors"
    write_weights(file, random_weights(view_set))
    return file


def galaxies(n: int, size: int = SIZE, seed: int = 0) -> torch.Tensor:
    """(n, 3, size, size) tilted blobs of any colour on noise."""
    generator = torch.Generator().manual_seed(seed)
    x, y, tilt, width = torch.rand(4, n, 1, 1, generator=generator)
    axis = torch.linspace(-1, 1, size)
    across, down = axis[None, None, :] - (x - 0.5) * 0.4, axis[None, :, None] - (y - 0.5) * 0.4
    turned = across * torch.cos(3 * tilt) + down * torch.sin(3 * tilt)
    blob = torch.exp(-(across**2 + down**2 + 4 * turned**2) / (0.05 + 0.3 * width))
    colour = 0.3 + 0.7 * torch.rand(n, 3, 1, 1, generator=generator)
    return (blob[:, None] * colour + 0.05 * torch.rand(n, 3, size, size, generator=generator)).clamp(0, 1)


CONFIGURATION = """
[release]
name = "tiny"
backbone = "mobilenetv3_small_050"
start = "random"
view_set = 1
folder = "FOLDER"
also_learnt = ["efigi"]

[recipe]
size = 40
crop = 0.5

[training]
epochs = 2
start_size = 32
size = 32
batch_size = 8
learning_rate = 0.001
weight_decay = 0.02
warmup_epochs = 0.5
ema_decay = 0.9
drop_path = 0.1
workers = 0
threads = 1
seed = 3

[[source]]
kind = "simulated"
galaxies = 30
seed = 4
share = [0.5, 1.0]
held_out = 0.3

[[source]]
kind = "efigi"
folder = "EFIGI"
share = [0.7, 1.5]
held_out = 0.3
"""
