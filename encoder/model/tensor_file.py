"""A safetensors file of ours: tensors, and what its metadata say of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from torch import Tensor

from encoder.errors import EncoderError


def take_part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, under their names without it."""
    return {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}


def read_tensors(
    path: Path, form: str, label: str, kind: str, error: type[EncoderError]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the metadata's entry `galcat` and every tensor.

    Args:
        path: Path of the file.
        form: The value that the metadata must give as `format`, such as `galcat-encoder-1`.
        label: What error messages call the file, such as `weights file`.
        kind: What error messages say that a file of another format is not, such as `galcat encoder`.
        error: The class of error that is raised where the file is missing, damaged, or something else.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("galcat", "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError as missing:
        raise error(f"no {label} {path}") from missing
    except (OSError, safetensors.SafetensorError, ValueError) as damage:
        raise error(f"{label} {path} cannot be read: {' '.join(str(damage).split())}") from damage
    if not isinstance(about, dict) or about.get("format") != form:
        raise error(f"{path} is no {kind}: its metadata does not say {form}")
    return about, tensors
