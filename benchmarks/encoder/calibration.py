"""What a calibration to a survey is worth by the number of galaxies voted on, on votes held out.

As DECaLS: galaxies drawn at DECaLS' depth and seeing with the votes of some 40 volunteers, as the weights
that ship see them, whose head was fitted on real SDSS galaxies.
Real: Galaxy Zoo 2's votes on 630 SDSS galaxies, as galcat-lite2-1 sees them in one view: it is far off.
Made: a network that was right until another survey doubled the odds of each question's first answer and made
it too sure by half. Of each 130 galaxies are never fitted on. Needs the shared data for the second. Run it as
`python -m benchmarks.encoder.calibration`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.encoder.encoder_vectors import DATA, KEPT, ROOT
from encoder.calibration.held_out import Judgement, compare, judge
from encoder.evaluation.report.calibration_plots import Reliability, plot_calibration
from encoder.evaluation.sets.samples import sample_of_files, sample_of_simulated
from encoder.evaluation.sets.vectors import encode_sample
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5
from encoder.training.pictures.simulated import draw_galaxies

CENTRAL = 0.667
"""Of a frame that shows 0.6 of Galaxy Zoo's field, what is 0.4 of the field."""
DRAWN_SEED = 970_001
TESTED = 130
SIZES = (0, 50, 100, 200, 500)
DRAWS = 3
PLOT = ROOT / "docs" / "calibration.png"
WEIGHTS = ROOT / "encoder" / "weights" / "galcat-lite2-1.safetensors"
RELIABILITY = ROOT / "docs" / "calibration_reliability.png"
DRAWN = 200
Floats = NDArray[np.float64]
Question = tuple[str, Floats, Floats]
"""Its name, the network's alpha (n, k), and votes (n, k); rows are the same galaxies in every question."""


def main() -> None:
    """Print both curves, and draw them."""
    curves = {f"simulated as DECaLS, {load_encoder().name}": measure(simulated_votes())}
    curves["a made shift"] = measure(made_shift())
    if DATA.is_dir():
        real = real_votes()
        curves["Galaxy Zoo 2 (SDSS), galcat-lite2-1"] = measure(real)
        draw_reliability(real, RELIABILITY)
    for title, table in curves.items():
        print(f"\n{title}: {TESTED} galaxies held out, mean of {DRAWS} draws")
        print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"), flush=True)
    draw(curves, PLOT)
    print(f"wrote {PLOT}")


def measure(questions: list[Question]) -> pd.DataFrame:
    """Error over the constant's and coverage of every question by the number of galaxies voted on."""
    n = len(questions[0][1])
    rows = []
    for name, alpha, votes in questions:
        for size in SIZES:
            drawn = [
                _once(alpha, votes, np.random.default_rng(seed).permutation(n), size) for seed in range(DRAWS)
            ]
            error, constant, covered, used = np.nanmean(drawn, axis=0)
            rows.append((name, size, error, error / constant, covered, used))
    return pd.DataFrame(rows, columns=["question", "galaxies", "error", "over_constant", "coverage", "used"])


def _once(
    alpha: Floats, votes: Floats, order: NDArray[np.int64], size: int
) -> tuple[float, float, float, float]:
    tested, fitted = order[:TESTED], order[TESTED : TESTED + size]
    fitted = fitted[votes[fitted].sum(axis=1) > 0]
    tested = tested[votes[tested].sum(axis=1) > 0]
    found = judge(alpha[fitted], votes[fitted]) if size else Judgement(0, 0.0, "no votes")
    use = found.refused is None and found.calibration is not None
    said = found.calibration.apply(alpha[tested]) if use and found.calibration else alpha[tested]
    figures, _, _ = compare(said, votes[tested], Judgement(0, 0.0, "only measured"))
    judged = votes[tested].sum(axis=1) >= 5
    observed = votes[tested][judged] / votes[tested][judged].sum(axis=1, keepdims=True)
    constant = float(np.abs(observed - observed.mean(axis=0)).mean()) if judged.any() else np.nan
    return figures.error, constant, figures.coverage, float(use)


