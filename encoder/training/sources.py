"""The kinds of labelled sources that a training configuration names, each as a table of votes with images."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from encoder.cutouts.image_list import list_images
from encoder.errors import LabelTableError, TrainingError
from encoder.model.gz_tree import GZD5, load_tree
from encoder.simulation.truth import SurveyParameters, survey_without
from encoder.surveys.survey_file import load_survey
from encoder.training.campaigns import Campaigns
from encoder.training.config import SourceConfig
from encoder.training.data import LabelledGalaxies, unknown_traits
from encoder.training.labels.efigi import (
    attribute_answers,
    attribute_columns,
    attribute_values,
    attribute_votes,
    check_attributes,
    hide_attributes,
    stratified_test_mask,
)
from encoder.training.labels.label_tables import read_labels, require_unique, vote_counts
from encoder.training.labels.real_votes import LABEL_READERS
from encoder.training.labels.vote_checks import check_votes
from encoder.training.pictures.framed_images import frame_images
from encoder.training.pictures.images import FileImages
from encoder.training.pictures.simulated import draw_galaxies


def load_sources(
    configs: Sequence[SourceConfig], campaigns: Campaigns, cache: Path
) -> list[LabelledGalaxies]:
    """The galaxies of all sources, as `load_source`; a source that has another's name gets a number."""
    sources: list[LabelledGalaxies] = []
    for config in configs:
        source = load_source(config, campaigns, cache)
        same = sum(
            other.name.rpartition("-")[0] == source.name or other.name == source.name for other in sources
        )
        sources.append(replace(source, name=f"{source.name}-{same + 1}") if same else source)
    return sources


def load_source(config: SourceConfig, campaigns: Campaigns, cache: Path) -> LabelledGalaxies:
    """The galaxies of one source of a training configuration.

    Args:
        config: The part of the configuration that describes the source.
        campaigns: The trees that have votes.
        cache: Folder for simulated and framed pictures.

    Raises:
        LabelTableError: A table, a column or an image is missing, or a value is wrong.
        TrainingError: Nobody voted on what is learnt.
    """
    source = _load(config, campaigns, cache)
    if config.framed:
        version = "\n".join([config.folder, str(config.galaxies), *source.ids])
        images = frame_images(source.images, source.name, version, cache)
        source = replace(source, images=images, framed=True)
    if config.left_out:
        source = _leave_out(source, Path(config.left_out))
    if config.kind in LABEL_READERS:
        source = source.take(np.flatnonzero(source.votes.any(axis=1)))
    source = replace(source, shown=config.shown)
    if source.kind != "unlabelled" and not source.votes.any():
        learnt = ", ".join(tree.name for tree in campaigns.trees)
        raise TrainingError(f"source {source.name} has no vote in the trees that are learnt: {learnt}")
    return source


def _load(config: SourceConfig, campaigns: Campaigns, cache: Path) -> LabelledGalaxies:
    match config.kind:
        case "simulated":
            galaxies = draw_galaxies(config.galaxies, config.seed, cache, _survey(config))
            ids = [f"{config.seed}-{i}" for i in range(len(galaxies.votes))]
            votes = campaigns.votes({"gzd5": galaxies.votes})
            out = held_out_mask(config, ids)
            return LabelledGalaxies(
                "simulated", "simulated", ids, galaxies, votes, config.share, out, unknown_traits(len(ids))
            )
        case "efigi":
            return _efigi(config, campaigns)
        case "unlabelled":
            return _read_unlabelled(config, campaigns)
        case kind if kind in LABEL_READERS:
            return _real(config, campaigns)
        case _:
            return _votes(config, campaigns)


def _survey(config: SourceConfig) -> SurveyParameters:
    try:
        return survey_without(SurveyParameters(), config.without)
    except ValueError as error:
        raise TrainingError(f"source simulated: without: {error}") from error


