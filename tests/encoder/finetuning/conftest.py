"""A small random network as a release and as an encoder."""

from pathlib import Path

import pytest

from encoder.model.encoder import Encoder, load_encoder
from encoder.model.weights_file import write_weights
from tests.encoder.finetuning.ring_blobs import BACKBONE, SIZE
from tests.encoder.releases import random_weights


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("release") / "test.safetensors"
    write_weights(file, random_weights(backbone=BACKBONE, size=SIZE))
    return file


@pytest.fixture(scope="module")
def encoder(release: Path) -> Encoder:
    return load_encoder(release, "cpu")
