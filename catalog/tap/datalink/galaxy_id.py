"""The names that a galaxy goes by in DataLink: its object_id, or that behind ivo://galcat/galaxy?."""

import re

IVOID = "ivo://galcat/galaxy?"
_LARGEST = 2**63 - 1
_NAME = re.compile(rf"(?:{re.escape(IVOID)})?([0-9]{{1,19}})", re.IGNORECASE)


def object_id_of(text: str) -> int | None:
    """The object_id that a name means; None where it is no such name."""
    found = _NAME.fullmatch(text.strip())
    number = int(found[1]) if found else _LARGEST + 1
    return number if number <= _LARGEST else None
