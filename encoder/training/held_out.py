"""What the encoder says of galaxies it was not trained on, beside what says nothing of galaxies.

Vote fractions beside the constant predictor's error and the noise of the votes themselves; neighbours
beside those of the ImageNet start.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from encoder.encoder import Encoded, Encoder
from encoder.gz_tree import Tree
from encoder.imagenet import BACKBONE, backbone_state
from encoder.network import Network, folded
from encoder.projection import fit_projection
from encoder.training.augment import Share
from encoder.training.config import TrainingConfig
from encoder.training.data import Labelled, Pictures, read_table
from encoder.training.simulated import KEPT_SHARE, simulated_galaxies

FRESH_SEED = 900_001
"""Seed of simulated galaxies that no training has drawn."""
_MOST_FRESH = 500
_NEIGHBOURS = 10
_FEWEST_VOTES = 5
_FEWEST_TAGGED = 10
_TAGS = {
    "inner ring": ("Inner_Ring", 0.5),
    "outer ring": ("Outer_Ring", 0.5),
    "bar": ("Bar_Length", 0.5),
    "multiplicity": ("Multiplicity", 0.5),
    "perturbation": ("Perturbation", 0.75),
    "hot spots": ("Hot_Spots", 0.75),
    "dust": ("Visible_Dust", 0.75),
}


def report(
    encoder: Encoder, config: TrainingConfig, splits: Sequence[tuple[Labelled, Labelled]]
) -> dict[str, Any]:
    """Every held-out figure that the configuration's sources allow, as plain JSON values."""
    measured: dict[str, Any] = {}
    for source, (training, out) in zip(config.sources, splits, strict=True):
        match source.kind:
            case "simulated":
                fresh = min(_MOST_FRESH, source.galaxies)
                measured["simulated"] = _simulated(encoder, Path(config.release.folder), training, fresh)
            case "efigi":
                measured["efigi"] = _efigi(encoder, Path(source.folder), training, out)
            case _:
                measured[source.kind] = _spirals(encoder, out)
    return measured


def encode_source(encoder: Encoder, source: Labelled, share: float) -> Encoded:
    """Encode the plain pictures of a source.

    Args:
        encoder: The release.
        source: n galaxies.
        share: Share of the frame that is shown.
    """
    shown = replace(source, share=Share(share, share))
    pictures = Pictures([shown], encoder.recipe.size, None)
    parts = [encoder.encode(rgb) for rgb, _ in DataLoader(pictures, 64)]
    return Encoded(
        np.concatenate([p.embedding for p in parts]), np.concatenate([p.concentrations_alpha for p in parts])
    )


def fraction_errors(
    fractions: NDArray[np.float32],
    votes: NDArray[np.float32],
    training_votes: NDArray[np.float32],
    tree: Tree,
) -> dict[str, dict[str, float]]:
    """Mean absolute error of the vote fractions of each question, where at least 5 people answered it.

    Args:
        fractions: (n, n_answers) predicted.
        votes: (n, n_answers) of the same galaxies.
        training_votes: (m, n_answers), for the constant predictor.
        tree: Of the votes.

    Returns:
        For each question `error`, `constant` (always the training mean) and `vote_noise` (expected of a
        perfect predictor, from the binomial spread of so many votes).
    """
    errors = {}
    for question in tree.questions:
        q = question.slice
        totals = votes[:, q].sum(axis=1)
        rows = totals >= _FEWEST_VOTES
        if not rows.any():
            continue
        observed = votes[rows, q] / totals[rows, None]
        mean = training_votes[:, q].sum(axis=0) / training_votes[:, q].sum()
        # Fractions of 0 and 1 are shrunk by one vote to the mean, or they would claim to have no noise.
        likely = (votes[rows, q] + mean) / (totals[rows, None] + 1)
        noise = np.sqrt(2 / np.pi * likely * (1 - likely) / totals[rows, None])
        errors[question.name] = {
            "error": _rounded(np.abs(fractions[rows, q] - observed).mean()),
            "constant": _rounded(np.abs(mean - observed).mean()),
            "vote_noise": _rounded(noise.mean()),
        }
    return errors


