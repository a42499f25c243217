"""Tunings that cannot be: labels, settings and checkpoints that do not do are one line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
from numpy.typing import NDArray
from torch import Tensor

from encoder.errors import LearningError
from encoder.finetuning.finetune import TunedTask, TuningSettings, finetune
from encoder.model.encoder import Encoder
from tests.encoder.finetuning.ring_blobs import (
    BACKBONE,
    QUICK,
    TASK,
    make_ring_blobs,
)


def test_tasks_that_are_no_choice_are_refused() -> None:
    with pytest.raises(LearningError, match=r"task 'ring' has the classes \('yes',\): 2 or more"):
        TunedTask("ring", "Ring?", ("yes",))
    with pytest.raises(LearningError, match="task 'ring' names a class twice: a, a"):
        TunedTask("ring", "Ring?", ("a", "a"))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda p, v: (p, v * [[1, 0]] + [[1, 0]]), "task 'ring': class 'yes' has 0 galaxies, 2 or more"),
        (lambda p, v: (p[:, :, :30], v), r"pictures are \(12, 3, 30, 40\) uint8 where \(n, 3, 40, 40\)"),
        (lambda p, v: (p.float(), v), r"pictures are \(12, 3, 40, 40\) float32 where"),
        (lambda p, v: (p, v[:5]), r"votes are of shape \(5, 2\), not \(12, 2\)"),
        (lambda p, v: (p, v * (np.arange(12) != 3)[:, None]), "votes of galaxy 3 are negative, no number"),
        (lambda p, v: (p, np.where(np.arange(12)[:, None] == 2, np.nan, v)), "votes of galaxy 2 are"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_one_line(
    encoder: Encoder,
    change: Callable[[Tensor, NDArray[np.float32]], tuple[Tensor, NDArray[np.float32]]],
    line: str,
) -> None:
    pictures, votes = make_ring_blobs(12)
    with pytest.raises(LearningError, match=line):
        finetune(encoder, *change(pictures, votes), TASK, QUICK)


def test_settings_that_cannot_be_followed_are_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, votes = make_ring_blobs(12)
    with pytest.raises(LearningError, match=f"depth 15 is more than the 14 blocks of {BACKBONE}"):
        finetune(encoder, pictures, votes, TASK, replace(QUICK, depth=15))
    with pytest.raises(LearningError, match="tuning setting rate = 0 is not positive"):
        replace(QUICK, rate=0)
    with pytest.raises(LearningError, match="tuning setting depth = -1 is negative"):
        replace(QUICK, depth=-1)
    monkeypatch.delattr(timm.models.MobileNetV3, "group_matcher")
    with pytest.raises(LearningError, match=f"backbone {BACKBONE} cannot be tuned by blocks"):
        finetune(encoder, pictures, votes, TASK, QUICK)


def test_a_loss_that_is_no_number_ends_the_training(encoder: Encoder) -> None:
    with pytest.raises(LearningError, match=r"the loss is .*: try a lower rate"):
        finetune(encoder, *make_ring_blobs(12), TASK, replace(QUICK, depth=None, rate=1e20))


def test_a_checkpoint_of_something_else_or_damaged_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    file = tmp_path / "tuning.pt"
    pictures, votes = make_ring_blobs(12)
    quick = replace(QUICK, depth=0)
    finetune(encoder, pictures, votes, TASK, quick, file)
    others: list[tuple[Tensor, NDArray[np.float32], TuningSettings]] = [
        (pictures.flip(0), votes, quick),
        (pictures, votes[::-1].copy(), quick),
        (pictures, votes, replace(quick, seed=9)),
    ]
    for seen, said, settings in others:
        with pytest.raises(LearningError, match=r"tuning.pt is of other galaxies, labels or settings"):
            finetune(encoder, seen, said, TASK, settings, file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(LearningError, match=r"tuning.pt is no whole checkpoint, delete it to begin anew"):
        finetune(encoder, pictures, votes, TASK, quick, file)
    with pytest.raises(LearningError, match=r"tuning.pt cannot be written: No such file or directory"):
        finetune(encoder, pictures, votes, TASK, quick, tmp_path / "nowhere" / "tuning.pt")
