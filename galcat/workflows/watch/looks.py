"""What the nightly jobs saw last, kept in the home: so that `galcat status` need not look again."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Subject = Literal["drop_folder", "night"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        at: The moment at which somebody looked, UTC.
        found: What was seen, by name: texts, numbers and lists of them.
    """

    at: datetime
    found: Mapping[str, Any]

    @property
    def hours_ago(self) -> float:
        """How long ago it was."""
        return (datetime.now(UTC) - self.at).total_seconds() / 3600


def record_look(home: Path, subject: Subject, found: Mapping[str, Any]) -> None:
    """Keep what was seen, in the place of what was seen before; where that is impossible, say so and go on.

    Args:
        home: Folder of the catalogue's home.
        subject: What was looked at.
        found: What was seen: only what JSON can hold.
    """
    file = _file(home, subject)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "found": dict(found)}))
        fresh.replace(file)
    except OSError as error:
        _log.warning("galcat status will not know what was seen: %s: %s", error.filename, error.strerror)


def read_look(home: Path, subject: Subject) -> Look | None:
    """Read what was seen last; None where nobody has looked on this machine, or the file is damaged."""
    try:
        kept = json.loads(_file(home, subject).read_text())
        return Look(datetime.fromisoformat(kept["at"]), kept["found"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _file(home: Path, subject: Subject) -> Path:
    return home / "looks" / f"{subject}.json"
