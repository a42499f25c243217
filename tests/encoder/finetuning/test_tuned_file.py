"""A tuned network in a file: read back to the bit, refused where it is damaged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from encoder.errors import LearningError
from encoder.finetuning.finetune import finetune, load_tuned
from encoder.model.encoder import Encoder
from tests.encoder.finetuning.ring_blobs import (
    QUICK,
    TASK,
    make_ring_blobs,
    make_whole_network,
)


def test_a_saved_file_says_the_same_to_the_bit(encoder: Encoder, tmp_path: Path) -> None:
    pictures, votes = make_ring_blobs(12)
    for name, start in (("folded", encoder), ("whole", replace(encoder, _network=make_whole_network()))):
        tuned = finetune(start, pictures, votes, TASK, QUICK)
        file = tmp_path / f"{name}.safetensors"
        tuned.save(file)
        again = load_tuned(file, "cpu")
        rgb = make_ring_blobs(7, seed=3)[0].float() / 255
        said = tuned.probability(rgb)
        np.testing.assert_array_equal(again.probability(rgb), said)
        np.testing.assert_allclose(said.sum(axis=1), 1, rtol=1e-6)
        assert (again.task, again.recipe, again.report) == (TASK, tuned.recipe, tuned.report)
        assert again.encoder.sha256 == tuned.encoder.sha256
        content = file.read_bytes()
        again.save(file)
        assert file.read_bytes() == content
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_is_damaged_missing_or_something_else_is_refused(
    encoder: Encoder, release: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tuned.safetensors"
    finetune(encoder, *make_ring_blobs(12), TASK, replace(QUICK, depth=0)).save(file)
    whole = bytearray(file.read_bytes())
    assert any(key.startswith("head.") for key in load_file(file))
    flipped = whole.copy()
    flipped[-100] ^= 1
    for content, line in (
        (flipped, "tuned.safetensors is damaged"),
        (whole.replace(b"Is there a ring", b"Is there a king"), "tuned.safetensors is damaged"),
        (whole[:5000], "tuned.safetensors cannot be read"),
    ):
        file.write_bytes(content)
        with pytest.raises(LearningError, match=line):
            load_tuned(file, "cpu")
    with pytest.raises(LearningError, match=r"no tuned encoder .*none.safetensors"):
        load_tuned(tmp_path / "none.safetensors", "cpu")
    with pytest.raises(LearningError, match=r"is no tuned encoder: its metadata does not say galcat-tuned-1"):
        load_tuned(release, "cpu")
