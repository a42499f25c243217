"""The evaluation of the tasks on made-up data: nothing is encoded twice, what is missing is said."""

import functools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from encoder.errors import EvaluationError
from encoder.evaluation.anomalies import survey as anomaly_survey
from encoder.evaluation.anomalies.astronomaly import ellipse_features
from encoder.evaluation.anomalies.isophotes import measure_isophotes
from encoder.evaluation.anomalies.survey import CHUNK, SHARE, survey_anomalies, survey_galaxy, survey_vectors
from encoder.evaluation.anomalies.task_run import Protocol
from encoder.evaluation.evaluate_tasks import evaluate_tasks
from encoder.evaluation.sets.samples import Sample, check_untrained_on
from encoder.model.encoder import load_encoder
from encoder.model.weights_file import read_weights, write_weights
from encoder.training.pictures.augment import crop_and_resize
from tests.encoder.evaluation.made_efigi import write_efigi
from tests.galcat.small_encoder import write_small_encoder

BACKBONE = "test_resnet"
TRAINED = """
[release]
start = "imagenet"

[[source]]
kind = "simulated"
without = ["merger", "irregular"]

[[source]]
kind = "efigi"
without = ["Perturbation"]

[[source]]
kind = "unlabelled"
"""
QUICK = Protocol(repeats=2, batches=2, simulated=60, reference=12, splits=2)
TABLES = ["anomalies", "anomalies_found", "anomaly_repeats", "few_labels", "task_targets"]
FIGURES = ["average_precision", "few_labels", "found"]


@pytest.mark.long  # in small: the test after it
def test_every_question_is_measured_once_and_reported(tmp_path: Path) -> None:
    data, output = _data(tmp_path), tmp_path / "report"
    own = write_small_encoder(tmp_path / "own.safetensors", 0, BACKBONE)
    undisturbed = _write_release(tmp_path, TRAINED)
    run = functools.partial(
        evaluate_tasks, own, data, output, undisturbed=undisturbed, protocol=QUICK, device="cpu"
    )
    done = run()
    assert sorted(file.name for file in done.files) == sorted(
        [*(f"{t}.csv" for t in TABLES), *(f"{f}.png" for f in FIGURES), "tasks.md"]
    )
    assert all((output / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in FIGURES)
    repeats = pd.read_csv(output / "anomaly_repeats.csv", keep_default_na=False, na_values=[""])
    asked = repeats.groupby("question", sort=False).size()
    assert asked.tolist() == [14, 14, 14]  # 7 methods, twice
    encoders = repeats[repeats["method"] == "GP"].groupby("question", sort=False)["encoder"].first()
    assert encoders.tolist() == ["small-0", "unaware", "unaware"]
    targets = pd.read_csv(output / "task_targets.csv")
    means = repeats[repeats["method"].isin(["GP", "Astronomaly"])].fillna({"encoder": ""})
    by = means.groupby(["question", "encoder", "method"])["average_precision"].mean()
    for question in asked.index[:2]:
        ratio = by[question, encoders[question], "GP"] / by[question, "", "Astronomaly"]
        value = targets.loc[targets["question"] == question, "value"].iloc[0]
        assert value == pytest.approx(ratio, abs=2e-6)
    report = (output / "tasks.md").read_text()
    assert all(f"]({name}.png)" in report for name in FIGURES)
    assert done.skipped == [
        f"DECaLS rings from few labels: no folder {data}/gz_decals_rings",
        "rings from few labels with tuned networks: not asked for (--deep)",
    ]
    assert all(line in report for line in [*done.notes, *done.skipped])

    kept = {file: file.stat().st_mtime_ns for file in (output / "cache").iterdir()}
    tables = {name: (output / f"{name}.csv").read_bytes() for name in TABLES}
    run()
    assert {file: file.stat().st_mtime_ns for file in (output / "cache").iterdir()} == kept
    assert {name: (output / f"{name}.csv").read_bytes() for name in TABLES} == tables


def test_without_an_encoder_for_them_two_questions_are_left_out_loudly(tmp_path: Path) -> None:
    data = _data(tmp_path)
    own = write_small_encoder(tmp_path / "own.safetensors", 0, BACKBONE)
    output = tmp_path / "report"
    done = evaluate_tasks(own, data, output, protocol=QUICK, device="cpu")
    why = "needs an encoder that was not trained on them (--undisturbed FILE), and none was given"
    assert f"EFIGI, perturbation >= 0.75: {why}" in done.skipped
    assert f"simulated mergers and irregular galaxies: {why}" in done.skipped
    assert set(done.targets["question"]) == {"EFIGI, any ring >= 0.75"}
    kept = {file: file.stat().st_mtime_ns for file in (output / "cache").iterdir()}
    tables = {file: file.read_bytes() for file in output.glob("*.csv")}
    assert kept
    assert tables
    evaluate_tasks(own, data, output, protocol=QUICK, device="cpu")
    assert {file: file.stat().st_mtime_ns for file in (output / "cache").iterdir()} == kept
    assert {file: file.read_bytes() for file in output.glob("*.csv")} == tables


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, "unaware does not say what it was trained on"),
        (TRAINED.replace('"Perturbation"', '"Bar_Length"'), "'Perturbation' of source efigi"),
        (TRAINED.replace('without = ["merger", "irregular"]', ""), "'merger' of source simulated"),
        (TRAINED.replace('"imagenet"', '"other.safetensors"'), "went on from other.safetensors"),
    ],
)
def test_an_encoder_that_may_know_the_anomalies_is_refused(
    tmp_path: Path, text: str | None, error: str
) -> None:
    encoder = load_encoder(_write_release(tmp_path, text), "cpu")
    wanted = {"efigi": ("Perturbation",), "simulated": ("merger", "irregular")}
    with pytest.raises(EvaluationError, match=error):
        check_untrained_on(encoder, wanted)


