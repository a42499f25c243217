"""The network itself learns a task from the catalogue's pictures: one file out, and a column."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from catalog.database.connection import connect
from catalog.database.read_only import run_query
from catalog.search.thumbnails import read_thumbnails
from encoder.errors import LearningError
from encoder.finetuning.finetune import load_tuned
from galcat.workflows.tasks.learn_deep import learn_deep
from tests.galcat.bricks import GALAXIES, write_brick
from tests.galcat.cli.command_line import Galcat

SURVEY = "legacy_dr10"
BRICKS = ("0100p000", "0101p000", "0102p000", "0103p000")


@pytest.fixture
def labelled(galcat: Galcat, database: str, weights: Path, tmp_path: Path) -> Galcat:
    """The command line over bricks in which every other galaxy is called ringed."""
    for name in BRICKS:
        write_brick(tmp_path / "bricks", name)
    assert galcat("ingest", tmp_path / "bricks", "--survey", SURVEY, "--weights", weights).code == 0
    assert galcat("tasks", "add", "ring", "--question", "Has it a ring?").code == 0
    with connect(database, autocommit=True) as connection:
        ids = [row[0] for row in connection.execute("SELECT object_id FROM galcat.source ORDER BY 1")]
    assert len(ids) == GALAXIES * len(BRICKS)
    words = [f"{identity}={('no', 'yes')[i % 2]}" for i, identity in enumerate(ids[:-2])]
    assert galcat("tasks", "say", "ring", *words).code == 0
    return galcat


def test_the_column_is_what_the_file_says_of_every_picture(
    labelled: Galcat, database: str, weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ring.safetensors"
    said = labelled("finetune", "ring", "--depth", "1", "-o", file, "--weights", weights)
    assert said.code == 0, said.err
    tuned = load_tuned(file, "cpu")
    with connect(database, autocommit=True) as connection:
        found = dict(
            run_query(connection, "SELECT object_id, ring_probability FROM galcat.galaxy").rows  # type: ignore[arg-type]
        )
        jpegs = read_thumbnails(connection, list(found))
        version = connection.execute(
            "SELECT method, model, report ->> 'file' FROM galcat.task_version"
        ).fetchone()
    size = tuned.encoder.recipe.size
    pictures = []
    for identity in found:
        with Image.open(io.BytesIO(jpegs[identity])) as image:
            pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
        resized = torch.nn.functional.interpolate(
            pixels.float(), (size, size), mode="bilinear", antialias=True
        )
        pictures.append((resized.round().clamp(0, 255) / 255)[0])
    expected = tuned.probability(torch.stack(pictures))[:, 1]
    np.testing.assert_allclose(list(found.values()), expected, atol=5e-3)  # another resize
    assert version == ("deep", tuned.encoder.sha256.encode(), file.name)
    assert not list(tmp_path.glob(".ring.safetensors.training"))


def test_a_killed_training_leaves_no_column_and_the_second_call_ends_as_the_first_would(
    labelled: Galcat, database: str, weights: Path, tmp_path: Path
) -> None:
    whole = learn_deep(database, "ring", 1, tmp_path / "whole.safetensors", weights=str(weights))
    with connect(database, autocommit=True) as connection:
        before = run_query(connection, "SELECT object_id, ring_probability FROM galcat.galaxy ORDER BY 1")
    assert labelled("tasks", "drop", "ring").code == 0

    def kill(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_deep(database, "ring", 1, tmp_path / "ring.safetensors", weights=str(weights), progress=kill)
    assert labelled("sql", "SELECT ring_probability FROM galcat.galaxy").code == 1
    learn_deep(database, "ring", 1, tmp_path / "ring.safetensors", weights=str(weights))
    with connect(database, autocommit=True) as connection:
        after = run_query(connection, "SELECT object_id, ring_probability FROM galcat.galaxy ORDER BY 1")
    assert after.rows == before.rows
    assert whole.version.version == 1


def test_a_depth_that_the_network_has_not_is_one_line(
    labelled: Galcat, database: str, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(LearningError, match="99"):
        learn_deep(database, "ring", 99, tmp_path / "ring.safetensors", weights=str(weights))
    assert labelled("sql", "SELECT ring_probability FROM galcat.galaxy").code == 1
