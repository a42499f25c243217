"""What is to be copied from a survey's own servers: the files of tiles, or cutouts about positions."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.surveys.description import Survey, SurveyServers
from encoder.surveys.patterns import fill
from galcat.errors import WorkflowError
from galcat.workflows.fetch.download import MissingFileError, Server, part_path
from galcat.workflows.fetch.tile_list import TileList, is_file_name, read_tile_list
from table_files.table import FileTable

AT_ONCE = 4
"""Files that are copied at the same time: as many as a person with a browser would ask for."""
LISTS = ".fetch"
"""Folder below the survey's where the tables of tiles are kept."""
_SHOWN = 10


@dataclass(frozen=True)
class RemoteFile:
    """A file to copy.

    Attributes:
        url: Address of the file.
        path: Path that the file is written to.
        n_bytes: Its length; None where the server does not say.
        sha256: Its sum; None where the survey publishes none.
    """

    url: str
    path: Path
    n_bytes: int | None
    sha256: str | None = None


@dataclass(frozen=True)
class FetchPlan:
    """What is to be copied.

    Attributes:
        tiles: Files of each tile, by the tile's name.
        missing: Tiles that the survey lists and that lack a file on the server, with that file's URL.
        unowned: Rows of the positions, from 0, that no published tile holds.
    """

    tiles: Mapping[str, tuple[RemoteFile, ...]]
    missing: Mapping[str, str]
    unowned: tuple[int, ...] = ()

    @property
    def files(self) -> list[RemoteFile]:
        """All files."""
        return [file for files in self.tiles.values() for file in files]

    @property
    def n_bytes(self) -> int:
        """Bytes of all files whose length is known, those that are there already among them."""
        return sum(file.n_bytes or 0 for file in self.files)


def require_servers(survey: Survey) -> SurveyServers:
    """Where the survey is published.

    Raises:
        WorkflowError: Its description does not say.
    """
    if survey.servers is None:
        raise WorkflowError(
            f"survey {survey.name} does not say where its files are: give [servers] in its TOML file, as in "
            "encoder/surveys/legacy_dr10.toml"
        )
    return survey.servers


def tiles_of_positions(
    tiles: TileList, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]
) -> tuple[list[str], tuple[int, ...]]:
    """Names of the tiles that hold positions, each once, and the rows that none holds."""
    rows = tiles.holding(ra_deg, dec_deg)
    return tiles.name[np.unique(rows[rows >= 0])].tolist(), tuple(np.flatnonzero(rows < 0).tolist())


def plan_tiles(
    survey: Survey, names: Sequence[str], root: Path, server: Server, unowned: tuple[int, ...] = ()
) -> FetchPlan:
    """Ask the server for the lengths and sums of the files of some tiles.

    Args:
        survey: Description of the survey.
        names: Names of the tiles.
        root: The survey's folder here.
        server: How files are asked for.
        unowned: Rows of the positions, from 0, that no tile holds, for the plan to name.

    Raises:
        WorkflowError: The survey does not say where its files are, or the server does not answer.
    """
    servers = require_servers(survey)

    def look(name: str) -> tuple[RemoteFile, ...] | str:
        values = _values(servers, name)
        sums = _read_sums(servers, values, server)
        found = []
        for path in _paths(survey, values):
            url = f"{servers.files}/{path}"
            try:
                n_bytes = server.size(url)
            except MissingFileError:
                return url
            found.append(RemoteFile(url, root / path, n_bytes, find_sum(sums, path, url)))
        return tuple(found)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        looked = dict(zip(names, pool.map(look, names), strict=True))
    return FetchPlan(
        {name: files for name, files in looked.items() if not isinstance(files, str)},
        {name: url for name, url in looked.items() if isinstance(url, str)},
        unowned,
    )


def list_tiles(survey: Survey, root: Path, server: Server, say: Callable[[str], object]) -> TileList:
    """The tiles that the survey publishes.

    Raises:
        WorkflowError: The survey does not say where its files are, or its lists cannot be had.
    """
    return read_tile_list(require_servers(survey), server, root / LISTS, say)


def cutout_names(table: FileTable, id_column: str | None) -> list[str]:
    """Names of the cutouts of a table's rows: of a column, or their numbers from 1.

    Raises:
        WorkflowError: A name cannot be that of a file, or two rows have the same.
        TableError: There is no such column.
    """
    if id_column is None:
        return [str(row + 1) for row in range(table.n_rows)]
    names = ["" if value is None else str(value).strip() for value in table[id_column].to_list()]
    taken: set[str] = set()
    for row, name in enumerate(names, 1):
        if not is_file_name(name):
            raise WorkflowError(f"{table.label}, row {row}: {id_column} = {name!r} is no name of a file")
        if name in taken:
            raise WorkflowError(f"{table.label}, row {row}: {id_column} = {name!r} names two rows")
        taken.add(name)
    return names


