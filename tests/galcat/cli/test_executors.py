"""--ray is found as it is installed, and says what it lacks."""

import sys
import tomllib
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from encoder.model.encoder import load_encoder
from galcat.cli import executors
from galcat.errors import WorkflowError
from galcat.workflows.ingest.encoding import encode_here
from tests.galcat.cli.command_line import Galcat
from tests.galcat.small_encoder import write_small_encoder

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def installed() -> dict[str, str]:
    """The entry points of this checkout, which need not be installed yet."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = project["entry-points"][executors.EXECUTORS]
    return found


def test_without_ray_tiles_are_encoded_here() -> None:
    assert executors.choose_executor(None, None) is encode_here


def test_with_ray_what_the_project_registers_is_taken_and_a_missing_library_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = EntryPoints(EntryPoint(name, value, executors.EXECUTORS) for name, value in installed().items())
    monkeypatch.setattr(executors, "entry_points", points.select)
    monkeypatch.setitem(sys.modules, "ray", None)
    encode_by = executors.choose_executor("local", 2)
    encoder = load_encoder(write_small_encoder(tmp_path / "small.safetensors"))
    with (
        pytest.raises(WorkflowError, match="needs the library ray: pip install 'galcat"),
        encode_by(encoder, print),
    ):
        pass


def test_an_installation_without_the_part_for_ray_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "entry_points", lambda **_wanted: EntryPoints())
    with pytest.raises(WorkflowError, match="install it again"):
        executors.choose_executor("local", None)


def test_workers_without_ray_are_refused(galcat: Galcat, tmp_path: Path) -> None:
    said = galcat("ingest", tmp_path, "--survey", "legacy_dr10", "--workers", "2")
    assert said.code == 2
    assert "needs --ray ADDRESS" in said.err
