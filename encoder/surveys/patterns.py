"""Path patterns with named placeholders, such as `coadd/{group}/{tile}/image-{band}.fits`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def placeholders(pattern: str) -> tuple[str, ...]:
    """The names in the pattern, each once, in order."""
    return tuple(dict.fromkeys(PLACEHOLDER.findall(pattern)))


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern with its placeholders replaced.

    Raises:
        KeyError: A placeholder has no value.
    """
    return PLACEHOLDER.sub(lambda found: values[found[1]], pattern)


def find(root: Path, pattern: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yields the files below `root` that fit, with what each placeholder stood for, in no order.

    A placeholder that occurs twice must stand for the same text; none reaches across a `/`.
    """
    expression = re.compile(_expression(pattern))
    for path in root.glob(PLACEHOLDER.sub("*", re.sub(r"([*?\[])", r"[\1]", pattern))):
        found = expression.fullmatch(path.relative_to(root).as_posix())
        if found:
            yield path, found.groupdict()


def _expression(pattern: str) -> str:
    parts = PLACEHOLDER.split(pattern)
    seen: set[str] = set()
    text = re.escape(parts[0])
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        text += f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)"
        text += re.escape(literal)
        seen.add(name)
    return text
