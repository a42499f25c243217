"""The galaxies that a sheet showed last, by their numbers on it: `galcat tasks say ring 1=yes 2=no`."""

import json
from collections.abc import Sequence
from pathlib import Path

from catalog.settings import load_settings
from galcat.errors import WorkflowError

MOST = 9_999
"""The largest number on a sheet; larger ones are object_ids."""
_FILE = "last_batches.json"


def keep_batch(task: str, object_ids: Sequence[int]) -> None:
    """Keep which galaxy has which number, from 1, until the next sheet of the task."""
    path = _path()
    batches = _read(path)
    batches[task] = [str(identity) for identity in object_ids]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(batches), encoding="utf-8")
    new.replace(path)


def find_in_batch(task: str, number: int) -> int:
    """The galaxy of a number in the last batch of a task; the number itself where there was none yet.

    Raises:
        WorkflowError: The last batch has no such number.
    """
    batch = _read(_path()).get(task, [])
    if not batch or number > MOST:
        return number
    if not 1 <= number <= len(batch):
        raise WorkflowError(f"{number} is no object_id, and the last batch of {task} has 1 to {len(batch)}")
    return int(batch[number - 1])


def _path() -> Path:
    return load_settings().home / _FILE


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
