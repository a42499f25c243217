"""What a graphics card must not change; run where there is one by `make gpu-test`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.model.encoder import load_encoder
from tests.encoder.releases import galaxies, random_release

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]

TOLERANCE = 1e-3  # relative, between CPU and GPU, float32; stated in the model card


@pytest.mark.parametrize("view_set", [1, 8])
def test_cpu_and_gpu_agree_to_the_stated_tolerance(tmp_path: Path, view_set: int) -> None:
    file = random_release(tmp_path, view_set)
    on_cpu, on_gpu = (load_encoder(file, device).encode(galaxies(100)) for device in ("cpu", "cuda"))
    for name in ("embedding", "concentrations_alpha"):
        one, other = getattr(on_cpu, name), getattr(on_gpu, name)
        change = np.linalg.norm(one - other, axis=1) / np.linalg.norm(one, axis=1)
        assert change.max() < TOLERANCE


def test_the_gpu_is_chosen_unasked_and_repeats_itself_to_the_byte(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path))
    assert encoder.device.type == "cuda"
    first, second = encoder.encode(galaxies(100)), encoder.encode(galaxies(100))
    assert first.embedding.tobytes() == second.embedding.tobytes()


def test_the_batch_size_changes_no_vector_on_the_gpu(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cuda")
    whole = encoder.encode(galaxies(64)).embedding
    parts = np.concatenate([encoder.encode(part).embedding for part in galaxies(64).split(5)])
    change = np.linalg.norm(parts - whole, axis=1) / np.linalg.norm(whole, axis=1)
    assert change.max() < 1e-4


def test_bfloat16_on_the_gpu_keeps_the_direction_of_the_vectors(tmp_path: Path) -> None:
    encoder = load_encoder(random_release(tmp_path), "cuda")
    whole = encoder.encode(galaxies(64)).embedding
    half = replace(encoder, precision="bfloat16").encode(galaxies(64)).embedding
    cosine = (half * whole).sum(axis=1) / np.linalg.norm(half, axis=1) / np.linalg.norm(whole, axis=1)
    assert np.median(cosine) >= 0.999
