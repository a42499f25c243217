import threading
import time

import torch
from torch import Tensor

from encoder.model.forward import Forward
from encoder.model.network import Prediction


def test_answers_come_in_the_order_of_the_batches_whichever_core_is_first() -> None:
    threads: set[str] = set()

    def predict(rgb: Tensor) -> Prediction:
        threads.add(threading.current_thread().name)
        time.sleep(0.01 * (len(rgb) % 2))
        return Prediction(rgb.sum(dim=(1, 2, 3))[:, None], rgb[:, :, 0, 0])

    batches = list(torch.rand(50, 3, 4, 4).split([1, 2, 3, 4, 5, 6, 7, 8, 9, 5]))
    found = Forward(torch.device("cpu")).each(predict, batches)
    for batch, prediction in zip(batches, found, strict=True):
        torch.testing.assert_close(prediction.embedding[:, 0], batch.sum(dim=(1, 2, 3)))
    cores = torch.get_num_threads()
    assert threads == {"MainThread"} if cores == 1 else all(name.startswith("forward") for name in threads)


def test_a_pass_on_a_cpu_has_one_core() -> None:
    seen: list[int] = []

    def predict(rgb: Tensor) -> Prediction:
        seen.append(torch.get_num_threads())
        return Prediction(rgb, rgb)

    before = torch.get_num_threads()
    Forward(torch.device("cpu")).each(predict, [torch.zeros(1)] * 6)
    assert seen == [1] * 6
    assert torch.get_num_threads() == before