def plan_cutouts(
    survey: Survey,
    ids: Sequence[str],
    ra_deg: NDArray[np.float64],
    dec_deg: NDArray[np.float64],
    folder: Path,
    size_px: int,
) -> FetchPlan:
    """What a survey's cutout service gives: a FITS file a position, ID.fits.

    Raises:
        WorkflowError: The survey has no such service.
    """
    pattern = require_servers(survey).cutout
    if not pattern:
        raise WorkflowError(f"survey {survey.name} names no cutout service: leave out --cutouts")
    files = []
    for name, ra, dec in zip(ids, ra_deg.tolist(), dec_deg.tolist(), strict=True):
        values = {
            "ra": f"{ra % 360:.7f}",
            "dec": f"{dec:.7f}",
            "size": str(size_px),
            "pixel_scale": f"{survey.pixel_scale_arcsec:g}",
        }
        files.append(RemoteFile(fill(pattern, values), folder / f"{name}.fits", None))
    return FetchPlan({"cutouts": tuple(files)}, {})


def require_room(plan: FetchPlan, root: Path) -> None:
    """Refuse a plan that does not fit on the disk.

    Raises:
        WorkflowError: Too little is free.
    """
    needed = sum(max(0, (file.n_bytes or 0) - _there(file)) for file in plan.files)
    folder = next(parent for parent in (root, *root.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WorkflowError(
            f"{root}: {needed / 1e9:.1f} GB are to come, and {free / 1e9:.1f} GB are free: ask for less"
        )


def _there(file: RemoteFile) -> int:
    """Bytes of a file that are here: all of it, or what has come so far."""
    found = next((path for path in (file.path, part_path(file.path)) if path.exists()), None)
    return 0 if found is None else found.stat().st_size


def describe_plan(plan: FetchPlan, label: str) -> Iterator[str]:
    """Say in a few lines what a plan holds.

    Args:
        plan: The plan that is described.
        label: What errors call the positions; empty where none were given.
    """
    if plan.tiles:
        unknown = sum(file.n_bytes is None for file in plan.files)
        size = f"{plan.n_bytes / 1e6:,.0f} MB" + (f" and {unknown} of unknown length" if unknown else "")
        tiles, files = _count(len(plan.tiles), "tile"), _count(len(plan.files), "file")
        yield f"{tiles}, {files}, {size}: {_some(list(plan.tiles))}"
    unsummed = sum(file.sha256 is None for file in plan.files)
    if unsummed and unsummed < len(plan.files):
        yield f"{unsummed} files have no sum of the survey's to check them by"
    for name, url in plan.missing.items():
        yield f"tile {name} is left out: the server has no {url}"
    if plan.unowned:
        rows = _some([f"row {row + 1}" for row in plan.unowned])
        lie = "1 position lies" if len(plan.unowned) == 1 else f"{len(plan.unowned)} positions lie"
        yield f"{label}: {lie} in no tile that the survey publishes: {rows}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n:,} {noun}s"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _values(servers: SurveyServers, tile: str) -> dict[str, str]:
    return {"tile": tile, **{name: text.format(tile=tile) for name, text in servers.values.items()}}


def _paths(survey: Survey, values: Mapping[str, str]) -> Iterator[str]:
    """Paths of a tile's files below the survey's folder, each once."""
    patterns = [survey.image.path, *([survey.mask.path] if survey.mask else []), survey.catalogue.path]
    paths = [fill(pattern, {**values, "band": band}) for pattern in patterns for band in survey.bands]
    yield from dict.fromkeys(paths)


def _read_sums(servers: SurveyServers, values: Mapping[str, str], server: Server) -> dict[str, str]:
    """SHA-256 sums of a tile's files by their names as listed; none where the server has none."""
    if not servers.sums:
        return {}
    try:
        text = server.read(fill(servers.sums, {**values, "files": servers.files})).decode(errors="replace")
    except MissingFileError:
        return {}
    sums = {}
    for line in text.splitlines():
        digits, _, name = line.partition(" ")
        if len(digits) == 64:  # noqa: PLR2004 - digits of a SHA-256 sum
            sums[name.strip().lstrip("*")] = digits.lower()
    return sums


def find_sum(sums: Mapping[str, str], path: str, url: str) -> str | None:
    """The sum of a file, from a list whose folders may begin elsewhere than the survey's.

    Names of the list only choose a sum: no file is written or read by them.

    Args:
        sums: Sums by the names in the list.
        path: Path of the file below the survey's folder.
        url: What errors call the file.

    Raises:
        WorkflowError: Several files of the list have that name, and their folders do not tell which it is.
    """
    parts = path.split("/")
    named = {name: digits for name, digits in sums.items() if name.rpartition("/")[2] == parts[-1]}
    if len(set(named.values())) > 1:
        named = {name: digits for name, digits in named.items() if _same_end(name, parts)}
        if len(set(named.values())) != 1:
            raise WorkflowError(f"{url}: the survey's list of sums has several for {parts[-1]}")
    return next(iter(named.values()), None)


def _same_end(name: str, parts: Sequence[str]) -> bool:
    """Whether the folders of a name and of a path agree as far as both have any."""
    own = [part for part in name.split("/") if part not in {"", "."}]
    n = min(len(own), len(parts))
    return n > 1 and own[-n:] == list(parts[-n:])
