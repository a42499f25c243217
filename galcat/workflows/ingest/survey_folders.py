"""The drop folder's sub-folders, one a survey: which of their tiles are pending, and which wait."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from encoder.errors import SurveyError
from encoder.surveys.description import Survey
from encoder.surveys.survey_file import load_survey
from encoder.tiles.tile_files import TileFiles
from galcat.errors import WorkflowError, reason
from galcat.workflows.ingest.pending import find_unsettled


@dataclass(frozen=True)
class WaitingTile:
    """A tile some of whose files are still to come.

    Attributes:
        name: Name of the tile, as `folder/tile`.
        lacks: Path of the first file that is not there.
        since_s: When the last of its files came, seconds since 1970.
    """

    name: str
    lacks: Path
    since_s: float

    def __str__(self) -> str:
        return f"{self.name} lacks {self.lacks.name}"


@dataclass(frozen=True)
class SurveyFolder:
    """A sub-folder of the drop folder.

    Attributes:
        path: Path of the folder.
        definition: What `load_survey` takes: the survey's name, or the folder's own TOML file.
        survey: The survey whose tiles it holds.
        unsettled: The tiles that the catalogue does not have as they are.
    """

    path: Path
    definition: str
    survey: Survey
    unsettled: list[TileFiles]

    @property
    def whole(self) -> list[TileFiles]:
        """The tiles that have all their files."""
        return [tile for tile in self.unsettled if not tile.lacking]

    @property
    def waiting(self) -> list[WaitingTile]:
        """The tiles that have not."""
        return [
            WaitingTile(f"{self.path.name}/{tile.name}", tile.lacking[0], newest_s(tile))
            for tile in self.unsettled
            if tile.lacking
        ]


def survey_folders(drop: Path, url: str, remarks: list[str]) -> Iterator[SurveyFolder]:
    """Give each survey's folder with its pending tiles; adds a remark for each other entry."""
    if not drop.is_dir():
        remarks.append(f"{drop}: no such folder")
        return
    folder_of: dict[str, str] = {}
    for path in sorted(drop.iterdir()):
        if path.name.startswith("."):
            continue
        try:
            folder = _survey_folder(path, url)
            other = folder_of.setdefault(folder.survey.name, path.name)
            if other != path.name:
                raise SurveyError(f"survey {folder.survey.name} has the folder {other} already")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - one folder does not hold up the others
            remarks.append(f"{path.name}: {reason(error)}")
        else:
            yield folder


def find_survey_folder(drop: Path, survey: str) -> tuple[str, Path]:
    """Find where the drop folder holds a survey.

    Returns:
        What `load_survey` takes, and the folder of its tiles.

    Raises:
        WorkflowError: There is no such folder.
    """
    for path in sorted(drop.iterdir()) if drop.is_dir() else []:
        own = path / "survey.toml"
        if own.is_file():
            try:
                name = load_survey(own).name
            except SurveyError:
                continue
            if name == survey:
                return str(own), path
        elif path.name == survey and path.is_dir():
            return survey, path
    raise WorkflowError(
        f"{drop} holds no folder of survey {survey}: put its tiles in {drop / survey}, or name their "
        "folder in the run's configuration"
    )


def _survey_folder(path: Path, url: str) -> SurveyFolder:
    if not path.is_dir():
        raise SurveyError("not a folder: tiles belong in a sub-folder named as their survey")
    own = path / "survey.toml"
    definition = str(own) if own.exists() else path.name
    survey = load_survey(definition)
    _, unsettled = find_unsettled(url, survey, path)
    return SurveyFolder(path, definition, survey, unsettled)


def newest_s(tile: TileFiles) -> float:
    """When the last of a tile's files came or changed, seconds since 1970; not the time that a copy keeps."""
    times = []
    for path in tile.files:
        with suppress(OSError):  # it has gone since it was found
            times.append(path.stat().st_ctime)
    return max(times, default=0.0)
