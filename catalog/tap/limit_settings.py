"""Other limits than the usual ones: by variables of the environment, or by a file in the home."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from catalog.errors import SettingsError
from catalog.tap.limits import ServiceLimits

PREFIX = "GALCAT_LIMIT_"
FILE = "limits.toml"


def read_limits(home: Path, environment: Mapping[str, str]) -> ServiceLimits:
    """The limits of a service: a variable such as GALCAT_LIMIT_SYNC_SECONDS, else the file, else the usual.

    Args:
        home: Folder that may hold `limits.toml`, whose keys are the names of `ServiceLimits`.
        environment: Variables by name; an empty one counts as unset.

    Raises:
        SettingsError: A name is none of the limits', or a value is no number above 0; names both.
    """
    given = _read_file(home / FILE) | {
        name.removeprefix(PREFIX).lower(): (name, value)
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    kinds = {limit.name: limit.type for limit in fields(ServiceLimits)}
    values: dict[str, float] = {}
    for name, (where, value) in given.items():
        if name not in kinds:
            raise SettingsError(f"{where}: no limit is called {name}; there are {', '.join(kinds)}")
        values[name] = _number(where, value, is_whole=kinds[name] in {int, "int"})
    return replace(ServiceLimits(), **values)  # type: ignore[arg-type] # checked above


def _read_file(file: Path) -> dict[str, tuple[str, object]]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"{file}: {said}") from None
    return {name: (f"{file}: {name}", value) for name, value in given.items()}


def _number(where: str, value: object, *, is_whole: bool) -> float:
    refusal = SettingsError(f"{where} is {value!r}: expected a {'whole ' if is_whole else ''}number above 0")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refusal
    try:
        number = int(value) if is_whole and not isinstance(value, float) else float(value)
    except ValueError:
        raise refusal from None
    if not 0 < number < float("inf") or (is_whole and number != int(number)):
        raise refusal
    return int(number) if is_whole else number
