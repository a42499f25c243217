"""The project's compose file as Docker would see it: variables filled in, anchors merged, checked."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml  # type: ignore[import-untyped] # its stubs are a package of their own
from compose_spec import PyCompose

ROOT = Path(__file__).parents[3]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")


class UnsetError(Exception):
    """A variable without which the file refuses to be used."""


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """Fill in `${NAME}`, `${NAME:-default}` and `${NAME:?why it is needed}`; empty counts as unset."""

    def value(match: re.Match[str]) -> str:
        found = variables.get(match["name"], "")
        if found:
            return found
        if match["kind"] == "?":
            raise UnsetError(f"{match['name']}: {match['text']}")
        return match["text"] or ""

    return VARIABLE.sub(value, text)


def load(variables: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """Check the compose file against the Compose schema.

    Returns:
        The services by name, as plain values.

    Raises:
        ValueError: The file does not follow the schema.
    """
    text = fill_in((ROOT / "docker-compose.yml").read_text(), variables)
    merged = yaml.safe_load(text)  # merges the anchors
    for name in [name for name in merged if name.startswith("x-")]:
        del merged[name]
    compose = PyCompose.from_yaml(yaml.safe_dump(merged))
    compose.validate()
    services: dict[str, dict[str, object]] = compose.to_dict()["services"]
    return services