def test_the_survey_has_280_anomalies_in_20000_and_only_of_the_kinds_left_out() -> None:
    anomalous = survey_anomalies(20_000)
    assert anomalous.sum() == 280
    np.testing.assert_array_equal(survey_anomalies(2 * CHUNK), anomalous[: 2 * CHUNK])
    for i in range(60):
        (odd, _), (usual, _) = (survey_galaxy(i, anomalous=is_odd) for is_odd in (True, False))
        assert odd.kind == "irregular" or odd.disturbance == "merger"
        assert usual.kind != "irregular"
        assert usual.disturbance != "merger"


def test_a_killed_survey_goes_on_and_gives_what_each_galaxy_alone_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anomaly_survey, "CHUNK", 4)
    monkeypatch.setattr(anomaly_survey, "SHARE", 0.25)
    encoder = load_encoder(write_small_encoder(tmp_path / "a.safetensors", 0, BACKBONE), "cpu")
    done: list[int] = []
    first = survey_vectors(4, {"a": encoder}, encoder.recipe, tmp_path / "cache", done.append)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    whole = survey_vectors(6, {"a": encoder}, encoder.recipe, tmp_path / "cache", done.append)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert sum(done) == 2 * (4 + 6)
    np.testing.assert_array_equal(whole.embedding["a"][:4], first.embedding["a"])
    assert whole.anomalous[:4].sum() == 1
    for i in (0, 5):
        drawn = anomaly_survey._picture(i, anomalous=bool(whole.anomalous[i]))
        rgb = crop_and_resize(drawn, encoder.recipe.crop / 0.75, encoder.recipe.size)
        np.testing.assert_allclose(whole.embedding["a"][i], encoder.encode(rgb[None]).embedding[0], atol=1e-5)
        np.testing.assert_array_equal(whole.isophotes[i], ellipse_features(rgb.mean(dim=0).numpy()[None])[0])
    assert SHARE == 0.014


def test_kept_isophotes_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    encoder = load_encoder(write_small_encoder(tmp_path / "a.safetensors", 0, BACKBONE), "cpu")
    axis = torch.linspace(-1, 1, encoder.recipe.size)
    disk = torch.exp(-6 * (axis[:, None] ** 2 + 2 * axis[None, :] ** 2)).expand(3, -1, -1)
    shown: list[int] = []

    def picture(i: int, _: object) -> torch.Tensor:
        shown.append(i)
        return disk if i else torch.zeros_like(disk)

    sample = Sample("two", ["a", "b"], "1", picture)
    features = measure_isophotes(sample, encoder.recipe, tmp_path / "cache", lambda _: None)
    again = measure_isophotes(sample, encoder.recipe, tmp_path / "cache", lambda _: None)
    np.testing.assert_array_equal(features, again)
    assert shown == [0, 1]
    assert np.isnan(features).all(axis=1).tolist() == [True, False]
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(b"no array")
    with pytest.raises(EvaluationError, match="is damaged: delete it"):
        measure_isophotes(sample, encoder.recipe, tmp_path / "cache", lambda _: None)


def _data(folder: Path) -> Path:
    (folder / "data" / "efigi").mkdir(parents=True)
    write_efigi(folder / "data" / "efigi", 220)
    return folder / "data"


def _write_release(folder: Path, configuration: str | None) -> Path:
    """A release called `unaware` that says what it was trained on."""
    file = write_small_encoder(folder / "unaware.safetensors", 1, BACKBONE)
    training = {} if configuration is None else {"configuration": configuration}
    weights = replace(read_weights(file), name="unaware", training=training)
    shutil.move(file, folder / "before.safetensors")
    write_weights(file, weights)
    return file
