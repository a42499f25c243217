"""One tree of questions: Python, the schema and the shipped weights agree on it by name and by order."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import psycopg
import pytest
import torch
from numpy.typing import NDArray

from catalog.database.connection import connect
from catalog.ingestion.records import SurveyRecord, TileRecord
from catalog.ingestion.tile_rows import register_survey
from catalog.ingestion.writer import write_tile
from catalog.releases.releases import register_release
from encoder.cutouts.framing import cut_views, find_frames
from encoder.errors import WeightsError
from encoder.inference.encode_tile import EncodedTile
from encoder.model import weights_file
from encoder.model.encoder import DEFAULT_WEIGHTS, load_encoder
from encoder.model.gz_tree import GZD5, Tree, load_tree
from encoder.model.weights_file import read_weights, write_weights
from encoder.tiles.source_table import SourceTable
from encoder.training.pictures.simulated import draw_pictures
from galcat.errors import WorkflowError
from galcat.workflows.ingest.rows import galaxy_rows, release_record
from tests.galcat.small_encoder import write_small_encoder

SHIPPED = Path(weights_file.__file__).parents[1] / "weights" / DEFAULT_WEIGHTS
WITHOUT_ANSWERS = SHIPPED.with_name("galcat-lite2-1.safetensors")
"""Weights of the days before files named their answers."""


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database, autocommit=True) as connection:
        yield connection


def reverse_tree(tree: Tree = GZD5) -> Tree:
    """The same questions and answers, all of them the other way round."""
    turned = [replace(q, answers=q.answers[::-1]) for q in tree.questions[::-1]]
    starts = accumulate((len(q.answers) for q in turned), initial=0)
    return replace(tree, questions=tuple(replace(q, start=n) for q, n in zip(turned, starts, strict=False)))


def columns_of(connection: psycopg.Connection, relation: str, ending: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND attname LIKE %s ORDER BY attnum",
        [f"galcat.{relation}", f"%{ending}"],
    )
    return [row[0].removesuffix(ending) for row in rows]


@pytest.mark.parametrize("relation", ["morphology", "galaxy"])
def test_the_database_has_the_columns_of_the_tree_in_its_order(
    connection: psycopg.Connection, relation: str
) -> None:
    questions = [question.name.replace("-", "_") for question in GZD5.questions]
    answers = [f"{q.name}_{answer}".replace("-", "_") for q in GZD5.questions for answer in q.answers]
    assert columns_of(connection, relation, "_fraction") == answers
    assert columns_of(connection, relation, "_concentration") == questions
    if relation == "galaxy":
        assert columns_of(connection, relation, "_proportion_asked") == questions


def test_the_shipped_weights_answer_in_the_order_of_the_tree() -> None:
    """Shown by what they say: any other order within a question is further from the votes."""
    encoder = replace(load_encoder(SHIPPED, "cpu"), view_set=1)
    pictures, votes = draw_pictures(80, 900_500, 0)
    whole = torch.from_numpy(pictures).float() / 255
    rgb = cut_views(whole, find_frames(whole), encoder.recipe.size)
    said = GZD5.fractions(encoder.encode(rgb).concentrations_alpha)
    assert encoder.tree.labels == GZD5.labels
    for question in GZD5.questions:
        counts, fractions = votes[:, question.slice], said[:, question.slice]
        galaxies = counts.sum(axis=1) > 5
        voted = counts[galaxies] / counts[galaxies].sum(axis=1, keepdims=True)
        errors = [
            float(np.abs(np.roll(fractions[galaxies], turn, axis=1) - voted).mean())
            for turn in range(len(question.answers))
        ]
        assert min(errors) == errors[0], question.name


def test_weights_of_another_order_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "named.safetensors"
    write_weights(named, replace(read_weights(SHIPPED), tree=reverse_tree()))
    with pytest.raises(WeightsError, match="not those of tree gzd5 in its order: 'merging_merger' is"):
        read_weights(named)
    monkeypatch.setattr(weights_file, "load_tree", lambda name: reverse_tree(load_tree(name)))
    with pytest.raises(WeightsError, match=r"in the order that tree gzd5 had when it was written") as caught:
        read_weights(WITHOUT_ANSWERS)
    assert "\n" not in str(caught.value)
    assert read_weights(named).tree.labels == GZD5.labels[::-1]


def test_each_answer_reaches_the_column_of_its_name_whatever_the_order_of_the_tree(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    encoder = load_encoder(write_small_encoder(tmp_path / "small.safetensors"), "cpu")
    release_id = register_release(connection, release_record(replace(encoder, tree=reverse_tree())))
    survey_id = register_survey(connection, SurveyRecord("survey", "made up", ("g", "r"), "toml"))
    alpha = np.random.default_rng(5).uniform(1, 100, (3, GZD5.n_answers)).astype(np.float32)
    rows = galaxy_rows(make_encoded_tile(reverse_tree(), alpha, encoder.dimension))
    tile = TileRecord("tile", 10.0, 2.0, (), ("a.fits",), "fingerprint", "content", "/data/tiles")
    write_tile(connection, survey_id, release_id, tile, rows, [])
    by_label = dict(zip(reverse_tree().labels, alpha.T.astype(np.float64), strict=True))
    for question in GZD5.questions:
        total = sum(by_label[label] for label in question.labels)
        column = question.name.replace("-", "_")
        assert read_stored(connection, f"{column}_concentration") == pytest.approx(total, rel=1e-6)
        for label in question.labels:
            found = read_stored(connection, f"{label.replace('-', '_')}_fraction")
            assert found == pytest.approx(by_label[label] / total, rel=1e-6)


def test_an_encoder_of_other_answers_is_refused(tmp_path: Path) -> None:
    encoder = load_encoder(write_small_encoder(tmp_path / "small.safetensors"), "cpu")
    with pytest.raises(WorkflowError, match="answers the questions of gz2; the catalogue has columns for"):
        release_record(replace(encoder, tree=load_tree("gz2")))


def read_stored(connection: psycopg.Connection, column: str) -> NDArray[np.float64]:
    rows = connection.execute(f"SELECT {column} FROM galcat.galaxy ORDER BY ra".encode())
    return np.array([row[0] for row in rows])


def make_encoded_tile(tree: Tree, alpha: NDArray[np.float32], dimension: int) -> EncodedTile:
    n = len(alpha)
    unknown = np.full(n, np.nan, np.float32)
    where = np.arange(n, dtype=np.float64)
    names = [f"g{i}" for i in range(n)]
    rows = np.arange(n)
    sources = SourceTable(names, rows, where, where, unknown, unknown, unknown, {}, unknown)
    return EncodedTile(
        sources=sources,
        full=np.ones((n, dimension), np.float32),
        search=np.ones((n, 40), np.float32),
        tree=tree,
        alpha=alpha,
        anomaly=None,
        jpegs=[b"jpeg"] * n,
        picture_digests=rows,
        framing_flags=np.zeros(n, np.int16),
        skipped=[],
    )
