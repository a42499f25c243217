import re
from pathlib import Path

import pytest
import torch

from encoder.errors import EncoderError
from encoder.model.device import deterministic_arithmetic, has_fast_bfloat16, pick_device

CPUINFO = Path("/proc/cpuinfo")


def test_the_device_asked_for_is_the_device() -> None:
    assert pick_device("cpu") == torch.device("cpu")


def test_the_best_device_is_an_accelerator_where_there_is_one() -> None:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    assert pick_device().type == (accelerator.type if accelerator is not None else "cpu")


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "cpu one"])
def test_a_device_that_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(EncoderError, match=f"this machine has no device '{name}'"):
        pick_device(name)


@pytest.mark.skipif(not CPUINFO.is_file(), reason="only Linux lists what the processor can do")
def test_bfloat16_is_called_fast_only_where_the_processor_has_it() -> None:
    flags = {
        flag
        for line in re.findall(r"^flags\s*: (.*)$", CPUINFO.read_text(), re.MULTILINE)
        for flag in line.split()
    }
    has_it = bool(flags & {"avx512_bf16", "amx_bf16"})
    assert has_fast_bfloat16(torch.device("cpu")) == has_it
    assert not has_fast_bfloat16(torch.device("mps"))


def test_tensor_floats_are_off_inside_and_as_before_outside() -> None:
    before = torch.backends.cudnn.allow_tf32
    with deterministic_arithmetic():
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.allow_tf32 == before