def held_out_mask(config: SourceConfig, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Which galaxies are held out, (n,): by a hash of the name, so the same on every machine and run."""
    digests = [hashlib.blake2b(f"{config.kind}:{name}".encode(), digest_size=8).digest() for name in ids]
    return np.array([int.from_bytes(d, "big") < config.held_out * 2**64 for d in digests], dtype=np.bool_)


def _efigi(config: SourceConfig, campaigns: Campaigns) -> LabelledGalaxies:
    folder = Path(config.folder)
    path = folder / "attributes.csv"
    table = require_unique(
        read_labels(path, "PGCname", attribute_columns(), ["image"], np.nan), "PGCname", path
    )
    check_attributes(table, path)
    table = hide_attributes(table, config.without)
    files = FileImages(_require_files([folder / "images" / name for name in table["image"]], path))
    votes = campaigns.votes(
        {"gzd5": attribute_votes(table, GZD5), "efigi": attribute_answers(table, load_tree("efigi"))}
    )
    traits = attribute_values(table, load_tree("efigi"))
    out = stratified_test_mask(table, config.held_out)
    return LabelledGalaxies(
        "efigi", "efigi", table["PGCname"].tolist(), files, votes, config.share, out, traits
    )


def _real(config: SourceConfig, campaigns: Campaigns) -> LabelledGalaxies:
    """A set of real galaxies with labels of its own kind; those of which they say nothing have no votes."""
    folder = Path(config.folder)
    path = folder / "labels.csv"
    try:
        table = pd.read_csv(path, dtype={"id": str, "image": str}, low_memory=False)
        votes = campaigns.votes(LABEL_READERS[config.kind](table))
    except FileNotFoundError:
        raise LabelTableError(f"no label table {path}") from None
    except KeyError as error:
        raise LabelTableError(f"label table {path} has no column {error}") from error
    table = require_unique(table, "id", path)
    check_votes(table, path)
    files = FileImages(_require_files([folder / "images" / name for name in table["image"]], path))
    ids = table["id"].tolist()
    out, traits = held_out_mask(config, ids), unknown_traits(len(ids))
    return LabelledGalaxies(config.kind, config.kind, ids, files, votes, config.share, out, traits)


def _leave_out(source: LabelledGalaxies, path: Path) -> LabelledGalaxies:
    table = read_labels(path, "id", [], ["set"])
    left_out = set(table["id"][table["set"] == source.name])
    return source.take(np.flatnonzero([name not in left_out for name in source.ids]))


def _votes(config: SourceConfig, campaigns: Campaigns) -> LabelledGalaxies:
    """Counts in the format of the published Galaxy Zoo tables: a column `QUESTION_ANSWER` for each answer."""
    if config.tree not in {tree.name for tree in campaigns.trees}:
        learnt = ", ".join(tree.name for tree in campaigns.trees)
        raise TrainingError(f"source votes: tree {config.tree!r} is not learnt here, only {learnt}")
    path, tree = Path(config.table), load_tree(config.tree)
    texts = [config.file_column] if config.file_column else []
    table = require_unique(read_labels(path, config.id_column, tree.labels, texts), config.id_column, path)
    votes = campaigns.votes({tree.name: vote_counts(table, tree.labels, path)})
    ids = table[config.id_column].tolist()
    if config.file_column:
        files = _require_files([Path(config.folder) / name for name in table[config.file_column]], path)
    else:
        files = _files_by_name(ids, Path(config.folder), path)
    survey = load_survey(config.survey) if config.survey else None
    out = held_out_mask(config, ids)
    return LabelledGalaxies(
        "votes", path.stem, ids, FileImages(files, survey), votes, config.share, out, unknown_traits(len(ids))
    )


def _read_unlabelled(config: SourceConfig, campaigns: Campaigns) -> LabelledGalaxies:
    """Pictures without a vote: of them the network learns only that two of one galaxy are alike."""
    images = list_images([Path(config.folder)])
    ids = [image.id for image in images]
    survey = load_survey(config.survey) if config.survey else None
    files = FileImages([image.path for image in images], survey)
    votes = np.zeros((len(ids), campaigns.n_columns), np.float32)
    out, name = held_out_mask(config, ids), Path(config.folder).name
    return LabelledGalaxies(
        "unlabelled", name, ids, files, votes, config.share, out, unknown_traits(len(ids))
    )


def _require_files(files: list[Path], table: Path) -> list[Path]:
    """The files, if all of them are there: hours later is too late to say so."""
    for row, file in enumerate(files):
        if not file.is_file():
            raise LabelTableError(f"label table {table}, row {row}: no image {file}")
    return files


def _files_by_name(ids: Sequence[str], folder: Path, table: Path) -> list[Path]:
    """The images below a folder whose names, without the ending, are the ids."""
    found = {image.id: image.path for image in list_images([folder])}
    for row, name in enumerate(ids):
        if name not in found:
            raise LabelTableError(f"label table {table}, row {row}: no image called {name!r} is in {folder}")
    return [found[name] for name in ids]
