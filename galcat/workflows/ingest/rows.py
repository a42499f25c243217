"""From the encoder's records to the catalogue's: the one place where both meet."""

import os

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from catalog.constants import BANDS
from catalog.ingestion.records import GalaxyRows, SkipRecord, SurveyRecord, TileRecord
from catalog.questions import CONCENTRATIONS, FRACTIONS
from catalog.releases.record import ReleaseRecord
from encoder.inference.encode_tile import EncodedTile
from encoder.model.encoder import Encoder
from encoder.model.gz_tree import Tree
from encoder.surveys.description import Survey
from encoder.tiles.tile_files import TileFiles, path_from
from galcat.errors import WorkflowError


def survey_record(survey: Survey) -> SurveyRecord:
    """A survey description as the catalogue keeps it."""
    return SurveyRecord(survey.name, survey.description, survey.bands, survey.toml)


def release_record(encoder: Encoder) -> ReleaseRecord:
    """An encoder as the release that the catalogue keeps.

    Raises:
        WorkflowError: Its answers are not those that the catalogue has columns for.
    """
    answers = encoder.tree.columns
    if {f"{answer}_fraction" for answer in answers} != set(FRACTIONS) or len(answers) != len(FRACTIONS):
        raise WorkflowError(
            f"encoder {encoder.name} answers the questions of {encoder.tree.name}; "
            "the catalogue has columns for those of gzd5"
        )
    projection = encoder.projection
    return ReleaseRecord(
        name=encoder.name,
        weights_sha256=encoder.sha256,
        backbone=encoder.backbone,
        recipe=dict(encoder.recipe.to_dict()),
        view_set=encoder.view_set,
        projection_mean=projection.mean,
        projection_components=projection.components,
        projection_deviations=projection.deviations,
        projection_scale=projection.scale,
        anomaly_reference=None if encoder.anomaly is None else save(encoder.anomaly.to_arrays()),
        measured=None if encoder.measured is None else encoder.measured.to_dict(),
    )


def tile_record(files: TileFiles, content_hash: str | None) -> TileRecord:
    """A tile's files as the catalogue keeps them."""
    return TileRecord(
        name=as_text(os.fsencode(files.name)),
        ra=files.ra,
        dec=files.dec,
        footprint=tuple(angle for corner in files.footprint for angle in corner),
        files=tuple(as_text(path_from(files.root, path)) for path in files.files),
        fingerprint=files.fingerprint,
        content_hash=content_hash,
        folder=as_text(os.fsencode(files.root.resolve())),
    )


def as_text(name: bytes) -> str:
    """A file's name as the database can keep it: bytes that are no UTF-8 are spelt out."""
    return name.decode("utf-8", "backslashreplace")


def galaxy_rows(tile: EncodedTile) -> GalaxyRows:
    """An encoded tile as rows; bands without a column in the catalogue are left to the survey's own table."""
    sources = tile.sources
    return GalaxyRows(
        survey_source_id=sources.source_id,
        ra=_within_a_turn(sources.ra),
        dec=sources.dec,
        radii_arcsec={
            "petro_th50": sources.petro_th50,
            "petro_th90": sources.petro_th90,
            "shape_r": sources.shape_r,
            "pixel_scale_arcsec": sources.pixel_scale_arcsec,
        },
        magnitudes={band: mag for band, mag in sources.mag.items() if band in BANDS},
        full=tile.full,
        search=tile.search,
        fractions=_fractions(tile.tree, tile.alpha),
        concentrations=_concentrations(tile.tree, tile.alpha),
        jpegs=tile.jpegs,
        picture_digests=tile.picture_digests,
        anomaly_scores=tile.anomaly,
        framing_flags=tile.framing_flags,
        domain_distances=tile.domain,
    )


def skip_records(tile: EncodedTile) -> list[SkipRecord]:
    """The sources of a tile that got no vector."""
    return [
        SkipRecord(skip.row, skip.source_id, skip.reason, skip.detail, skip.retry) for skip in tile.skipped
    ]


def _fractions(tree: Tree, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vote fractions in the order of the catalogue's columns, (n, 34): matched by name."""
    position = {f"{answer}_fraction": i for i, answer in enumerate(tree.columns)}
    return tree.fractions(alpha)[:, [position[name] for name in FRACTIONS]]


def _concentrations(tree: Tree, alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of the Dirichlet parameters in the order of the catalogue's columns, (n, 10): matched by name."""
    position = {f"{question}_concentration": i for i, question in enumerate(tree.question_columns)}
    return tree.concentrations(alpha)[:, [position[name] for name in CONCENTRATIONS]]


def _within_a_turn(ra_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    ra = np.mod(ra_deg, 360.0)
    ra[ra >= 360.0] = 0.0  # noqa: PLR2004 - a turn; np.mod rounds a tiny negative angle up to it
    return ra
