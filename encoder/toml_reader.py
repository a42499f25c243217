"""Strict reading of a TOML table into a frozen dataclass: a typo never passes."""

import difflib
import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

Record = TypeVar("Record")
Kind = Literal["unknown", "missing", "wrong"]
Path = tuple[str | int, ...]

_KINDS: Mapping[str, Kind] = {"unexpected_keyword_argument": "unknown", "missing": "missing"}
_ORDER: tuple[Kind, ...] = ("unknown", "missing", "wrong")
"""A key that nobody knows explains one that is missing, so it is told first."""

toml_record = with_config(ConfigDict(extra="forbid"))
"""Decorates a dataclass that `read_record` may fill: a table with an unknown key is refused."""


class RecordError(ValueError):
    """The first thing that is wrong in a table; its text is `key: what is wrong`.

    Attributes:
        kind: Whether a key is unknown, missing, or has a value of the wrong type.
        path: Names of tables and numbers in lists that lead to the key, the key last.
        value: The value that stands there; None for a missing key.
        hint: The type hint of the field; None of an unknown key.
    """

    def __init__(self, kind: Kind, path: Path, value: object, hint: Any, known: Iterable[str]) -> None:  # noqa: ANN401  a type hint is any object
        self.kind, self.path, self.value, self.hint = kind, path, value, hint
        wrong = {
            "unknown": f"unknown key{_suggest(str(path[-1]), list(known))}",
            "missing": "missing",
            "wrong": f"{value!r} is not {_describe(hint)}",
        }
        super().__init__(f"{_join(path)}: {wrong[kind]}")


def read_record(record: type[Record], table: Mapping[str, Any]) -> Record:
    """Fill a dataclass from a table, following its type hints through nested tables and arrays.

    Every value must have its field's own type: no text is read as a number, and only a whole number may
    stand for a float. A field with a default may be left out.

    Args:
        record: A dataclass, decorated like all those in it by `toml_record`.
        table: What the TOML parser gave.

    Raises:
        RecordError: A key is unknown or missing, or a value has the wrong type.
    """
    try:
        # As JSON, since pydantic is strict about tuples and records made by Python; a date fits no field.
        text = json.dumps(table, default=lambda _: [None])
        return TypeAdapter(record).validate_json(text, strict=True)
    except ValidationError as error:
        problems = [(_KINDS.get(e["type"], "wrong"), e["loc"]) for e in error.errors(include_url=False)]
        found = [(kind, _path(table, loc, kind)) for kind, loc in problems]
    kind, path = min(found, key=lambda one: (_ORDER.index(one[0]), -len(one[1])))
    owners = [member for member in _members(_hint_at(record, path[:-1])) if is_dataclass(member)]
    known = [field.name for owner in owners for field in fields(owner)]
    hint = None if kind == "unknown" else _hint_at(record, path)
    raise RecordError(kind, path, None if kind == "missing" else _value_at(table, path), hint, known)


def _path(table: Any, loc: Path, kind: Kind) -> Path:  # noqa: ANN401  straight from a TOML parser
    """Where an error is in the table; pydantic also names the members of unions that it tried."""
    path: list[str | int] = []
    for key in loc:
        there = key in table if isinstance(table, dict) else isinstance(table, list) and isinstance(key, int)
        if there:
            table = table[key]
            path.append(key)
    return (*path, loc[-1]) if kind == "missing" else tuple(path)


def _value_at(table: Any, path: Path) -> object:  # noqa: ANN401  straight from a TOML parser
    for key in path:
        table = table[key]
    return table


def _hint_at(hint: Any, path: Path) -> Any:  # noqa: ANN401  a type hint is any object
    """The hint of a key: of a record's field, of a table's values, of a list's entries."""
    for key in path:
        holder = next(m for m in _members(hint) if get_origin(m) in (dict, tuple) or is_dataclass(m))
        if is_dataclass(holder):
            hint = get_type_hints(holder)[str(key)]
        else:
            hint = get_args(holder)[1 if get_origin(holder) is dict else 0]
    return hint


def _members(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401  a type hint is any object
    """The members of a union; of another hint itself."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _describe(hint: Any) -> str:  # noqa: ANN401  a type hint is any object
    origin, arguments = get_origin(hint), get_args(hint)
    if len(_members(hint)) > 1:
        return _describe(_members(hint)[0])
    if origin is Literal:
        return "one of " + ", ".join(repr(value) for value in arguments)
    if origin is tuple:
        return f"a list, each {_describe(arguments[0])}"
    if origin is dict or is_dataclass(hint):
        return "a table"
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}.get(
        hint, str(hint)
    )


def _join(path: Path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
