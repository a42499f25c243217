"""A folder of ready-made cutouts beside a table: chunks of rows, and where their pictures are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.surveys.description import Survey
from encoder.surveys.patterns import fill, placeholders
from encoder.tiles.table_columns import Columns

ROWS_PER_CHUNK = 1000


def split_rows(table: Path, n_rows: int) -> list[tuple[str, int, int]]:
    """Cuts a table's rows into tiles of at most 1,000: name, first row, row after the last.

    The names do not depend on the table's length: a table that grows changes its last chunk, and adds more.
    """
    starts = range(0, n_rows, ROWS_PER_CHUNK)
    return [
        (
            f"{table.stem}-{start:09d}-{start + ROWS_PER_CHUNK - 1:09d}",
            start,
            min(start + ROWS_PER_CHUNK, n_rows),
        )
        for start in starts
    ]


def picture_paths(survey: Survey, root: Path, columns: Columns, rows: NDArray[np.int64]) -> list[Path]:
    """Where the picture of each row should be."""
    names = placeholders(survey.image.path)
    texts = [columns[name][rows].tolist() for name in names]
    return [
        root / fill(survey.image.path, dict(zip(names, row, strict=True))) for row in zip(*texts, strict=True)
    ]
