"""The kinds of labelled sources that a training configuration names, each as a table of votes with images."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.cutouts.image_list import list_images
from encoder.errors import LabelTableError, TrainingError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.simulation.simulate import SurveyParameters, survey_without
from encoder.surveys.description import load_survey
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.data import Labelled, no_traits
from encoder.training.efigi import (
    attribute_answers,
    attribute_columns,
    attribute_values,
    attribute_votes,
    check_attributes,
    ring_stratified,
    without_attributes,
)
from encoder.training.images import Files
from encoder.training.label_tables import read_labels, unique, vote_counts
from encoder.training.simulated import simulated_galaxies


def load_sources(configs: Sequence[SourceConfig], campaigns: Campaigns, cache: Path) -> list[Labelled]:
    """The galaxies of all sources, as `load_source`; a source that has another's name gets a number."""
    sources: list[Labelled] = []
    for config in configs:
        source = load_source(config, campaigns, cache)
        same = sum(
            other.name.rpartition("-")[0] == source.name or other.name == source.name for other in sources
        )
        sources.append(replace(source, name=f"{source.name}-{same + 1}") if same else source)
    return sources


def load_source(config: SourceConfig, campaigns: Campaigns, cache: Path) -> Labelled:
    """The galaxies of one source of a training configuration.

    Args:
        config: The source.
        campaigns: The trees that have votes.
        cache: Folder for simulated pictures.

    Raises:
        LabelTableError: A table, a column or an image is missing, or a value is wrong.
        TrainingError: Nobody voted on what is learnt.
    """
    source = _load(config, campaigns, cache)
    if source.kind != "unlabelled" and not source.votes.any():
        learnt = ", ".join(tree.name for tree in campaigns.trees)
        raise TrainingError(f"source {source.name} has no vote in the trees that are learnt: {learnt}")
    return source


def _load(config: SourceConfig, campaigns: Campaigns, cache: Path) -> Labelled:
    match config.kind:
        case "simulated":
            galaxies = simulated_galaxies(config.galaxies, config.seed, cache, _survey(config))
            ids = [f"{config.seed}-{i}" for i in range(len(galaxies.votes))]
            votes = campaigns.votes({"gzd5": galaxies.votes})
            out = held_out(config, ids)
            return Labelled(
                "simulated", "simulated", ids, galaxies, votes, config.share, out, no_traits(len(ids))
            )
        case "efigi":
            return _efigi(config, campaigns)
        case "unlabelled":
            return _unlabelled(config, campaigns)
        case _:
            return _votes(config, campaigns)


def _survey(config: SourceConfig) -> SurveyParameters:
    try:
        return survey_without(SurveyParameters(), config.without)
    except ValueError as error:
        raise TrainingError(f"source simulated: without: {error}") from error


def held_out(config: SourceConfig, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Which galaxies are held out, (n,): by a hash of the name, so the same on every machine and run."""
    digests = [hashlib.blake2b(f"{config.kind}:{name}".encode(), digest_size=8).digest() for name in ids]
    return np.array([int.from_bytes(d, "big") < config.held_out * 2**64 for d in digests], dtype=np.bool_)


def _efigi(config: SourceConfig, campaigns: Campaigns) -> Labelled:
    folder = Path(config.folder)
    path = folder / "attributes.csv"
    table = unique(read_labels(path, "PGCname", attribute_columns(), ["image"], np.nan), "PGCname", path)
    check_attributes(table, path)
    table = without_attributes(table, config.without)
    files = Files(_there([folder / "images" / name for name in table["image"]], path))
    votes = campaigns.votes(
        {"gzd5": attribute_votes(table, GZD5), "efigi": attribute_answers(table, load_tree("efigi"))}
    )
    traits = attribute_values(table, load_tree("efigi"))
    out = ring_stratified(table, config.held_out)
    return Labelled("efigi", "efigi", table["PGCname"].tolist(), files, votes, config.share, out, traits)


def _votes(config: SourceConfig, campaigns: Campaigns) -> Labelled:
    """Counts in the format of the published Galaxy Zoo tables: a column `QUESTION_ANSWER` for each answer."""
    if config.tree not in {tree.name for tree in campaigns.trees}:
        learnt = ", ".join(tree.name for tree in campaigns.trees)
        raise TrainingError(f"source votes: tree {config.tree!r} is not learnt here, only {learnt}")
    path, tree = Path(config.table), load_tree(config.tree)
    texts = [config.file_column] if config.file_column else []
    table = unique(read_labels(path, config.id_column, tree.labels, texts), config.id_column, path)
    votes = campaigns.votes({tree.name: vote_counts(table, tree.labels, path)})
    ids = table[config.id_column].tolist()
    if config.file_column:
        files = _there([Path(config.folder) / name for name in table[config.file_column]], path)
    else:
        files = _called(ids, Path(config.folder), path)
    survey = load_survey(config.survey) if config.survey else None
    out = held_out(config, ids)
    return Labelled(
        "votes", path.stem, ids, Files(files, survey), votes, config.share, out, no_traits(len(ids))
    )


def _unlabelled(config: SourceConfig, campaigns: Campaigns) -> Labelled:
    """Pictures without a vote: of them the network learns only that two of one galaxy are alike."""
    images = list_images([Path(config.folder)])
    ids = [image.id for image in images]
    survey = load_survey(config.survey) if config.survey else None
    files = Files([image.path for image in images], survey)
    votes = np.zeros((len(ids), campaigns.joined.n_answers), np.float32)
    out, name = held_out(config, ids), Path(config.folder).name
    return Labelled("unlabelled", name, ids, files, votes, config.share, out, no_traits(len(ids)))


def _there(files: list[Path], table: Path) -> list[Path]:
    """The files, if all of them are there: hours later is too late to say so."""
    for row, file in enumerate(files):
        if not file.is_file():
            raise LabelTableError(f"label table {table}, row {row}: no image {file}")
    return files


def _called(ids: Sequence[str], folder: Path, table: Path) -> list[Path]:
    """The images below a folder whose names, without the ending, are the ids."""
    found = {image.id: image.path for image in list_images([folder])}
    for row, name in enumerate(ids):
        if name not in found:
            raise LabelTableError(f"label table {table}, row {row}: no image called {name!r} is in {folder}")
    return [found[name] for name in ids]
