"""Figures of real galaxies travel in the weights file, and those of the shipped file are its model card's."""

import json
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from encoder.anomalies.domain import fit_domain
from encoder.errors import WeightsError
from encoder.model.encoder import DEFAULT_WEIGHTS, load_encoder
from encoder.model.measured import Measured, find_shipped_measured
from encoder.model.weights_file import write_weights
from tests.encoder.releases import random_weights

FIGURES = Measured("40 made galaxies", {"bar": {"error_over_constant": 0.5, "coverage_90": 0.91}})
IN_THE_CARD = {"bar, any or none": "bar"}


def test_figures_and_the_sample_of_real_galaxies_come_back_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    domain = fit_domain(np.random.default_rng(1).normal(size=(120, 40)).astype(np.float32))
    assert domain is not None
    write_weights(file, replace(random_weights(), domain=domain, measured=FIGURES))
    encoder = load_encoder(file, "cpu")
    assert encoder.measured == FIGURES
    assert encoder.domain is not None
    np.testing.assert_array_equal(encoder.domain.points, domain.points)
    assert (encoder.domain.neighbours, encoder.domain.limit) == (domain.neighbours, domain.limit)


def test_a_file_of_before_has_neither(tmp_path: Path) -> None:
    write_weights(tmp_path / "weights.safetensors", random_weights())
    encoder = load_encoder(tmp_path / "weights.safetensors", "cpu")
    assert (encoder.domain, encoder.measured) == (None, None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"sample": "x", "questions": {"bar": {"bias": 0.1}}}, "lacks error_over_constant of bar"),
        ({"sample": " ", "questions": {}}, "lacks a sample"),
        ({"questions": {}}, "not as it must be"),
        (["sample"], "not as it must be"),
        ({"sample": "x", "questions": {"bar": {"error_over_constant": "much"}}}, "not as it must be"),
    ],
)
def test_an_entry_of_another_form_is_refused(raw: object, reason: str) -> None:
    with pytest.raises(WeightsError, match=reason):
        Measured.from_dict(raw)


def test_the_figures_of_the_shipped_weights_are_those_of_their_model_card() -> None:
    encoder = load_encoder(None, "cpu")
    assert encoder.measured is not None
    card = (resources.files("encoder") / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8")
    name = DEFAULT_WEIGHTS.removesuffix(".safetensors")
    if not card.startswith(f"# {name}"):
        pytest.fail(f"the model card is not of {name}")
    sdss = card[card.index("## Measurements") : card.index("Wanted were")]
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| ([\d.]+) \[[^|]*\| ([-+.\d]+) \|", sdss, re.MULTILINE)
    said = {
        IN_THE_CARD.get(question, question.replace("-", "_")): (int(n), float(error), float(bias))
        for question, n, error, bias in rows
    }
    assert said == {
        question: (figures["galaxies"], figures["error_over_constant"], figures["bias"])
        for question, figures in encoder.measured.questions.items()
    }
    assert re.match(r"(\d+)", encoder.measured.sample)[0] in card  # type: ignore[index]


def test_figures_beside_shipped_weights_are_found_by_the_digest_of_the_file_alone() -> None:
    said = [
        json.loads(entry.read_text(encoding="utf-8"))
        for entry in (resources.files("encoder") / "weights").iterdir()
        if entry.name.endswith(".measured.json")
    ]
    assert said
    for raw in said:
        assert re.fullmatch(r"[0-9a-f]{64}", raw["sha256"])
        found = find_shipped_measured(raw["sha256"])
        assert found is not None
        assert found.to_dict() == {key: raw[key] for key in ("sample", "questions")}
    assert find_shipped_measured("0" * 64) is None
