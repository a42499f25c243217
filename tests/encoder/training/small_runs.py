"""What tests of trainings share: a small configuration, two processes, the comparison of releases."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from encoder.model.weights_file import read_weights
from tests.encoder.releases import CONFIGURATION
from tests.waiting import LAST_LIMIT_S


def assert_same_tensors(one: Path, other: Path) -> None:
    first, second = read_weights(one), read_weights(other)
    for key, tensor in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[key], tensor), key
    np.testing.assert_array_equal(first.projection.components, second.projection.components)


def new_configuration(home: Path, efigi: Path, cache: Path, name: str = "run") -> Path:
    """The small configuration in a home, with an empty folder of its run in which all runs share a cache."""
    folder = home / name
    folder.mkdir()
    (folder / "cache").symlink_to(cache)
    return write_configuration(home / f"{name}.toml", folder, efigi)


def write_configuration(file: Path, folder: Path, efigi: Path) -> Path:
    file.write_text(CONFIGURATION.replace("FOLDER", str(folder)).replace("EFIGI", str(efigi)))
    return file


def compare_vectors(configuration: Path, efigi: Path) -> None:
    text = configuration.read_text().replace("seed = 3", "seed = 3\nlikeness = 5.0\nagreement = 2.0")
    source = f'[[source]]\nkind = "unlabelled"\nfolder = "{efigi / "images"}"\nshare = [0.5, 1.0]\n'
    configuration.write_text(f"{text}\n{source}")


def torchrun(configuration: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    program = ["-m", "galcat.cli.main", "train", str(configuration)]
    done = subprocess.run(
        [*command, *program], capture_output=True, text=True, timeout=LAST_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
