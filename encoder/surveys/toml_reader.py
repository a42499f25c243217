"""Strict reading of a TOML table into a frozen dataclass: a typo never passes."""

import difflib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from encoder.errors import SurveyError

Record = TypeVar("Record")


def read_record(record: type[Record], table: Mapping[str, object], file: str, key: str = "") -> Record:
    """Fills a dataclass from a table, following its type hints through nested tables and arrays.

    Hints understood: str, int, float (takes whole numbers too), bool, Literal, tuples of one type, dicts by
    name, other dataclasses, and unions of these. A field with a default may be left out.

    Args:
        record: the dataclass to make.
        table: what the TOML parser gave.
        file: named in errors.
        key: where `table` stands in the file, named in errors.

    Raises:
        SurveyError: a key is unknown or missing, or a value has the wrong type; names file and key.
    """
    known = {field.name: field for field in fields(cast("Any", record))}
    for name in table:
        if name not in known:
            raise SurveyError(f"{file}: {_join(key, name)}: unknown key{_suggest(name, known)}")
    for name, field in known.items():
        if name not in table and _required(field):
            raise SurveyError(f"{file}: {_join(key, name)}: missing")
    hints = get_type_hints(record)
    return record(
        **{name: _value(hints[name], value, file, _join(key, name)) for name, value in table.items()}
    )


def _value(hint: Any, value: object, file: str, key: str) -> Any:  # noqa: ANN401  a type hint is any object
    if get_origin(hint) in (Union, types.UnionType):
        hint = _fitting(get_args(hint), value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], item, file, f"{key}[{n}]") for n, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {name: _value(arguments[1], item, file, _join(key, name)) for name, item in value.items()}
    if is_dataclass(hint) and isinstance(value, dict):
        return read_record(cast("type[object]", hint), value, file, key)
    if hint is float and type(value) in (int, float):
        return float(cast("float", value))
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise SurveyError(f"{file}: {key}: {value!r} is not {_name(hint)}")


def _fitting(hints: tuple[Any, ...], value: object) -> Any:  # noqa: ANN401  a type hint is any object
    """The member of a union that has the value's kind; if none has, the first, whose error is then raised."""
    for hint in hints:
        kind = get_origin(hint) or hint
        wanted = dict if is_dataclass(hint) else list if kind is tuple else kind
        if type(value) is wanted:
            return hint
    return float if float in hints and type(value) is int else hints[0]


def _name(hint: Any) -> str:  # noqa: ANN401  a type hint is any object
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(value) for value in arguments)
    if origin is tuple:
        return f"a list, each {_name(arguments[0])}"
    if origin is dict or is_dataclass(hint):
        return "a table"
    return {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}.get(
        hint, str(hint)
    )


def _required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _suggest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
