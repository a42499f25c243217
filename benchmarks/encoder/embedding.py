"""Embedding a folder of JPEGs beside the bare forward pass, and beside Zoobot with the same weights.

Zoobot's versions of libraries are not ours, so it runs in an environment of its own: GALCAT_ZOOBOT_PYTHON
names its interpreter (`python3 -m venv zoobot && zoobot/bin/pip install zoobot==2.9.0 timm lightning`).
Without it, that line is left out and says so.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.nn import functional

from encoder.cutouts.image_list import ListedImage, list_images
from encoder.cutouts.stretch import to_rgb
from encoder.inference.embed_images import BATCH_SIZE, embed_images, picture_batches
from encoder.model.encoder import Encoder, load_encoder
from encoder.model.gz_tree import GZD5
from encoder.model.network import Network
from encoder.model.projection import fit_projection
from encoder.model.recipe import FIELD_PX, ImageRecipe
from encoder.model.weights_file import Weights, write_weights
from encoder.simulation.cutouts import draw_cutouts
from encoder.surveys.survey_file import load_survey

IMAGES = 512
ROUNDS = 3
SIZE, CROP = 224, 0.75  # Zoobot's own
BACKBONE = "efficientnet_b0"  # the paper's
ZOOBOT = Path(__file__).with_name("zoobot_embedding.py")


def main() -> None:
    """Print the table."""
    cores = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="galcat-benchmark-") as name:
        folder = Path(name)
        images = _draw(folder / "cutouts")
        encoder = _release(folder)
        print(f"embedding {IMAGES} JPEGs of {FIELD_PX} px, {cores} threads")
        _measure(load_encoder(), images, folder)
        ours = _measure(encoder, images, folder)
        _zoobot(folder, cores, ours)


def _measure(encoder: Encoder, images: list[ListedImage], folder: Path) -> float:
    """Pictures a second of `galcat embed`, printed beside the network alone."""
    bare, embedded = [], []
    for _ in range(ROUNDS):
        bare.append(_bare_rate(encoder, images))
        start = time.perf_counter()
        embed_images(encoder, images, folder / "vectors.parquet", load_survey("decals_fits"), print)
        embedded.append(IMAGES / (time.perf_counter() - start))
    ours = float(np.median(embedded))
    print(f"{encoder.backbone}, {encoder.recipe.size} px, views: {encoder.view_set}")
    print(f"{'':24} {'images/s':>8}   median of {ROUNDS}, and all")
    print(f"{'bare forward':24} {np.median(bare):8.1f}   {' '.join(f'{rate:.1f}' for rate in bare)}")
    print(f"{'galcat embed':24} {ours:8.1f}   {' '.join(f'{rate:.1f}' for rate in embedded)}")
    print(f"galcat embed is {ours / np.median(bare):.2f} of the bare forward")
    return ours


def _draw(folder: Path) -> list[ListedImage]:
    folder.mkdir()
    cutouts = draw_cutouts(IMAGES // 8, 11, FIELD_PX)
    rgb = to_rgb(torch.from_numpy(cutouts.flux).flip(1).flip(2))
    pixels = (rgb * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for i in range(IMAGES):
        turned = np.rot90(pixels[i // 8], i % 8)
        Image.fromarray(np.ascontiguousarray(turned)).save(folder / f"{i:04}.jpg", quality=90)
    return list_images([folder])


def _release(folder: Path) -> Encoder:
    """Random weights of the backbone, as our release and as the timm state dict that Zoobot reads."""
    torch.manual_seed(1)
    recipe = ImageRecipe(SIZE, crop=CROP, input_mean=0.0, input_deviation=1.0)
    network = Network(BACKBONE, GZD5.n_answers, 0.0, 1.0).eval()
    torch.save(network.backbone.state_dict(), folder / "timm.pth")
    sample = np.random.default_rng(1).normal(size=(100, network.dimension)).astype(np.float32)
    weights = Weights("bench", BACKBONE, GZD5, recipe, 1, {}, network, fit_projection(sample))
    write_weights(folder / "bench.safetensors", weights)
    return load_encoder(folder / "bench.safetensors")


def _bare_rate(encoder: Encoder, images: list[ListedImage]) -> float:
    """Pictures a second of the network alone, at the same batch size."""
    batches = list(picture_batches(images, encoder, load_survey("decals_fits"), print, BATCH_SIZE))
    encoder.encode(batches[0].rgb)
    start = time.perf_counter()
    for batch in batches:
        encoder.encode(batch.rgb)
    return len(images) / (time.perf_counter() - start)


def _zoobot(folder: Path, threads: int, ours: float) -> None:
    python = os.environ.get("GALCAT_ZOOBOT_PYTHON")
    if python is None:
        print(f"{'zoobot':24} left out: GALCAT_ZOOBOT_PYTHON names no interpreter that has it")
        return
    best = 0.0
    for workers in (0, 1, 2):
        arguments = [
            BACKBONE,
            str(folder),
            str(round(CROP * FIELD_PX)),
            str(SIZE),
            str(BATCH_SIZE),
            str(workers),
            str(threads),
        ]
        done = subprocess.run([python, str(ZOOBOT), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"zoobot failed: {done.stderr[-2000:]}")
        said = json.loads(done.stdout.splitlines()[-1])
        rate = IMAGES / said["seconds"]
        best = max(best, rate)
        print(f"{f'zoobot, {workers} workers':24} {rate:8.1f}")
    theirs = pd.read_csv(folder / "zoobot.csv").drop(columns="id_str").to_numpy()
    written = np.stack(pd.read_parquet(folder / "vectors.parquet", columns=["embedding"])["embedding"])
    same = functional.cosine_similarity(torch.from_numpy(theirs), torch.from_numpy(written.astype(float)))
    print(f"the same galaxy in both: cosine of the vectors {same.min():.4f} or more")
    print(f"galcat embed with the same network is {ours / best:.2f} times the best of them")


if __name__ == "__main__":
    main()
