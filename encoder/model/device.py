"""Where tensors are computed: the accelerator of this machine, and the arithmetic that is trusted on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from encoder.errors import EncoderError

_KINDS = ("cpu", "cuda", "mps")
Precision = Literal["float32", "bfloat16"]


def pick_device(name: str | None = None) -> torch.device:
    """The device asked for, or the best of this machine: CUDA, then Apple's MPS, then the CPU.

    Raises:
        EncoderError: `name` is no device of this machine.
    """
    if name is None:
        return torch.device(_best())
    if name.partition(":")[0] not in _KINDS:
        raise EncoderError(f"this machine has no device {name!r}; known are {', '.join(_KINDS)}")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EncoderError(f"this machine has no device {name!r}") from error
    return device


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 autocast is faster than float32 here, and not emulated."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return _cpu_has_bfloat16()
    return False


@contextmanager
def deterministic_arithmetic() -> Iterator[None]:
    """The same pixels give the same vector: no TF32, no algorithm chosen by a stopwatch."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _cpu_has_bfloat16() -> bool:
    if hasattr(torch.cpu, "get_capabilities"):  # torch 2.9 has it not
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - the only way there was


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
