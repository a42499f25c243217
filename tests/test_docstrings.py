"""What docstrings name: every exception of a `Raises:` section is a class that a reader can find."""

import ast
import builtins
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ERRORS_IN_REACH = {
    "table_files": ("table_files",),
    "catalog": ("catalog", "table_files"),
    "encoder": ("encoder", "table_files"),
    "galcat": ("galcat", "catalog", "encoder", "table_files"),
    "dagster_jobs": ("galcat", "catalog", "encoder", "table_files"),
    "ray_jobs": ("galcat", "catalog", "encoder", "table_files"),
}
THIRD_PARTY = {"psycopg.Error", "dagster.Failure", "sqlite3.Error"}
_SECTION = re.compile(r"^Raises:\n((?: .*\n|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w[\w., \n]*?):", re.MULTILINE)


def list_raised(source: str) -> Iterator[str]:
    """The names before the colon of each entry of the `Raises:` sections of a module."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        text = (ast.get_docstring(node) or "") if isinstance(node, documented) else ""
        for section in _SECTION.findall(text + "\n"):
            for entry in _ENTRY.findall(section):
                yield from (name for name in re.split(r"[,\s]+(?:or\s|and\s)?\s*", entry) if name)


def list_module_names(source: str, *, follow: bool = False) -> set[str]:
    """The names that a module imports and the classes that it defines.

    Args:
        source: Text of the module.
        follow: Whether the classes of the project's modules that it imports from are listed too.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
            file = ROOT / f"{(node.module or '').replace('.', '/')}.py"
            names |= list_module_names(file.read_text()) if follow and file.exists() else set()
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
    return names


def list_error_classes(module: object) -> set[str]:
    members = vars(module).items()
    return {name for name, value in members if isinstance(value, type) and issubclass(value, BaseException)}


@pytest.mark.parametrize("package", ERRORS_IN_REACH)
def test_every_exception_that_a_docstring_names_is_a_class_in_reach(package: str) -> None:
    known = THIRD_PARTY | list_error_classes(builtins)
    for name in ERRORS_IN_REACH[package]:
        known |= list_error_classes(importlib.import_module(f"{name}.errors"))
    unknown = []
    for path in sorted((ROOT / package).rglob("*.py")):
        source = path.read_text()
        near = [folder / "errors.py" for folder in path.parents if folder.is_relative_to(ROOT / package)]
        named = known | list_module_names(source, follow=True)
        for errors in near:
            named |= list_module_names(errors.read_text()) if errors.exists() else set()
        missing = set(list_raised(source)) - named
        unknown += [f"{path.relative_to(ROOT)}: {name}" for name in sorted(missing)]
    assert unknown == []


def test_the_names_of_a_raises_section_are_read_as_docstrings_spell_them() -> None:
    source = '''
class Reader:
    def read(self):
        """Read it.

        Raises:
            ValueError: It is wrong:
                so it is.
            CatalogError, EncoderError, psycopg.Error: As the steps; or
                a file: gone.

        Not a section: of names.
        """
'''
    assert list(list_raised(source)) == ["ValueError", "CatalogError", "EncoderError", "psycopg.Error"]
