"""Which unsupervised score finds what astronomers call strange: candidates, and how much of it they find.

Reads the vectors that `galcat evaluate` and the search benchmarks keep in runs/; needs the shared data.
Judged are EFIGI's test split and simulated galaxies that no reference holds. Run it as
`python -m benchmarks.encoder.anomaly_scores`.
"""

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from benchmarks.encoder.encoder_vectors import DATA, FOLDERS, GALAXIES, KEPT, ROOT, SEED, _simulate
from encoder.anomalies.score import fit_anomaly
from encoder.evaluation.sets.real import EfigiSet, load_efigi
from encoder.evaluation.sets.samples import sample_of_files
from encoder.evaluation.sets.vectors import encode_sample
from encoder.model.encoder import Encoder, load_encoder
from encoder.simulation.truth import SurveyParameters, draw_galaxy
from encoder.training.labels.efigi import RINGS
from encoder.training.pictures.simulated import CHUNK, _chunk_seed

CACHE = ROOT / "runs" / "evaluation" / "cache"
HELD_OUT = 328
STRONG = 0.75
TIMED = 100_000
FLOAT_BYTES = 4

Vectors = NDArray[np.float32]
Score = Callable[[Vectors], NDArray[np.floating]]


@dataclass(frozen=True)
class Question:
    """Galaxies to judge, (n, 40), and which of them are the strange ones, (n,)."""

    name: str
    search: Vectors
    strange: NDArray[np.bool_]


def main() -> None:
    """Print a table for each reference sample."""
    encoder = load_encoder(device="cpu")
    real = load_efigi(DATA)
    of_efigi = encoder.projection.apply(encode_sample(real.sample, encoder, CACHE, _silent).embedding)
    others, simulated = _mix(encoder)
    half = len(simulated) // 2
    asked = [*_efigi_questions(real, of_efigi), *_simulate_questions(simulated, half)]
    trained = of_efigi[~real.tested]
    samples = {
        "EFIGI training split and as many simulated": [trained, simulated[: len(trained)]],
        "as a release has it: all real training sets, few simulated": [trained, others, simulated[:HELD_OUT]],
    }
    chance = ", ".join(f"{q.name} {q.strange.mean():.3f} of {len(q.strange)}" for q in asked)
    print(f"average precision / area under the ROC curve; precision of chance: {chance}")
    for name, parts in samples.items():
        _print_table(name, np.concatenate(parts), asked)


def _print_table(name: str, reference: Vectors, asked: list[Question]) -> None:
    print(f"\n{name} ({len(reference)})")
    print(f"{'':24}", *(f"{q.name:>14}" for q in asked), "   s/million   kB", sep="")
    for title, fit in CANDIDATES.items():
        score, kilobytes = fit(reference)
        marks = []
        for question in asked:
            values = score(question.search)
            precision = average_precision_score(question.strange, values)
            marks.append(f"{precision:8.3f}/{roc_auc_score(question.strange, values):.3f}")
        many = np.random.default_rng(0).choice(reference, TIMED)
        start = time.perf_counter()
        score(many)
        seconds = (time.perf_counter() - start) * 1_000_000 / TIMED
        print(f"{title:24}", *marks, f"{seconds:12.0f}{kilobytes:7.0f}", sep="")


def _forest(trees: int, galaxies: int) -> Callable[[Vectors], tuple[Score, float]]:
    def fit(reference: Vectors) -> tuple[Score, float]:
        model = IsolationForest(n_estimators=trees, max_samples=galaxies, random_state=0).fit(reference)
        return lambda search: -model.score_samples(search), len(pickle.dumps(model)) / 1000

    return fit


def _neighbours(k: int) -> Callable[[Vectors], tuple[Score, float]]:
    def fit(reference: Vectors) -> tuple[Score, float]:
        scale = reference.std(axis=0)
        model = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(reference / scale)
        return lambda search: model.kneighbors(search / scale)[0][:, -1], reference.nbytes / 1000

    return fit


def _mixture(parts: int) -> Callable[[Vectors], tuple[Score, float]]:
    def fit(reference: Vectors) -> tuple[Score, float]:
        model = GaussianMixture(parts, random_state=0).fit(reference)
        width = reference.shape[1]
        kilobytes = FLOAT_BYTES * parts * (1 + width + width * (width + 1) / 2) / 1000
        return lambda search: -model.score_samples(search), kilobytes

    return fit


def _shipped_score(reference: Vectors) -> tuple[Score, float]:
    fitted = fit_anomaly(reference)
    return fitted.score, sum(array.nbytes for array in fitted.to_arrays().values()) / 1000


CANDIDATES: dict[str, Callable[[Vectors], tuple[Score, float]]] = {
    "forest, 100 of 256": _forest(100, 256),
    "forest, 300 of 1024": _forest(300, 1024),
    "5th neighbour": _neighbours(5),
    "20th neighbour": _neighbours(20),
    "neighbour at 5 % of 500": _shipped_score,
    "1 Gaussian": _mixture(1),
    "8 Gaussians": _mixture(8),
    "16 Gaussians": _mixture(16),
}


def _mix(encoder: Encoder) -> tuple[Vectors, Vectors]:
    """Searched vectors of the benchmark's real galaxies that are not EFIGI's, and of its simulated ones."""
    files = sorted(path for folder in FOLDERS for path in (DATA / folder).glob("*.[jp][pn]g"))
    real = sample_of_files("real", [file.stem for file in files], files, None)
    other = np.array([not file.is_relative_to(DATA / "efigi") for file in files])
    parts = [
        encoder.projection.apply(encode_sample(sample, encoder, KEPT, _silent).embedding)
        for sample in (real, _simulate(GALAXIES - len(files)))
    ]
    return parts[0][other], parts[1]


def _efigi_questions(real: EfigiSet, search: Vectors) -> list[Question]:
    tested = real.table[real.tested]
    ringed = tested[list(RINGS)].to_numpy().max(axis=1) >= STRONG
    disturbed = tested["Perturbation"].to_numpy() >= STRONG
    return [
        Question("ring", search[real.tested], ringed),
        Question("disturbed", search[real.tested], disturbed),
    ]


def _simulate_questions(search: Vectors, first: int) -> list[Question]:
    survey = SurveyParameters()
    galaxies = []
    for start in range(0, len(search), CHUNK):
        rng = np.random.default_rng(_chunk_seed(SEED, start))
        galaxies += [draw_galaxy(rng, survey) for _ in range(CHUNK)]
    judged = galaxies[first : len(search)]
    kinds = {
        "merger": np.array([galaxy.disturbance == "merger" for galaxy in judged]),
        "irregular": np.array([galaxy.kind == "irregular" for galaxy in judged]),
        "artefact": np.array([galaxy.kind == "artefact" for galaxy in judged]),
    }
    kinds["any of them"] = kinds["merger"] | kinds["irregular"] | kinds["artefact"]
    return [Question(name, search[first:], strange) for name, strange in kinds.items()]


def _silent(_: int) -> None:
    pass


if __name__ == "__main__":
    main()
