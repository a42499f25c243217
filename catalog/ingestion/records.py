"""What crosses the border into the catalogue: frozen records of arrays that check themselves once."""

from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from catalog.constants import BANDS, SEARCH_DIMENSION
from catalog.errors import CatalogError
from catalog.questions import CONCENTRATIONS, FRACTIONS

FIRST_BIT = 1  # an object_id is 63 bits wide: BIGINT without its sign


def object_id(survey: str, survey_source_id: str) -> int:
    """Make the identity of a galaxy from its survey and the survey's own id; never from a position.

    Returns:
        The first 63 bits of the BLAKE2b digest of `survey`, a unit separator and `survey_source_id`.
        Two sources may share one only by an accident of 1 in 1e18 a pair, which the writer refuses.
    """
    digest = blake2b(f"{survey}\x1f{survey_source_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> FIRST_BIT


@dataclass(frozen=True)
class SurveyRecord:
    """A survey as the catalogue remembers it; `definition` is its whole TOML text."""

    name: str
    description: str
    bands: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class TileRecord:
    """A tile by name and content.

    Attributes:
        ra: Centre, ICRS degrees; None when its header could not be read.
        dec: Centre, ICRS degrees; None when its header could not be read.
        footprint: Corners as ra, dec, ra, dec, ... in degrees; empty for a chunk of cutouts.
        files: Paths relative to the ingested folder.
        fingerprint: Names, sizes and times of the files.
        content_hash: Digest of the content; None when it could not be read.
        folder: Absolute path of the ingested folder.
    """

    name: str
    ra: float | None
    dec: float | None
    footprint: tuple[float, ...]
    files: tuple[str, ...]
    fingerprint: str
    content_hash: str | None
    folder: str


@dataclass(frozen=True)
class SkipRecord:
    """A source that got no vector, and why."""

    file_row: int
    survey_source_id: str
    reason: str
    detail: str
    will_retry: bool


@dataclass(frozen=True)
class GalaxyRows:
    """The encoded galaxies of one tile, n of them, in columns.

    Attributes:
        survey_source_id: The n ids that the survey itself gives its sources; no two are the same.
        ra: (n,) right ascension, ICRS degrees, 0 <= ra < 360.
        dec: (n,) declination, ICRS degrees.
        radii_arcsec: petro_th50, petro_th90, shape_r and pixel_scale_arcsec, each (n,), NaN where unknown.
        magnitudes: AB magnitudes by band, each (n,), NaN where unknown.
        full: (n, d) vectors as the encoder gives them.
        search: (n, 40) vectors after the release's projection, which searches compare.
        fractions: (n, 34) posterior mean vote fractions.
        concentrations: (n, 10) sums of the Dirichlet parameters.
        jpegs: The n small pictures, each a JPEG file.
        picture_digests: (n,) digest of the picture that each galaxy's vectors were made of.
        anomaly_scores: (n,) in 0..1; None where the release has no reference.
        framing_flags: (n,) sums of 1 no object, 2 several, 4 a point source, 8 cut by the picture's edge,
            16 too few pixels, 32 far from the middle;
            None where the encoder did not look.
        domain_distances: (n,) 0 or more; None where the release has no sample of its training galaxies.
    """

    survey_source_id: list[str]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    radii_arcsec: dict[str, NDArray[np.float32]]
    magnitudes: dict[str, NDArray[np.float32]]
    full: NDArray[np.float32]
    search: NDArray[np.float32]
    fractions: NDArray[np.float32]
    concentrations: NDArray[np.float32]
    jpegs: list[bytes]
    picture_digests: NDArray[np.int64]
    anomaly_scores: NDArray[np.float32] | None = None
    framing_flags: NDArray[np.int16] | None = None
    domain_distances: NDArray[np.float32] | None = None
    _length: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check shapes and finiteness.

        Raises:
            CatalogError: An array has another length or width, or a vector is not finite.
        """
        n = len(self.survey_source_id)
        object.__setattr__(self, "_length", n)
        widths = {
            "search": (self.search, SEARCH_DIMENSION),
            "fractions": (self.fractions, len(FRACTIONS)),
            "concentrations": (self.concentrations, len(CONCENTRATIONS)),
            "full": (self.full, self.full.shape[1]),
        }
        for name, (array, width) in widths.items():
            if array.shape != (n, width):
                raise CatalogError(f"{name} has shape {array.shape}, not ({n}, {width})")
            bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
            if len(bad):
                raise CatalogError(f"{name} of source {self.survey_source_id[bad[0]]} is not finite")
        columns: dict[str, NDArray[np.number]] = {
            "picture_digests": self.picture_digests,
            "ra": self.ra,
            "dec": self.dec,
            **self.radii_arcsec,
            **self.magnitudes,
            **self.judgement,
        }
        for name, column in columns.items():
            if column.shape != (n,):
                raise CatalogError(f"{name} has shape {column.shape}, not ({n},)")
        if len(self.jpegs) != n:
            raise CatalogError(f"{len(self.jpegs)} thumbnails for {n} galaxies")
        unknown = set(self.magnitudes) - set(BANDS)
        if unknown:
            raise CatalogError(f"no column for band {min(unknown)}: the catalogue has {', '.join(BANDS)}")

    @property
    def judgement(self) -> dict[str, NDArray[np.float32] | NDArray[np.int16]]:
        """What the encoder adds to its vote fractions, by column, each (n,): those that it has."""
        columns = {
            "anomaly_score": self.anomaly_scores,
            "framing_flag": self.framing_flags,
            "domain_distance": self.domain_distances,
        }
        return {name: column for name, column in columns.items() if column is not None}

    def __len__(self) -> int:
        return self._length