def draw_reliability(questions: list[Question], file: Path) -> None:
    """Said and voted fractions of 200 galaxies, as `galcat calibrate --plot` draws them."""
    panels = []
    for name, alpha, votes in questions:
        some = np.random.default_rng(0).permutation(len(votes))[:DRAWN]
        some = some[votes[some].sum(axis=1) > 0]
        found = judge(alpha[some], votes[some])
        panels.append(Reliability(f"{name}: {len(some)} galaxies", votes[some], alpha[some], found.held_out))
    plot_calibration(panels, "Galaxy Zoo 2 (SDSS), galcat-lite2-1", file)


def real_votes() -> list[Question]:
    """The questions that Galaxy Zoo 2 and DECaLS ask in the same words."""
    table = pd.read_csv(DATA / "gz2_votes" / "labels.csv", dtype={"id": str})
    files = [DATA / "gz2_votes" / "images" / name for name in table["image"]]
    encoder = replace(load_encoder(WEIGHTS, device="cpu"), view_set=1)
    sample = sample_of_files("gz2_votes_all", table["id"].tolist(), files, CENTRAL)
    alpha = encode_sample(sample, encoder, KEPT, lambda _: None).concentrations_alpha.astype(np.float64)
    return [
        (question.column, alpha[:, question.slice], table[list(question.labels)].to_numpy(np.float64))
        for question in GZD5.questions
        if set(question.labels) <= set(table.columns)
    ]


def simulated_votes(n: int = 630) -> list[Question]:
    """Every question, of galaxies that no release was trained on."""
    galaxies = draw_galaxies(n, DRAWN_SEED, KEPT)
    sample = sample_of_simulated("calibrated", galaxies, f"{DRAWN_SEED} {n}")
    encoded = encode_sample(sample, load_encoder(device="cpu"), KEPT, lambda _: None)
    alpha, votes = encoded.concentrations_alpha.astype(np.float64), galaxies.votes.astype(np.float64)
    return [(one.column, alpha[:, one.slice], votes[:, one.slice]) for one in GZD5.questions]


def made_shift(n: int = 630) -> list[Question]:
    """Three questions: the odds of the first answer are doubled, and the network is too sure by half."""
    rng = np.random.default_rng(8)
    made = []
    for name, answers in (("smooth_or_featured", 3), ("disk_edge_on", 2), ("spiral_winding", 3)):
        right = np.exp(rng.uniform(0, 3.5, (n, answers)))
        votes = np.array([rng.multinomial(30, rng.dirichlet(alpha)) for alpha in right]).astype(np.float64)
        said = right**1.5 * np.where(np.arange(answers) == 0, 2.0, 1.0)
        made.append((name, np.clip(said, 1, 101), votes))
    return made


def draw(curves: dict[str, pd.DataFrame], file: Path) -> None:
    """Error over the constant's, and coverage, a row a curve."""
    figure = Figure((9.5, 3.6 * len(curves)), layout="constrained")
    panels = figure.subplots(len(curves), 2, squeeze=False)
    for row, (title, table) in zip(panels, curves.items(), strict=True):
        for axes, column, label, aim in (
            (row[0], "over_constant", "error over that of a constant", 1.0),
            (row[1], "coverage", "coverage of 90 % intervals", 0.9),
        ):
            for question, rows in table.groupby("question", sort=False):
                axes.plot(range(len(SIZES)), rows[column], marker="o", markersize=4, label=question)
            axes.axhline(aim, color="#888888", linewidth=1, linestyle="--")
            axes.set_xticks(range(len(SIZES)), [str(size) for size in SIZES])
            axes.set_xlabel("galaxies voted on")
            axes.set_ylabel(label)
            axes.grid(alpha=0.25)
            axes.set_ylim(bottom=0)
        row[0].set_title(title, fontsize=10, loc="left")
        row[1].legend(fontsize=8)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