def precision_at_10(search: NDArray[np.float32], tagged: NDArray[np.bool_]) -> float:
    """Mean share of a tagged galaxy's 10 nearest neighbours that have the same tag.

    Args:
        search: (n, 40) searched vectors.
        tagged: (n,).
    """
    from_tagged = search[tagged]
    distance = np.linalg.norm(from_tagged[:, None, :] - search[None, :, :], axis=2)
    distance[np.arange(len(from_tagged)), np.flatnonzero(tagged)] = np.inf  # not its own neighbour
    nearest = np.argpartition(distance, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    return float(tagged[nearest].mean())


def balanced_accuracy(answer: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Mean of the shares of true and of false that were answered rightly."""
    return float((answer[truth].mean() + (~answer[~truth]).mean()) / 2)


def imagenet_encoder(like: Encoder) -> Encoder:
    """The ImageNet start with the recipe of another release, for comparison; its head knows nothing."""
    network = Network(BACKBONE, like.tree.n_answers, like.recipe.input_mean, like.recipe.input_deviation)
    network.backbone.load_state_dict(backbone_state())
    return replace(like, name="imagenet", _network=folded(network, like.recipe.size).to(like.device))


def _simulated(encoder: Encoder, folder: Path, training: Labelled, n: int) -> dict[str, Any]:
    fresh = simulated_galaxies(n, FRESH_SEED, folder / "cache")
    ids = [str(i) for i in range(len(fresh))]
    source = Labelled("simulated", ids, fresh, fresh.votes, training.share, np.ones(n, np.bool_))
    encoded = encode_source(encoder, source, encoder.recipe.crop / KEPT_SHARE)
    fractions = encoder.tree.fractions(encoded.concentrations_alpha)
    errors = fraction_errors(fractions, fresh.votes, training.votes, encoder.tree)
    keys = ("error", "constant", "vote_noise")
    means = {key: _rounded(np.mean([e[key] for e in errors.values()])) for key in keys}
    return {"galaxies": n, "seed": FRESH_SEED, "mean_of_questions": means, "questions": errors}


def _efigi(encoder: Encoder, folder: Path, training: Labelled, out: Labelled) -> dict[str, Any]:
    table = read_table(folder / "attributes.csv", ["PGCname", "T", *(c for c, _ in _TAGS.values())])
    table = table.set_index("PGCname").loc[list(out.ids)]
    encoded = encode_source(encoder, out, 1.0)
    stage = table["T"].to_numpy()
    clear = (stage <= -4) | ((stage >= 1) & (stage <= 7))  # noqa: PLR2004 - ellipticals and spirals
    alpha = encoded.concentrations_alpha
    smooth = alpha[:, encoder.tree.index("smooth-or-featured_smooth")]
    featured = alpha[:, encoder.tree.index("smooth-or-featured_featured-or-disk")]
    accuracy = balanced_accuracy((featured > smooth)[clear], (stage >= 1)[clear])
    imagenet = imagenet_encoder(encoder)
    projection = fit_projection(encode_source(imagenet, training, 1.0).embedding)
    searches = {
        "encoder": encoder.projection.apply(encoded.embedding),
        "imagenet": projection.apply(encode_source(imagenet, out, 1.0).embedding),
    }
    tags = {tag: table[column].to_numpy() >= least for tag, (column, least) in _TAGS.items()}
    found = {
        tag: {"share": _rounded(tagged.mean())}
        | {name: _rounded(precision_at_10(search, tagged)) for name, search in searches.items()}
        for tag, tagged in tags.items()
        if tagged.sum() >= _FEWEST_TAGGED
    }
    means = {name: _rounded(np.mean([f[name] for f in found.values()])) for name in searches}
    return {
        "galaxies": len(out.ids),
        "smooth_or_featured_balanced_accuracy": _rounded(accuracy),
        "precision_at_10": found,
        "mean_precision_at_10": means,
    }


def _spirals(encoder: Encoder, out: Labelled) -> dict[str, Any]:
    encoded = encode_source(encoder, out, out.share.middle)
    fractions = encoder.tree.fractions(encoded.concentrations_alpha)
    yes = encoder.tree.index("has-spiral-arms_yes")
    truth = out.votes[:, yes] > out.votes[:, encoder.tree.index("has-spiral-arms_no")]
    accuracy = balanced_accuracy(fractions[:, yes] > 0.5, truth)  # noqa: PLR2004 - more likely than not
    return {"galaxies": len(out.ids), "spiral_balanced_accuracy": _rounded(accuracy)}


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
