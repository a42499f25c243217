"""Whether the files of tiles are on this machine and this login may look at them."""

import os
from collections.abc import Iterable


def is_folder_here(folder: str) -> bool:
    """Whether a folder is there and open to this login; where not, nothing is known of its files.

    Args:
        folder: Path of the folder, as the catalogue keeps it.
    """
    # pathlib raises where it may not look, and makes an object for each of a hundred thousand paths.
    return os.path.isdir(folder) and os.access(folder, os.X_OK)  # noqa: PTH112


def are_files_here(folder: str, files: Iterable[str]) -> bool:
    """Whether every file of a tile is there.

    Args:
        folder: Path of a folder that is here.
        files: Paths of the files below it.
    """
    return all(os.path.exists(os.path.join(folder, file)) for file in files)  # noqa: PTH110, PTH118
