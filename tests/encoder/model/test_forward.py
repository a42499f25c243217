import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from encoder.model.forward import Forward
from encoder.model.network import Prediction


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many cores torch may use."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_answers_come_in_the_order_of_the_batches_whichever_core_is_first(cores: int) -> None:
    threads: set[str] = set()

    def predict(rgb: Tensor) -> Prediction:
        threads.add(threading.current_thread().name)
        time.sleep(0.01 * (len(rgb) % 2))
        return Prediction(rgb.sum(dim=(1, 2, 3))[:, None], rgb[:, :, 0, 0])

    batches = list(torch.rand(50, 3, 4, 4).split([1, 2, 3, 4, 5, 6, 7, 8, 9, 5]))
    found = Forward(torch.device("cpu")).each(predict, batches)
    for batch, prediction in zip(batches, found, strict=True):
        torch.testing.assert_close(prediction.embedding[:, 0], batch.sum(dim=(1, 2, 3)))
    assert threads == {"MainThread"} if cores == 1 else all(name.startswith("forward") for name in threads)


def test_a_pass_on_a_cpu_has_one_core(cores: int) -> None:
    seen: list[int] = []

    def predict(rgb: Tensor) -> Prediction:
        seen.append(torch.get_num_threads())
        return Prediction(rgb, rgb)

    Forward(torch.device("cpu")).each(predict, [torch.zeros(1)] * 6)
    assert seen == [1] * 6
    assert torch.get_num_threads() == cores
